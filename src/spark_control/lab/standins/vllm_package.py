"""The `vllm` package as a container of the lab holds it: so much of it as a parser needs.

The package itself is a few files that `lay` writes; each takes what it has from here.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

from spark_control.lab.standins import box as boxes
from spark_control.lab.standins.vllm_parser import (
    DEFAULT_MODEL,
    FlexibleArgumentParser,
    add_options,
    read_table,
)

TABLE = read_table()
__version__ = TABLE.version
__all__ = ["DEFAULT_MODEL", "FlexibleArgumentParser"]

_HERE = "from spark_control.lab.standins.vllm_package import"
_FILES = {
    "__init__.py": f"import sys\n\nsys.path.append({{source!r}})\n{_HERE} __version__\n",
    "utils/__init__.py": "",
    "utils/argparse_utils.py": f"{_HERE} FlexibleArgumentParser\n",
    "platforms/__init__.py": f"{_HERE} current_platform\n",
    "tool_parsers/__init__.py": f"{_HERE} ToolParserManager\n",
    "reasoning/__init__.py": f"{_HERE} ReasoningParserManager\n",
    "config/__init__.py": (
        f"{_HERE} CacheConfig, AttentionConfig, ParallelConfig, SchedulerConfig, ModelConfig\n"
    ),
    "entrypoints/__init__.py": "",
    "entrypoints/common/__init__.py": "",
    "entrypoints/common/cli_args.py": (f"{_HERE} make_arg_parser, validate_parsed_serve_args\n"),
}


def lay(site: Path, source: str = str(Path(__file__).resolve().parents[3])) -> None:
    """Write the package below `site`, a folder for PYTHONPATH; `source` is where we lie there."""
    for name, text in _FILES.items():
        path = site / "vllm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(source=source))


class ValidationError(ValueError):
    """A value that vLLM's settings do not take."""


class Platform:
    """The GPU, which is seen."""

    def is_unspecified(self) -> bool:
        return False


current_platform = Platform()


class ToolParserManager:
    """Knows the tool parsers."""

    @staticmethod
    def list_registered() -> list[str]:
        return TABLE.parsers["tool_parsers"]


class ReasoningParserManager:
    """Knows the reasoning parsers."""

    @staticmethod
    def list_registered() -> list[str]:
        return TABLE.parsers["reasoning_parsers"]


class CacheConfig:
    """Checks the share of memory."""

    def __init__(self, gpu_memory_utilization: float = 0.92, cache_dtype: str = "auto") -> None:
        if not 0 < gpu_memory_utilization <= 1:
            raise ValidationError(
                "1 validation error for CacheConfig\ngpu_memory_utilization\n"
                "  Input should be less than or equal to 1"
            )
        if cache_dtype.startswith("fp9"):
            raise ValidationError(f"Invalid kv_cache_dtype: {cache_dtype!r}.")


class AttentionConfig(NamedTuple):
    """Takes any backend."""

    backend: str


class ParallelConfig:
    """Has no limits here."""

    __pydantic_fields__: dict[str, object] = {}  # noqa: RUF012 - as in vLLM


class SchedulerConfig(ParallelConfig):
    """Has no limits here."""


class ModelConfig(ParallelConfig):
    """Has no limits here."""


def make_arg_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser with all options. Raises RuntimeError by the fault `parser-broken`."""
    if boxes.here().fault("parser-broken") is not None:
        raise RuntimeError("Failed to infer device type, please set the environment variable")
    add_options(parser, TABLE)
    return parser


def validate_parsed_serve_args(args: argparse.Namespace) -> None:
    """Do the checks after parsing. Raises TypeError, ValueError."""
    if args.enable_auto_tool_choice and not args.tool_call_parser:
        raise TypeError("Error: --enable-auto-tool-choice requires --tool-call-parser")
    template = args.chat_template
    if template and template.startswith("/") and not Path(template).exists():
        raise ValueError(
            f"The supplied chat template string ({template}) appears path-like, but doesn't exist!"
        )
