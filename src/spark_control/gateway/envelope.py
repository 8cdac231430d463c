"""The two things a request body is read for: which model, and whether the answer is streamed."""

import msgspec

from spark_control.gateway.errors import BodyUnreadable


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What was read. `model` is None when the body names none."""

    model: str | None
    stream: bool


class _Body(msgspec.Struct):
    model: object = None
    stream: object = None


_READ = msgspec.json.Decoder(_Body)
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(body: bytes) -> Envelope:
    """Read a request body. Raises BodyUnreadable."""
    try:
        found = _READ.decode(body)
    except msgspec.ValidationError as error:
        raise BodyUnreadable("The body is JSON, but no object.") from error
    except (ValueError, RecursionError) as error:  # a text that is no UTF-8 is a ValueError
        raise BodyUnreadable("The body is not JSON.") from error
    model = found.model
    if model is not None and not isinstance(model, str):
        raise BodyUnreadable("`model` is not a text.", param="model")
    return Envelope(model or None, found.stream is True)


def rename(body: bytes, model: str) -> bytes:
    """Return the body with another model name; only for an alias or a missing name.

    Every other value keeps its bytes. Raises BodyUnreadable.
    """
    try:
        parts: dict[str, object] = {**_PARTS.decode(body)}
    except (ValueError, RecursionError) as error:
        raise BodyUnreadable("The body is not JSON.") from error
    parts["model"] = model
    return msgspec.json.encode(parts)
