"""Numbers and texts as a person reads them. A dash is not a zero: it says that nobody knows."""

import math
import re
from datetime import datetime

DASH = "-"
GIB = ("GiB", float(1 << 30))
# Colours and cursor moves of the far side, then every other control character: a log line or a
# model's name must not be able to steer the terminal.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Return `text` without anything that steers a terminal; a tab is four blanks."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text)).replace("\t", "    ")


def one_line(text: str) -> str:
    """Return `text` clean and in one line."""
    return " ".join(clean(text.replace("\r", "\n")).split())


def duration(seconds: float | None) -> str:
    """Return `0.4 s`, `12 s`, `1 min 29 s` or `2 h 5 min`."""
    if seconds is None:
        return DASH
    if round(seconds, 1) < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def roughly(seconds: float) -> str:
    """Return a duration that is only an estimate, in whole seconds."""
    return f"{max(1, round(seconds))} s" if seconds < 59.5 else duration(seconds)


def size(count: float | None) -> str:
    """Return a count of bytes as disks and model pages write it: `270 MB`, `65 GB`, `3.7 TB`."""
    if count is None:
        return DASH
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{_short(count / factor)} {unit}"
    return f"{count / 1e3:.0f} kB" if count >= 1000 else f"{count:.0f} B"


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def of_memory(used: float | None, total: float | None) -> str:
    """Return `68.3 of 119.7 GiB`, the unit that memory is sold in."""
    return _of(used, total, *GIB)


def of_disk(free: float | None, total: float | None) -> str:
    """Return `1.9 of 3.7 TB`, in the unit that fits the whole."""
    return _of(free, total, *(("TB", 1e12) if (total or 0.0) >= 1e12 else ("GB", 1e9)))


def _of(part: float | None, whole: float | None, unit: str, factor: float) -> str:
    """Return both; what is not known is a dash, and nothing known is one dash."""
    if part is None and whole is None:
        return DASH
    shown = [DASH if value is None else f"{value / factor:.1f}" for value in (part, whole)]
    return f"{shown[0]} of {shown[1]} {unit}"


def measure(value: float | None, unit: str) -> str:
    """Return a whole number with its unit."""
    return DASH if value is None else f"{value:.0f} {unit}"


def ago(moment: str | None, now: datetime) -> str:
    """Return how long ago an ISO time was, or a dash."""
    try:
        return past((now - datetime.fromisoformat(moment or "")).total_seconds())
    except (ValueError, TypeError):
        return DASH


def time_of_day(moment: str | None) -> str:
    """Return the time of day of an ISO time where the reader is, or a dash."""
    try:
        return datetime.fromisoformat(moment or "").astimezone().strftime("%H:%M:%S")
    except ValueError:
        return DASH


def past(seconds: float) -> str:
    """Return `just now`, `12 s ago`, `3 h ago`, `2 days ago`."""
    if seconds < 5:
        return "just now"
    for limit, factor, unit in ((60, 1, "s"), (3600, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{math.floor(seconds / factor)} {unit} ago"
    return f"{math.floor(seconds / 86400)} days ago"


def listed(names: list[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`, or a dash."""
    if len(names) < 2:
        return names[0] if names else DASH
    return f"{', '.join(names[:-1])} and {names[-1]}"
