"""`spark-control models`: the menu, what fits, and recipes proposed, added and removed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render import fit as fit_view
from spark_control.cli.render import models as view
from spark_control.cli.session import Session, session_of
from spark_control.cli.verbs.models_import import take_in

PATH = "/api/models"
Key = Annotated[str, typer.Argument(metavar="KEY", help="Its key, as `models` lists it.")]
models = typer.Typer(rich_markup_mode=None, add_completion=False)
models.command("import")(take_in)


@models.callback(invoke_without_command=True)
def menu(
    ctx: typer.Context,
    recipes: Annotated[
        bool, typer.Option("--recipes", help="Also list recipes for models on no Spark.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Look at the disks now, whatever was seen before.")
    ] = False,
    fit: Annotated[
        bool, typer.Option("--fit", help="Show what each needs and whether it fits.")
    ] = False,
) -> None:
    """List the models on the Sparks and what can be done with them."""
    if ctx.invoked_subcommand is not None:
        return
    session = session_of(ctx)
    with session.asking("Looking at the disks of the Sparks"):
        answer = session.api.get(PATH, {"fresh": "true"} if fresh else None)
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.render(answer, recipes=recipes, width=session.out.width, fit=fit))


@models.command()
def fit(
    ctx: typer.Context,
    key: Key,
    spark: Annotated[
        str | None, typer.Option("--spark", metavar="SPARK", help="On this Spark.")
    ] = None,
    context: Annotated[
        int | None, typer.Option("--context", min=1, help="With so many tokens.")
    ] = None,
    sequences: Annotated[
        int, typer.Option("--sequences", min=1, help="For so many at a time.")
    ] = 1,
) -> None:
    """Show whether KEY fits, with the arithmetic."""
    session = session_of(ctx)
    query: dict[str, str | int] = {"sequences": sequences}
    query |= {"spark": spark} if spark else {}
    query |= {"context": context} if context else {}
    answer = session.api.get(f"{PATH}/{quote(key, safe='')}/fit", query)
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(fit_view.render(answer))


@models.command()
def suggest(
    ctx: typer.Context,
    key: Key,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the proposal as the recipe of KEY.")
    ] = False,
    trust: Annotated[
        bool,
        typer.Option("--trust-remote-code", help="Let code from the model's repository run."),
    ] = False,
) -> None:
    """Propose launch settings for KEY, with where each value came from."""
    session = session_of(ctx)
    answer = session.api.get(f"{PATH}/suggest", {"key": key})
    if save:
        saved = session.api.post(PATH, _agreed(answer, trust=trust))
        _told(session, saved, fit_view.proposal(answer, agreed=trust))
    elif session.as_json:
        session.show_json(answer.value)
    else:
        session.show(fit_view.proposal(answer, agreed=trust), Text())
        session.show(Text(f"`spark-control models suggest {key} --save` keeps it."))


def _agreed(answer: Answer, *, trust: bool) -> dict[str, object]:
    """Return the proposed recipe, with the words that were agreed to."""
    recipe = answer["recipe"].mapping
    if trust:
        more = [w for one in answer["values"].items if one["confirm"].flag
                for w in one["words"].texts]  # fmt: skip
        recipe["vllm_args"] = [*answer["recipe"]["vllm_args"].texts, *more]
    return recipe


@models.command()
def add(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="YAML or JSON."),
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in place of one with its key.")
    ] = False,
) -> None:
    """Add the custom recipe in FILE; it is checked whole before it is kept."""
    session = session_of(ctx)
    path = f"{PATH}?replace=true" if replace else PATH
    _told(session, session.api.post(path, _read(file)))


def _read(file: Path) -> Mapping[str, object]:
    """Return the one recipe in a file. Raises BadParameter."""
    # Here and not above: it takes long to load, and no other verb needs it.
    import yaml

    try:
        text = file.read_text("utf-8")
        found = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}", param_hint="FILE") from error
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{file} must hold the fields of a recipe.", param_hint="FILE")
    return found


@models.command()
def remove(ctx: typer.Context, key: Key) -> None:
    """Remove the custom recipe KEY; the weights stay."""
    session = session_of(ctx)
    session.api.delete(f"{PATH}/{quote(key, safe='')}")
    if session.as_json:
        session.show_json({"removed": key})
    else:
        session.show(Text(f"Removed the recipe {key}."))


def _told(session: Session, saved: Answer, *before: object) -> None:
    if session.as_json:
        session.show_json(saved.value)
        return
    for piece in before:
        session.out.print(piece)
    key = saved["key"].text or ""
    session.show(Text(f"Saved the recipe {key}. `spark-control swap {key}` switches to it."))
