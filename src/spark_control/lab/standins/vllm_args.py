"""Reads the words after `vllm serve` with vLLM's own table of options."""

from typing import NamedTuple, NoReturn

from spark_control.lab.standins.box import override
from spark_control.lab.standins.vllm_parser import (
    DEFAULT_MODEL,
    FlexibleArgumentParser,
    Table,
    add_options,
    read_table,
)

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


class _Parser(FlexibleArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        raise Refusal(
            f"usage: vllm serve [model_tag] [options]\nvllm serve: error: {message}\n",
            2,
        )


def parse(words: list[str]) -> Serve:
    """Read the words. Raises Refusal as vLLM does, and only for the first problem."""
    table = read_table()
    parser = _Parser(prog="vllm serve", add_help=False)
    add_options(parser, table)
    try:
        found = parser.parse_args(words)
    except IndexError:
        raise Refusal("IndexError: list index out of range\n") from None
    given = {key: value for key, value in vars(found).items() if value is not None}
    _check(given, table)
    model = str(given.get("model_tag") or given.get("model") or DEFAULT_MODEL)
    names = given.get("served_model_name")
    length = int(str(given.get("max_model_len", -1)))
    return Serve(
        model=model,
        names=tuple(names) if isinstance(names, list) else (model,),
        host=str(given.get("host") or ""),
        port=int(str(given.get("port", 8000))),
        share=float(str(given.get("gpu_memory_utilization", 0.92))),
        max_len=None if length == -1 else length,
        given=given,
    )


def _check(given: dict[str, object], table: Table) -> None:
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
