"""What is kept of a 5xx of an engine: when to come again, and never its words.

They may repeat what was asked, so only what cannot hold any of it goes into the log.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from spark_control.core.errors import EngineTrouble
from spark_control.gateway.head import AnswerHead

LONGEST_WAIT_S = 3600
MOST_BYTES = 16384
"""What is read of such an answer."""
_KIND = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Broke = TypeVar("Broke", bound=EngineTrouble)


class _Said(msgspec.Struct):
    error: object = None
    type: object = None
    code: object = None


_SAID = msgspec.json.Decoder(_Said)


def kept(error: Broke, head: AnswerHead, now: datetime) -> Broke:
    """Return `error` with the status that was answered, and when to come again."""
    error.status = head.status
    error.retry_after_s = _seconds(dict(head.fields).get("retry-after", ""), now)
    return error


def _seconds(said: str, now: datetime) -> int | None:
    """Return what `Retry-After` says, a number or a date; None when it is neither."""
    if said.isascii() and said.isdigit():
        return min(int(said[:9]), LONGEST_WAIT_S)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0, min(round((at - now).total_seconds()), LONGEST_WAIT_S))


def gist(head: AnswerHead, payload: bytes) -> str:
    """Return what an answer says by its form; `payload` is as much of its body as is here."""
    kind = _kind(head)
    length = "no stated length" if head.length is None else f"{head.length} bytes"
    said = ", ".join((kind or "no known type", length, *names(head, payload)))
    return f"{head.status} ({said})"


def _kind(head: AnswerHead) -> str:
    kind = dict(head.fields).get("content-type", "").partition(";")[0].strip().lower()
    return kind if _KIND.fullmatch(kind) else ""


def may_name(head: AnswerHead) -> bool:
    """Tell whether the body is a short JSON text, which may have a type and a code."""
    return _kind(head).endswith("json") and (head.length or 0) <= MOST_BYTES


def names(head: AnswerHead, payload: bytes) -> list[str]:
    """Return the type and code of an error; a word that could be a text is left out."""
    if not may_name(head):
        return []
    try:
        said = _SAID.decode(payload[:MOST_BYTES])
    except (ValueError, RecursionError):
        return []
    inner = said.error if isinstance(said.error, dict) else {}
    found = (f"{word}" for word in (inner.get("type"), inner.get("code"), said.type, said.code)
             if isinstance(word, str | int) and not isinstance(word, bool))  # fmt: skip
    return [word for word in dict.fromkeys(found) if _NAME.fullmatch(word)]
