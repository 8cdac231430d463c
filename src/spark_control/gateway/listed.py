"""What services say they have: their lists of models and voices, in the shapes that are around."""

from collections.abc import Iterator

import msgspec

MOST = 500
LONGEST = 200


def models(body: bytes) -> tuple[str, ...]:
    """Return the names in an answer to `/v1/models`; nothing when it is no such list."""
    found = _read(body)
    return _names(found.get("data")) if isinstance(found, dict) else ()


def voices(body: bytes) -> tuple[str, ...]:
    """Return the names in a list of voices.

    Kokoro says `{"voices": ["af_heart"]}` or with objects, Magpie
    `{"en-US,de-DE": {"voices": ["Magpie-Multilingual.EN-US.Mia"]}}`.
    """
    found = _read(body)
    if not isinstance(found, dict):
        return ()
    lists = [found.get("voices")]
    lists += [inner.get("voices") for inner in found.values() if isinstance(inner, dict)]
    return tuple(dict.fromkeys(name for rows in lists for name in _names(rows)))[:MOST]


def _read(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None


def _names(rows: object) -> tuple[str, ...]:
    return tuple(_each(rows))[:MOST] if isinstance(rows, list) else ()


def _each(rows: list[object]) -> Iterator[str]:
    for row in rows:
        name = row.get("id") or row.get("name") if isinstance(row, dict) else row
        if isinstance(name, str) and 0 < len(name) <= LONGEST and name.isprintable():
            yield name
