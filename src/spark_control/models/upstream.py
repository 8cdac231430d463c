"""Read recipes of the launch project spark-vllm-docker: what is used of them, and what is not.

Their `command` is a template of a shell command. It is taken apart and never run: one `vllm serve`
with plain words becomes a recipe, anything a shell would have to do first is refused.
"""

import json
import re
import shlex
import string
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from spark_control.models import checks
from spark_control.models.domain import Mode, Origin, Recipe, is_key
from spark_control.models.errors import BadRecipe
from spark_control.models.flags import Family, find, last, replaced
from spark_control.models.recipes import recipe_of

MOST = 100
USUAL_IMAGE = "vllm-node"
IMPORTED = "Imported from a recipe of spark-vllm-docker."
_USED = frozenset({
    "recipe_version", "name", "description", "model", "container", "command", "mods", "defaults",
    "env", "cluster_only", "solo_only",
})  # fmt: skip
_OPERATORS = ";()<>|&\n"
_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNS = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_NOT_A_KEY = re.compile(r"[^a-z0-9._-]+")
_SEVERAL = (
    Family((("--pipeline-parallel-size", "--pipeline"), ("-pp", "-pp"))),
    Family((("--data-parallel-size", "--data-parallel-size"), ("-dp", "-dp"))),
)


@dataclass(frozen=True, slots=True)
class Left:
    """A field, or a part of one, that was not taken over, and why."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Import:
    """A recipe that was read, and what of it was left out."""

    recipe: Recipe
    left: tuple[Left, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What is found while one recipe is read."""

    entry: dict[str, object] = field(default_factory=dict)
    env: dict[str, object] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)

    def leave(self, name: str, reason: str) -> None:
        self.left.append(Left(name, reason))


def documents(text: str) -> list[object]:
    """Return the recipes that a text holds: one or several documents, or a list of them.

    Raises BadRecipe when it is no YAML.
    """
    try:
        found = [one for one in yaml.safe_load_all(text) if one is not None]
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadRecipe(f"This is not YAML{where}: {error.problem}.", param="text") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadRecipe("This is not YAML.", param="text") from error
    rows = [row for one in found for row in (one if isinstance(one, list) else [one])]
    if not 0 < len(rows) <= MOST:
        raise BadRecipe(f"There must be 1 to {MOST} recipes in it.", param="text")
    return rows


def title_of(document: object, place: int) -> str:
    """Return how a recipe that may be unusable is called in a sentence."""
    name = document.get("name") if isinstance(document, Mapping) else None
    return name[:80] if isinstance(name, str) and name.isprintable() else f"recipe {place}"


def key_of(name: str) -> str:
    """Return a key made of a name."""
    slug = _NOT_A_KEY.sub("-", name.casefold()).strip("-.")[:64].rstrip("-.")
    return slug if is_key(slug) else f"recipe-{slug}"[:64].rstrip("-.")


def read_upstream(document: object) -> Import:
    """Return the recipe of one document. Raises BadRecipe, naming the field."""
    if not isinstance(document, Mapping) or not isinstance(document.get("command"), str):
        raise BadRecipe(
            "A recipe of spark-vllm-docker has `name`, `container` and `command`.",
            param="command",
            hint="For recipes in the form of Spark Control use `spark-control models add`.",
        )
    found = _Reading()
    name = checks.line(document.get("name"), "name", longest=120)
    found.entry |= {"key": key_of(name), "name": name, "notes": _notes(document)}
    found.entry["mode"] = _mode(document, found)
    _plain(document, found)
    _env(document.get("env"), found)
    _command(document, found)
    _others(document, found)
    return Import(recipe_of(found.entry | {"env": found.env}, origin=Origin.CUSTOM),
                  tuple(found.left))  # fmt: skip


def _notes(document: Mapping[object, object]) -> str:
    said = document.get("description")
    words = " ".join(said.split())[:3000] if isinstance(said, str) else ""
    return f"{words}\n{IMPORTED}".strip()


def _mode(document: Mapping[object, object], found: _Reading) -> str:
    """Take several Sparks where one is not enough: `cluster_only`, or more than two by default."""
    sparks = _defaults(document).get("tensor_parallel")
    asked = sparks if isinstance(sparks, int) and document.get("solo_only") is not True else 1
    if document.get("cluster_only") is True or asked > 2:
        return Mode.CLUSTER.value
    if asked > 1:
        found.leave("defaults", f"tensor_parallel {asked}: it is imported for one Spark.")
    return Mode.SOLO.value


def _defaults(document: Mapping[object, object]) -> Mapping[object, object]:
    held = document.get("defaults")
    return held if isinstance(held, Mapping) else {}


def _plain(document: Mapping[object, object], found: _Reading) -> None:
    image = document.get("container")
    if image is None:
        raise BadRecipe("container must name an image.", param="container")
    if image != USUAL_IMAGE:
        try:
            found.entry["image"] = checks.image(image)
        except BadRecipe as error:
            raise BadRecipe("container must name an image.", param="container") from error
    found.entry["mods"] = document.get("mods") or []


def _env(held: object, found: _Reading) -> None:
    if held is None:
        return
    if not isinstance(held, Mapping):
        raise BadRecipe("env must hold names with values.", param="env")
    for name, value in held.items():
        _variable(name, "" if value is None else str(value), found)


def _variable(name: object, value: str, found: _Reading) -> None:
    """Take one variable; a secret, and one that a shell would have to fill in, is left out."""
    label = str(name)[:80]
    if "$" in value or "`" in value:
        found.leave("env", f"{label}: a shell would fill in its value.")
        return
    try:
        checks.env({name: value})
    except BadRecipe as error:
        found.leave("env", f"{label}: {error.message}")
        return
    found.env[str(name)] = value


def _command(document: Mapping[object, object], found: _Reading) -> None:
    words = _serve(_filled(document), found)
    if not words or words[0].startswith("-"):
        raise _bad("The command must name the model right after `vllm serve`.")
    _source(words[0], document.get("model"), found)
    args, left = checks.without_ours([_one_line(word) for word in words[1:]])
    for name, reason in left:
        found.leave("command", f"{name}: {reason}.")
    found.entry["vllm_args"] = list(_on_one(args, found))


def _bad(text: str) -> BadRecipe:
    return BadRecipe(text, param="command")


def _filled(document: Mapping[object, object]) -> str:
    """Return the command with the defaults filled in; only plain names may stand in braces."""
    values = {"model": document.get("model"), **_defaults(document)}
    pieces = []
    try:
        parsed = list(string.Formatter().parse(str(document["command"])))
    except ValueError as error:
        raise _bad("The command has a brace without its other half.") from error
    for plain, name, how, turn in parsed:
        pieces.append(plain)
        if name is None:
            continue
        value = values.get(name)
        if not _NAME.fullmatch(name) or how or turn or not isinstance(value, str | int | float):
            raise _bad(f"The command asks for {{{name[:40]}}}, which has no default.")
        pieces.append(str(value))
    return "".join(pieces)


def _serve(command: str, found: _Reading) -> list[str]:
    """Return the words after `vllm serve`; variables that are set on the way are taken."""
    *before, last_line = _lines(command) or [[]]
    for line in before:
        rest = _assigned(line[1:] if line[:1] == ["export"] else line, found)
        if rest:
            raise _bad(f"The command does more than `vllm serve`: {rest[0][:80]}.")
    words = _assigned(last_line, found)
    words = words[1:] if words[:1] == ["exec"] else words
    if words[:2] != ["vllm", "serve"]:
        raise _bad("The command is no `vllm serve`.")
    if odd := next((word for word in words if "$" in word or "`" in word), None):
        raise _bad(f"A shell would have to fill in {odd[:80]}.")
    return words[2:]


def _lines(command: str) -> list[list[str]]:
    """Return the words of each line; a backslash joins lines, as in a shell."""
    whole = command.replace("\r\n", "\n").replace("\\\n", " ")
    kept = [line for line in whole.split("\n") if not line.lstrip().startswith("#")]
    lexer = shlex.shlex("\n".join(kept), posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    lines: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word and not word.strip("\n"):
                lines.append([])
            elif word and not word.strip(_OPERATORS):
                raise _bad(f"The command needs a shell for `{word.strip()}`.")
            else:
                lines[-1].append(word)
    except ValueError as error:
        raise _bad("The command has a quote without its other half.") from error
    return [line for line in lines if line]


def _assigned(words: list[str], found: _Reading) -> list[str]:
    """Take the variables set in front; return the rest."""
    at = 0
    while at < len(words) and (pair := _ASSIGNS.fullmatch(words[at])):
        _variable(pair[1], pair[2], found)
        at += 1
    return words[at:]


def _one_line(word: str) -> str:
    """Write JSON that goes over several lines in one."""
    if "\n" not in word:
        return word
    try:
        return json.dumps(json.loads(word))
    except (ValueError, RecursionError):
        return word


def _source(said: str, model: object, found: _Reading) -> None:
    """Set the repo or the folder; a path of the container gives way to the repo beside it."""
    if said.startswith("/") and model is None:
        found.entry["local_path"] = said
        return
    found.entry["repo"] = model if said.startswith("/") else said
    if model is not None and model != said:
        used = found.entry["repo"]
        found.leave("model", f"It differs from the model in the command; {used} is used.")


def _on_one(args: tuple[str, ...], found: _Reading) -> tuple[str, ...]:
    """Take out other ways to divide a model; refuse those that a launch here cannot keep."""
    for family in _SEVERAL:
        if not find(args, family):
            continue
        if last(args, family) != "1":
            raise _bad(f"{family.names[0][0]} is not 1; models are divided by `-tp` only.")
        args = replaced(args, family, ())
        found.leave("command", f"{family.names[0][0]}: 1 is what it is anyway.")
    return args


def _others(document: Mapping[object, object], found: _Reading) -> None:
    if (version := document.get("recipe_version", "1")) not in ("1", 1):
        found.leave("recipe_version", f"{str(version)[:20]} is read as 1.")
    for name in document:
        if name not in _USED:
            found.leave(str(name)[:80], "It is not used here.")
