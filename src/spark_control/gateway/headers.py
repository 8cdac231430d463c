"""Which headers go on: to the engine what is meant for it, to the client what we do not set."""

from collections.abc import Iterable

from spark_control.access.shown import SECURITY
from spark_control.gateway.head import Fields

HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
"""Headers of one hop only."""
FRAMING = frozenset({"content-length", "expect", "host"})
FORWARDED = frozenset({"forwarded", "x-real-ip"})
FOR_US = HOP | FRAMING | FORWARDED | {"authorization", "x-api-key", "cookie", "origin", "referer"}
"""Headers of a request that were meant for us and not for the engine."""
OURS = (
    HOP | {"set-cookie", "server", "date", "content-length"} | {name.lower() for name in SECURITY}
)
"""Headers of an answer that an engine must not set under our address."""
FOR_US_FAMILIES = ("sec-fetch-", "access-control-", "x-forwarded-")
OURS_FAMILIES = ("access-control-",)
OF_CONTROL = HOP | {"content-length"}


def to_engine(fields: Fields) -> Fields:
    """Return those of a request's headers that the engine gets; framing is the relay's."""
    return _without(fields, FOR_US | _named(fields), FOR_US_FAMILIES)


def to_control(fields: Fields) -> Fields:
    """Return those that the control process gets: all but what only the relay may say."""
    dropped = HOP | FORWARDED | {"content-length", "expect"}
    return _without(fields, dropped | _named(fields), ("x-forwarded-",))


def to_client(fields: Fields) -> Fields:
    """Return those of an engine's headers that the client gets; framing is the relay's."""
    return _without(fields, OURS | _named(fields), OURS_FAMILIES)


def from_control(fields: Fields) -> Fields:
    """Return those of the control process's headers that the client gets."""
    return _without(fields, OF_CONTROL | _named(fields), ())


def _named(fields: Fields) -> frozenset[str]:
    """Return the headers that `Connection` says are of this hop."""
    said = ",".join(value for name, value in fields if name == "connection")
    return frozenset(word.strip().lower() for word in said.split(",")) - {"host"}


def _without(fields: Fields, names: frozenset[str], families: tuple[str, ...]) -> Fields:
    return tuple(
        (name, value)
        for name, value in fields
        if name not in names and not name.startswith(families)
    )


def rendered(fields: Iterable[tuple[str, str]]) -> bytes:
    """Return header lines as they go over the wire."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1")
