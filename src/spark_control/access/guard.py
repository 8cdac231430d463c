"""Decide on a request before any route sees it: pure rules over its head.

The rule against forged requests is the one browsers support on plain http too, where Chromium
sends no `Sec-Fetch-*`: an unsafe method with `Sec-Fetch-Site` must come from the same origin;
without it an `Origin` must be our own host; with neither it is no browser, and then a cookie
does not count.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from spark_control.access.errors import CrossOrigin, HostMissing, HostNotAllowed
from spark_control.core.errors import WrongMediaType

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OUTSIDE = (
    "/v1", "/tokenize", "/detokenize", "/rerank", "/score", "/scrub", "/rehydrate",
    "/api/search", "/api/audio", "/api/health-event",
)  # fmt: skip
PUBLIC = ("/healthz", "/readyz", "/assets", "/docs", "/api/session", "/favicon.ico")
LOOPBACK = frozenset({"localhost", "ip6-localhost"})


@dataclass(frozen=True, slots=True)
class Head:
    """What the rules look at. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    client: str = ""
    """The address it came from."""


def _under(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def is_outside(path: str) -> bool:
    """Tell whether `path` is one of the routes that other programs call."""
    return _under(path, OUTSIDE)


def is_public(path: str) -> bool:
    """Tell whether `path` is served before anybody signs in: the page's shell, never data."""
    return path == "/" or _under(path, PUBLIC)


def split_host(text: str) -> tuple[str, str]:
    """Return name and port of a Host header; the port may be blank."""
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        return name.lower(), rest.removeprefix(":")
    name, _, port = text.partition(":")
    return name.lower().rstrip("."), port


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_host(head: Head, names: frozenset[str]) -> None:
    """Let through addresses, loopback names and `names`. Raises HostMissing, HostNotAllowed.

    DNS rebinding needs a name that an attacker owns, so addresses are safe and names are not.
    """
    name, _ = split_host(head.headers.get("host", ""))
    if not name:
        raise HostMissing("The request has no Host header.")
    if name in LOOPBACK or name in names or _is_address(name) or name.endswith(".localhost"):
        return
    raise HostNotAllowed(f"{name!r} is not a name of this Spark Control.")


def _own(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
        given = parts.port
    except ValueError:
        return False
    name, port = split_host(host)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    theirs = given or default
    return parts.hostname == name and str(theirs) == (port or str(default))


def check_origin(head: Head, allowed: frozenset[str], *, cookie_only: bool) -> None:
    """Refuse what a page of another site could have sent. Raises CrossOrigin."""
    if head.method in SAFE or is_outside(head.path):
        return
    origin = head.headers.get("origin", "")
    site = head.headers.get("sec-fetch-site", "")
    if origin in allowed and origin:
        return
    if site:
        passed = site in {"same-origin", "none"}
    elif origin:
        passed = _own(origin, head.headers.get("host", ""))
    else:
        passed = not cookie_only
    if not passed:
        raise CrossOrigin("The request comes from another site.", detail={"origin": origin[:200]})


def check_media(head: Head) -> None:
    """See that a body for a control route is JSON: no form can send it. Raises WrongMediaType."""
    if head.method in SAFE or is_outside(head.path):
        return
    length = head.headers.get("content-length", "0")
    if length == "0" and "transfer-encoding" not in head.headers:
        return
    kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise WrongMediaType(f"The body is {kind or 'of no stated type'}, not application/json.")
