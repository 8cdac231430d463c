"""The part of docker's `--format` that people use: fields, `json`, `index`, `range`-free."""

import json
import re
from collections.abc import Mapping

from spark_control.lab.standins.docker_args import Refused

_PIECE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_INDEX = re.compile(r'^index\s+(\.[\w.]*)\s+"([^"]*)"$')
_LABEL = re.compile(r'^\.Label\s+"([^"]*)"$')
_FIELD = re.compile(r"^(json\s+|println\s+)?(\.[\w.]*)$")


def render(template: str, row: Mapping[str, object]) -> str:
    """Return `template` filled from `row`. Raises Refused for what this docker can't do."""
    text = template.replace("\\t", "\t").replace("\\n", "\n")
    return _PIECE.sub(lambda piece: _value(piece.group(1), row), text)


def _value(piece: str, row: Mapping[str, object]) -> str:
    if found := _LABEL.match(piece):
        return dict(_pairs(str(row.get("Labels", "")))).get(found.group(1), "")
    if found := _INDEX.match(piece):
        held = _dig(found.group(1), row)
        return str(held.get(found.group(2), "")) if isinstance(held, Mapping) else ""
    if not (found := _FIELD.match(piece)):
        raise Refused(f'template parsing error: template: :1: function "{piece}" not defined\n')
    value = _dig(found.group(2), row)
    if (found.group(1) or "").startswith("json"):
        return json.dumps(value, separators=(",", ":"))
    return _plain(value)


def _pairs(labels: str) -> list[tuple[str, str]]:
    return [(key, value) for key, _, value in (one.partition("=") for one in labels.split(","))]


def _dig(path: str, row: Mapping[str, object]) -> object:
    value: object = row
    for name in filter(None, path.split(".")):
        if not isinstance(value, Mapping) or name not in value:
            raise Refused(
                f'template parsing error: template: :1:2: executing "" at <{path}>: '
                f'can\'t evaluate field "{name}"\n'
            )
        value = value[name]
    return value


def _plain(value: object) -> str:
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{_plain(item)}" for key, item in value.items()) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_plain(item) for item in value) + "]"
    return str(value)


def lines(template: str, rows: list[dict[str, object]], columns: Mapping[str, str]) -> str:
    """Return a listing: `json`, `table …`, any template, or the default table of `columns`."""
    if template == "json":
        return "".join(json.dumps(row) + "\n" for row in rows)
    if template.startswith("table ") or not template:
        wanted = template.removeprefix("table ") or "\t".join(f"{{{{.{one}}}}}" for one in columns)
        names = rows[0] if rows else columns
        heads: dict[str, object] = {name: columns.get(name, name.upper()) for name in names}
        return _table([render(wanted, one) for one in ({**columns, **heads}, *rows)])
    return "".join(render(template, row) + "\n" for row in rows)


def _table(rows: list[str]) -> str:
    cells = [row.split("\t") for row in rows]
    wide = [max(len(cell) for cell in column) + 3 for column in zip(*cells, strict=False)]
    padded = [
        "".join(f"{cell:<{width}}" for cell, width in zip(row, wide, strict=False))
        for row in cells
    ]
    return "".join(line.rstrip() + "\n" for line in padded)
