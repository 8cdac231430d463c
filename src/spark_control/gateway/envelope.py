"""The two things a request body is read for: which model, and whether the answer is streamed."""

import json
from dataclasses import dataclass

from spark_control.gateway.errors import BodyUnreadable


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was read. `model` is None when the body names none."""

    model: str | None
    stream: bool


def read(body: bytes) -> Envelope:
    """Read a request body. Raises BodyUnreadable."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyUnreadable("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise BodyUnreadable("The body is JSON, but no object.")
    model = found.get("model")
    if model is not None and not isinstance(model, str):
        raise BodyUnreadable("`model` is not a text.", param="model")
    return Envelope(model or None, found.get("stream") is True)


def rename(body: bytes, model: str) -> bytes:
    """Return the body with another model name; only for an alias or a missing name."""
    found = json.loads(body)
    found["model"] = model
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
