"""What the program in the container answered, read as a value."""

import json
from dataclasses import dataclass
from typing import Any

from spark_control.swap.options import Table, Unreadable, read_table

SENTINEL = "@@VLLM-PREFLIGHT@@"
LAST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Said:
    """vLLM's word on some arguments. Without `checked` there is none, and `error` says why."""

    checked: bool
    ok: bool = False
    stage: str = ""
    error: str | None = None
    warnings: tuple[str, ...] = ()
    version: str = ""
    unchecked: str | None = None
    table: Table | None = None
    raw_table: object = None


def read_said(printed: str, complained: str = "") -> Said:
    """Return what was said; anything that is no answer is "could not check"."""
    lines = [line for line in printed.splitlines() if line.startswith(SENTINEL)]
    if not lines:
        words = " ".join((complained or printed).split())[-LAST_WORDS:]
        return Said(checked=False, error=f"there was no answer: {words}" if words else "no answer")
    try:
        answer = json.loads(lines[-1].removeprefix(SENTINEL))
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return Said(checked=False, error="the answer cannot be read")
    return _said(answer)


def _said(answer: dict[str, Any]) -> Said:
    error, unchecked = answer.get("error"), answer.get("unchecked")
    warnings = answer.get("warnings")
    raw = answer.get("table")
    try:
        table = None if raw is None else read_table(raw)
    except Unreadable:
        table = raw = None
    return Said(
        checked=answer.get("checked") is True,
        ok=answer.get("checked") is True and answer.get("ok") is True,
        stage=str(answer.get("stage", "")),
        error=None if error is None else str(error),
        warnings=tuple(map(str, warnings)) if isinstance(warnings, list) else (),
        version=str(answer.get("version", "")),
        unchecked=None if unchecked is None else str(unchecked),
        table=table,
        raw_table=raw,
    )
