"""Reads the words after `vllm serve` with vLLM's own table of options."""

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

from spark_control.lab.standins.box import override

TABLE = Path(__file__).with_name("vllm_flags.json")
DEFAULT_MODEL = "Qwen/Qwen3-0.6B"
_SIZES = {"k": 1000, "m": 10**6, "g": 10**9, "K": 1024, "M": 1024**2, "G": 1024**3}
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([kKmMgG]?)$")
_PARSERS = {
    "tool_call_parser": ("tool_parsers", "tool parser"),
    "reasoning_parser": ("reasoning_parsers", "reasoning parser"),
}


class Refusal(Exception):
    """What vLLM prints before it ends, and its exit status."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class Serve(NamedTuple):
    """What `vllm serve` was asked to do."""

    model: str
    names: tuple[str, ...]
    host: str
    port: int
    share: float
    max_len: int | None
    given: dict[str, object]


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        raise Refusal(
            f"usage: vllm serve [model_tag] [options]\nvllm serve: error: {message}\n",
            2,
        )


class Option(NamedTuple):
    """One option: its spellings, how many values it takes, of which kind, and from what."""

    flags: list[str]
    values: str
    kind: str
    choices: list[object] | None = None


class Table(NamedTuple):
    """The options, the parsers and the version of the vLLM that is played."""

    version: str
    parsers: dict[str, list[str]]
    options: list[Option]


def read_table() -> Table:
    """Return vLLM's table."""
    data = json.loads(TABLE.read_text())
    parsers = {name: data[name] for name in ("tool_parsers", "reasoning_parsers")}
    return Table(data["vllm_version"], parsers, [Option(*row) for row in data["options"]])


def human_int(text: str) -> int:
    """Read `32768`, `32k` (1000s) or `32K` (1024s). Raises ValueError."""
    found = _SIZE.match(text)
    if not found:
        raise ValueError(text)
    return int(float(found.group(1)) * _SIZES.get(found.group(2), 1))


_KINDS: dict[str, Callable[[str], object]] = {
    "int": int,
    "float": float,
    "json": json.loads,
    "str": str,
}
_COUNTS = {"many": "+", "maybe": "?"}


def _build(table: Table) -> argparse.ArgumentParser:
    parser = _Parser(prog="vllm serve", add_help=False)
    parser.add_argument("model_tag", nargs="?")
    for row in table.options:
        if row.values == "none":
            parser.add_argument(*row.flags, action="store_true", default=None)
            continue
        parser.add_argument(
            *row.flags,
            nargs=_COUNTS.get(row.values),
            type=_KINDS[row.kind],
            choices=row.choices,
        )
    return parser


def _dashes(word: str) -> str:
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value if word.startswith("--") else word


def _undotted(words: list[str]) -> list[str]:
    """Leave out `--option.key value`: JSON in pieces, which changes nothing here."""
    kept: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word.startswith("--") and "." in word.partition("=")[0]:
            if "=" not in word and queue and not queue[0].startswith("--"):
                queue.pop(0)
        else:
            kept.append(word)
    return kept


def parse(words: list[str]) -> Serve:
    """Read the words. Raises Refusal as vLLM does, and only for the first problem."""
    table = read_table()
    parser = _build(table)
    found, extra = parser.parse_known_args(_undotted([_dashes(word) for word in words]))
    if extra:
        parser.error(f"unrecognized arguments: {' '.join(extra)}")
    given = {key: value for key, value in vars(found).items() if value is not None}
    _check(given, table)
    model = str(given.get("model_tag") or given.get("model") or DEFAULT_MODEL)
    names = given.get("served_model_name")
    length = str(given.get("max_model_len", "auto"))
    return Serve(
        model=model,
        names=tuple(names) if isinstance(names, list) else (model,),
        host=str(given.get("host") or ""),
        port=int(str(given.get("port", 8000))),
        share=float(str(given.get("gpu_memory_utilization", 0.92))),
        max_len=None if length in {"auto", "-1"} else human_int(length),
        given=given,
    )


def _check(given: dict[str, object], table: Table) -> None:
    length = str(given.get("max_model_len", "auto"))
    if length not in {"auto", "-1"} and not _SIZE.match(length):
        raise Refusal(
            "usage: vllm serve [model_tag] [options]\nvllm serve: error: argument "
            f"--max-model-len: invalid human_readable_int_or_auto value: '{length}'\n",
            2,
        )
    if given.get("enable_auto_tool_choice") and not given.get("tool_call_parser"):
        raise Refusal("TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser\n")
    share = float(str(given.get("gpu_memory_utilization", 0.92)))
    if not 0 < share <= 1:
        raise Refusal(
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for CacheConfig\n"
            f"gpu_memory_utilization\n  Input should be less than or equal to 1 "
            f"[type=less_than_equal, input_value={share}, input_type=float]\n"
        )
    for option, (key, what) in _PARSERS.items():
        if option in given and given[option] not in table.parsers[key]:
            raise Refusal(
                f'KeyError: "invalid {what}: {given[option]} '
                f'(chose from {{ {",".join(map(str, table.parsers[key]))} }})"\n'
            )
