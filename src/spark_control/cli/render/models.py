"""The menu: what can be switched to, where it lies, and what keeps the rest from being ready."""

from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.fit import VERDICTS, gib
from spark_control.cli.render.tables import plain_table, warning
from spark_control.cli.words import DASH, listed, measure, one_line, size

CHAT = {"chat", "unknown"}
WIDE = 100
"""In a narrower terminal name and mode are left out, so that each model has one line."""


@dataclass(frozen=True, slots=True)
class ModelView:
    """One line of the menu."""

    key: str
    name: str
    mode: str
    size_bytes: float | None
    sparks: str
    state: str
    style: str
    fit: Answer = field(default_factory=Answer)

    @classmethod
    def of(cls, answer: Answer) -> "ModelView":
        """Read a model of the API."""
        state, style = state_of(answer)
        return cls(
            key=one_line(answer["key"].text or DASH),
            name=_name(answer),
            mode=one_line(answer["mode"].text or DASH).capitalize(),
            size_bytes=answer["size_bytes"].number,
            sparks=_sparks(answer),
            state=one_line(state),
            style=style,
            fit=answer["fit"],
        )


def state_of(model: Answer) -> tuple[str, str]:
    """Return what can be done with the model, in words, and the colour of them."""
    kind = model["kind"].text
    if model["loaded"].flag:
        on = model["loaded_on"].texts
        return (f"Loaded on {listed(on)}" if on else "Loaded"), "green"
    if kind is not None and kind not in CHAT:
        return f"{kind.capitalize()}, no chat", "dim"
    if model["needs_setup"].flag:
        return "Needs setup", "yellow"
    if not model["complete_on"].texts:
        return "Incomplete", "yellow"
    if model["mode"].text == "cluster":
        many = len(model["complete_on"].texts) > 1
        return ("Ready, on several Sparks", "") if many else ("Needs two Sparks", "yellow")
    return "Ready to switch", ""


def _name(model: Answer) -> str:
    """Return its name, blank where that only repeats the key with a slash in it."""
    name = one_line(model["name"].text or "")
    return "" if name in (model["repo"].text, model["local_path"].text) else name


def _sparks(model: Answer) -> str:
    """Return the Sparks that hold it; one that holds a part of it says so."""
    whole = set(model["complete_on"].texts)
    names = [f"{name}{'' if name in whole else ' (part)'}" for name in model["hosts"].texts]
    return one_line(", ".join(names)) or DASH


def render(
    answer: Answer, *, recipes: bool, width: int = WIDE, fit: bool = False
) -> RenderableType:
    """Return `GET /api/models`: the menu, on wish the recipes, then what was skipped."""
    models = [ModelView.of(model) for model in answer["models"].items]
    menu = fits(models) if fit and models else _menu(models, wide=width >= WIDE)
    parts: list[RenderableType] = [menu]
    if recipes:
        parts += [Text(), _recipes(answer["recipes"].items)]
    elif count := len(answer["recipes"].items):
        parts += [Text(), Text(_more(count), "dim")]
    problems = [line for model in answer["models"].items for line in _of_model(model)]
    problems += [_problem(problem) for problem in answer["problems"].items]
    return Group(*parts, *([Text(), *problems] if problems else []))


def _menu(models: list[ModelView], *, wide: bool) -> RenderableType:
    if not models:
        return Text("No models on the Sparks yet.")
    table = plain_table("Model", *(("Name", "Mode") if wide else ()), "Size", "On", "State")
    table.columns[0].no_wrap = True  # it is what one types
    table.columns[-3].justify = "right"
    for model in models:
        middle = (Text(model.name), Text(model.mode)) if wide else ()
        table.add_row(
            Text(model.key, "bold"),
            *middle,
            Text(size(model.size_bytes), no_wrap=True),
            Text(model.sparks),
            Text(model.state, model.style),
        )
    return table


def fits(models: list[ModelView]) -> RenderableType:
    """Return the menu by memory: the verdict, what is needed, and the longest context."""
    table = plain_table("Model", "Fit", "Needs", "Longest context", "On", "State")
    for at in (2, 3):
        table.columns[at].justify = "right"
    for model in models:
        words, style = VERDICTS.get(model.fit["verdict"].text or "", (DASH, "dim"))
        table.add_row(
            Text(model.key, "bold"),
            Text(words, style),
            Text(gib(model.fit["needed_bytes"].number), no_wrap=True),
            Text(measure(model.fit["max_context"].number, "tokens"), no_wrap=True),
            Text(model.sparks),
            Text(model.state, model.style),
        )
    return table


def _more(count: int) -> str:
    recipes = "1 recipe" if count == 1 else f"{count} recipes"
    return f"{recipes} for models that are on no Spark: --recipes lists them."


def _recipes(recipes: list[Answer]) -> RenderableType:
    if not recipes:
        return Text("Every recipe has its model on a Spark.")
    table = plain_table("Recipe", "Mode", "Weights", "Notes")
    for recipe in recipes:
        table.add_row(
            Text(one_line(recipe["key"].text or DASH), "bold"),
            Text(one_line(recipe["mode"].text or DASH).capitalize()),
            Text(one_line(recipe["repo"].text or recipe["local_path"].text or DASH)),
            Text(one_line(recipe["notes"].text or "")),
        )
    return table


def _of_model(model: Answer) -> list[Text]:
    """Return the first thing that is wrong with a model, and how many more there are."""
    problems = model["problems"].texts
    if not problems:
        return []
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    return [warning(f"{one_line(model['key'].text or DASH)}: {one_line(problems[0])}{more}")]


def _problem(problem: Answer) -> Text:
    where = " ".join(
        one_line(text) for text in (problem["source"].text, problem["entry"].text) if text
    )
    reason = one_line(problem["reason"].text or DASH)
    return warning(f"{where}: {reason}" if where else reason)
