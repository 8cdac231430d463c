"""vLLM's parser, played: argparse over vLLM's own table of options, and what vLLM does before it.

It takes dashes for underscores, `-O3`, and options in pieces (`--option.key value`), which become
JSON. The engine of the lab and the `vllm` package in its containers read their words with it.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from spark_control.lab.standins.box import override

TABLE = Path(__file__).with_name("vllm_flags.json")
DEFAULT_MODEL = "Qwen/Qwen3-0.6B"
_SIZES = {"k": 1000, "m": 10**6, "g": 10**9, "K": 1024, "M": 1024**2, "G": 1024**3}
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([kKmMgG]?)$")
_NUMBER = re.compile(r"^-\d+$|^-\d*\.\d+$")
_COUNTS = {"many": "+", "maybe": "?"}
_LOOSE = ("moe_backend", "linear_backend", "sparse_indexer_topk_backend")
_TOKENS = ("max_model_len", "max_num_batched_tokens", "kv_cache_memory_bytes")


class Option(NamedTuple):
    """One option: its spellings, how many values it takes, of which kind, and from what."""

    flags: list[str]
    values: str
    kind: str
    choices: list[object] | None = None

    @property
    def dest(self) -> str:
        """Return the name of its value: vLLM has two spellings of some."""
        known = {"--device-memory-utilization": "gpu_memory_utilization"}
        return known.get(self.flags[0], self.flags[0].lstrip("-").replace("-", "_"))


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
        return int(text)
    return int(float(found.group(1)) * _SIZES.get(found.group(2), 1))


def human_readable_int_or_auto(text: str) -> int:
    """Read a size, `auto` is -1. Raises ValueError."""
    return -1 if text.lower() == "auto" else human_int(text)


def _loose(text: str) -> str:
    return text.lower().replace("-", "_")


def _loads(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"Value {text} cannot be converted to <function loads>."
        ) from None


def _kind(row: Option) -> Callable[[str], object]:
    if row.dest == "max_model_len":
        return human_readable_int_or_auto
    if row.dest in _TOKENS:
        return human_int
    if row.dest in _LOOSE:
        return _loose
    kinds: dict[str, Callable[[str], object]] = {"int": int, "float": float, "json": _loads}
    return kinds.get(row.kind, str)


class Switch(argparse.Action):
    """An option without a value; its `--no-` and `--disable-` spellings turn it off."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0)

    @override
    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        _values: object,
        option_string: str | None = None,
    ) -> None:
        first = next(flag for flag in self.option_strings if flag.startswith("--"))
        short = not (option_string or "").startswith("--")
        setattr(namespace, self.dest, short or option_string == first)


def add_options(parser: argparse.ArgumentParser, table: Table) -> None:
    """Give `parser` the model and all options of the table."""
    parser.add_argument("model_tag", nargs="?", type=str)
    for row in table.options:
        if row.values == "none":
            parser.add_argument(*row.flags, action=Switch, dest=row.dest)
            continue
        choices = [one for one in row.choices if one is not None] if row.choices else None
        parser.add_argument(
            *row.flags,
            dest=row.dest,
            nargs=_COUNTS.get(row.values),
            type=_kind(row),
            choices=choices,
        )


class FlexibleArgumentParser(argparse.ArgumentParser):
    """Rewrites the words as vLLM does before argparse sees them."""

    @override
    def parse_known_args(  # type: ignore[override]  # only with new objects here
        self, args: Iterable[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(rewritten(words), namespace)


def rewritten(words: Sequence[str]) -> list[str]:
    """Return the words with dashes for underscores, levels written out and pieces joined."""
    queue = [_dashes(word) for word in words]
    kept: list[str] = []
    pieces: list[str] = []
    while queue:
        word = queue.pop(0)
        key, equals, value = word.partition("=")
        if word.startswith("-") and "." in key and not _NUMBER.match(word):
            head, _, rest = key.partition(".")
            pieces += [head, json.dumps({rest: value if equals else queue.pop(0)})]
        elif found := re.match(r"^-O=?(\d)$", word):
            kept += ["--optimization-level", found.group(1)]
        else:
            kept.append(word)
    return kept + pieces


def _dashes(word: str) -> str:
    if not word.startswith("--"):
        return word
    key, equals, value = word.partition("=")
    head, dot, rest = key.partition(".")
    return head.replace("_", "-") + dot + rest + equals + value
