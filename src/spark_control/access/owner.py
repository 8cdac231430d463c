"""Decide at the start who must show a token, and make the keys of a new data directory."""

import ipaddress
from dataclasses import dataclass, replace

from spark_control.access.ports import Keys
from spark_control.core.ids import new_token
from spark_control.core.secret import Secret, digest


@dataclass(frozen=True, slots=True)
class Owner:
    """What was decided: `fresh` is a token made just now, to be printed once."""

    required: bool
    keys: Keys
    fresh: Secret | None = None


def is_loopback(bind: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if bind == "localhost":
        return True
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return False


def decide(*, auth: str, bind: str, given: Secret, kept: Keys | None, taken_over: bool) -> Owner:
    """Return who must show what.

    `auth` is `token`, `off` or blank (off on loopback, token beyond it). `given` is `AUTH_TOKEN`,
    which wins over a made token. A made token's text is known only now; its digest is kept.
    """
    keys = kept or Keys("", new_token(), keyless_outside=taken_over)
    required = auth == "token" or (auth != "off" and (bool(given) or not is_loopback(bind)))
    if not required:
        return Owner(required=False, keys=keys)
    if given:
        return Owner(required=True, keys=replace(keys, owner_sha256=digest(given.reveal())))
    if keys.owner_sha256:
        return Owner(required=True, keys=keys)
    token = new_token()
    return Owner(
        required=True, keys=replace(keys, owner_sha256=digest(token)), fresh=Secret(token)
    )
