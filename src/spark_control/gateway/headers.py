"""Which headers go on: to the engine what is meant for it, to the client what we do not set."""

from collections.abc import Mapping

from spark_control.access.middleware import SECURITY

HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
"""Headers of one hop only."""
FOR_US = HOP | {
    "host", "content-length", "authorization", "x-api-key", "cookie", "expect", "origin",
    "referer",
}  # fmt: skip
"""Headers of a request that were meant for us and not for the engine."""
OURS = HOP | {"set-cookie", "server", "date"} | {name.lower() for name in SECURITY}
"""Headers of an answer that an engine must not set under our address."""
FOR_US_FAMILIES = ("sec-fetch-", "access-control-")
OURS_FAMILIES = ("access-control-",)


def to_engine(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those of a request's headers, named in lower case, that the engine gets."""
    return _without(headers, FOR_US, FOR_US_FAMILIES)


def to_client(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those of an answer's headers, named in lower case, that the client gets."""
    return _without(headers, OURS, OURS_FAMILIES)


def _without(
    headers: Mapping[str, str], names: frozenset[str], families: tuple[str, ...]
) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name not in names and not name.startswith(families)
    }
