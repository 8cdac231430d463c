"""Ask vLLM's own parser about the words of a launch; nothing is started.

A program of its own for any Python from 3.8 on, sent over stdin into a container. The sender adds
one last line, `main("…")`, with the request as JSON: `{"argv": [...], "table": true}`. What it
found is one line of JSON behind `@@VLLM-PREFLIGHT@@`, because vLLM prints to both streams. The
exit status is always 0.

`checked` tells whether vLLM has judged. Whatever fails in this program or inside vLLM, and is no
judgement, leaves it false: that is "could not check", never a refusal.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import logging
import os
import re
import sys
import traceback
from logging.handlers import BufferingHandler
from typing import Any

SENTINEL = "@@VLLM-PREFLIGHT@@"
HOMES = ("common", "launchers", "openai")  # 0.33 | 0.29 to 0.32 | up to 0.28
PARSERS = (
    ("tool", "tool_parsers", "ToolParserManager", "tool_call_parser"),
    ("reasoning", "reasoning", "ReasoningParserManager", "reasoning_parser"),
)
WRAPPERS = {"_optional_type": "?", "_parse_type": ""}
JSON_READERS = {"loads": "json", "parse_dataclass": "json", "union_dict_and_str": "json|str"}
LONGEST = 2000


class Refused(Exception):
    """vLLM does not take the words."""


def parser_class() -> Any:
    """Return vLLM's parser class from where it lives in this version."""
    try:
        return importlib.import_module("vllm.utils.argparse_utils").FlexibleArgumentParser
    except ImportError:
        return importlib.import_module("vllm.utils").FlexibleArgumentParser


def command_line() -> Any:
    """Return the module that makes the parser; it has moved twice."""
    for home in HOMES:
        name = f"vllm.entrypoints.{home}.cli_args"
        with contextlib.suppress(ModuleNotFoundError):  # from find_spec without the parent
            if importlib.util.find_spec(name):
                return importlib.import_module(name)
    raise ImportError("this vLLM has its parser nowhere it has been before")


def without_gpu(out: dict[str, Any]) -> None:
    """Do what `vllm bench` does where no GPU is seen: without one no parser can be made."""
    platforms: Any = importlib.import_module("vllm.platforms")
    if platforms.current_platform.is_unspecified():
        cpu = importlib.import_module("vllm.platforms.cpu")
        platforms.current_platform = cpu.CpuPlatform()
        out["no_gpu"] = True


def names_of(module: str, manager: str) -> list[str] | None:
    """Return the parsers this vLLM has, or None where it does not tell."""
    try:
        found = getattr(importlib.import_module(f"vllm.{module}"), manager).list_registered()
        return sorted(map(str, found))
    except (ImportError, AttributeError):
        return None


def kind_of(reader: Any) -> str:
    """Name what reads a value; vLLM wraps it, and its wrappers hide what they hold."""
    optional, name = "", getattr(reader, "__name__", "str")
    while name in WRAPPERS:
        optional = optional or WRAPPERS[name]
        cells = getattr(reader, "__closure__", None) or ()
        held = [cell.cell_contents for cell in cells if callable(cell.cell_contents)]
        if not held:
            break
        reader, name = held[0], getattr(held[0], "__name__", "str")
    if name == "<lambda>":
        with contextlib.suppress(Exception):  # it is anybody's, so it may raise anything
            name = "str(lower,_)" if reader("A-b") == "a_b" else name
    return JSON_READERS.get(name, name) + optional


def option_row(action: Any, spelled: list[str]) -> dict[str, Any]:
    """Return one option as a row of the table."""
    count = {None: "one", 0: "none", "?": "maybe"}.get(action.nargs, "many")
    flags = list(dict.fromkeys([*action.option_strings, *spelled]))
    row: dict[str, Any] = {"flags": flags, "values": count}
    if count != "none":
        row["type"] = kind_of(action.type) if action.type else "str"
    if action.choices is not None:
        row["choices"] = [str(one) for one in action.choices if one is not None]
    if type(action).__name__ == "_AppendAction":
        row["repeats"] = True
    return row


def spellings(parser: Any) -> dict[int, list[str]]:
    """Return all that an option may be written as; some spellings are not in its help."""
    found: dict[int, list[str]] = {}
    for flag, action in parser._option_string_actions.items():  # noqa: SLF001
        found.setdefault(id(action), []).append(flag)
    return found


def table_of(parser: Any, version: str) -> dict[str, Any]:
    """Return the options of this vLLM."""
    all_of = spellings(parser)
    actions = [one for one in parser._actions if one.option_strings]  # noqa: SLF001
    rows = [option_row(one, all_of.get(id(one), [])) for one in actions]
    lists = {f"{what}_parsers": names_of(mod, cls) or [] for what, mod, cls, _ in PARSERS}
    return {"version": version, "options": rows, **lists}


def check_names(args: Any) -> None:
    """Compare the names of parsers, which vLLM itself does only when the model is read."""
    for what, module, manager, dest in PARSERS:
        value = getattr(args, dest, None)
        known = names_of(module, manager)
        plugin = getattr(args, f"{what}_parser_plugin", None)
        if value and known is not None and not plugin and value not in known:
            raise Refused(f"unknown {what} parser: {value}")


def check_ranges(args: Any) -> None:
    """Try the limits that live in vLLM's settings and not in its parser."""
    config = importlib.import_module("vllm.config")
    given: dict[str, Any] = {}
    for name, field in (("gpu_memory_utilization", "gpu_memory_utilization"),
                        ("kv_cache_dtype", "cache_dtype")):  # fmt: skip
        if getattr(args, name, None) is not None:
            given[field] = getattr(args, name)
    config.CacheConfig(**given)
    if getattr(args, "attention_backend", None):
        config.AttentionConfig(backend=args.attention_backend)
    for kind in (config.ParallelConfig, config.SchedulerConfig, config.ModelConfig):
        for name, field in kind.__pydantic_fields__.items():
            value: Any = getattr(args, name, None)
            if field.metadata and type(value) in (int, float):
                in_limits(name, value, field.metadata)


def in_limits(name: str, value: float, metadata: Any) -> None:
    """Hold one number against the limits of one field."""
    import typing

    from pydantic import TypeAdapter, ValidationError

    limited: Any = typing.Annotated[(type(value), *metadata)]
    try:
        TypeAdapter(limited).validate_python(value)
    except ValidationError as error:
        raise Refused(f"{name}: {error.errors()[0]['msg']}") from None


def make(out: dict[str, Any], *, wants_table: bool) -> tuple[Any, Any]:
    """Return vLLM's parser of whole command lines, and the module that knows it."""
    without_gpu(out)
    vllm = importlib.import_module("vllm")
    parser, module = parser_class(), command_line()
    out.update(version=str(vllm.__version__), module=module.__name__, stage="build")
    top = parser(prog="vllm")
    serve = top.add_subparsers(dest="subparser").add_parser("serve")
    made = module.make_arg_parser(serve)
    if wants_table:
        with contextlib.suppress(AttributeError, TypeError, ValueError):
            out["table"] = table_of(made or serve, out["version"])
    return top, module


def parse(top: Any, argv: list[str]) -> Any:
    """Parse as `vllm serve` does: under the subcommand, or vLLM rewrites other things."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            return top.parse_args(["serve", *argv])
    except SystemExit:
        text = re.sub(r"(?s).*?error: ", "", said.getvalue(), count=1).strip()
        raise Refused(text or "the parser ended") from None


def judge(out: dict[str, Any], argv: list[str], top: Any, module: Any) -> None:
    """Parse, then do the checks vLLM does later that need no model. Raises what vLLM raises."""
    out["stage"] = "parse"
    args = parse(top, argv)
    out.update(stage="validate", model=args.model_tag)
    module.validate_parsed_serve_args(args)
    check_names(args)
    out["stage"] = "ranges"
    check_ranges(args)


def is_judgement(stage: str, error: BaseException) -> bool:
    """Tell whether an error is vLLM's word on the arguments, or something that broke."""
    if isinstance(error, Refused):
        return True
    if stage == "ranges":
        return type(error).__name__ == "ValidationError"
    broke = (ImportError, AttributeError, NameError, NotImplementedError, MemoryError)
    return (
        stage in {"parse", "validate"}
        and isinstance(error, Exception)
        and not isinstance(error, broke)
    )


def meant(error: BaseException) -> str:
    """Return what vLLM said to whoever wrote the words."""
    kind = "" if isinstance(error, Refused) else f"{type(error).__name__}: "
    return f"{kind}{fields(error) or error}"[:LONGEST]


def fields(error: BaseException) -> str:
    """Return what pydantic found in which field; its own text adds types and addresses."""
    found: Any = getattr(error, "errors", None)
    if type(error).__name__ != "ValidationError" or not callable(found):
        return ""
    rows = [(".".join(map(str, row["loc"])), row["msg"]) for row in found()]
    return "; ".join(f"{name}: {text}" for name, text in rows)


def broken(error: BaseException) -> str:
    """Return what broke, and where."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{meant(error)} ({os.path.basename(where.filename)}:{where.lineno})"


def check(request: dict[str, Any]) -> dict[str, Any]:
    """Return what vLLM says of `request["argv"]`."""
    out: dict[str, Any] = {"ok": False, "checked": False, "stage": "import", "warnings": []}
    kept = BufferingHandler(10_000)
    kept.setLevel(logging.WARNING)
    try:
        top, module = make(out, wants_table=bool(request.get("table")))
        logging.getLogger("vllm").addHandler(kept)
        judge(out, request["argv"], top, module)
        out.update(ok=True, checked=True, stage="done")
    except BaseException as error:  # noqa: BLE001 - vLLM refuses with all kinds of them
        out["checked"] = is_judgement(out["stage"], error)
        if out["checked"]:
            out["error"] = meant(error)
        elif out["stage"] == "ranges":  # the parser took the words; only the limits are open
            out.update(ok=True, checked=True, stage="done", unchecked=broken(error))
        else:
            out["error"] = broken(error)
    out["warnings"] = [record.getMessage()[:300] for record in kept.buffer]
    return out


def main(text: str) -> None:
    """Answer one request and leave at once: what vLLM has imported may not end by itself."""
    sys.argv = ["vllm", "serve"]  # vLLM looks at it in places
    found = check(json.loads(text))
    print("\n" + SENTINEL + json.dumps(found), flush=True)
    os._exit(0)
