"""Decide at the start who must show a token, and make the keys of a new data directory."""

import ipaddress
from dataclasses import dataclass, replace

from spark_control.access.errors import TokenTooShort
from spark_control.access.ports import Keys
from spark_control.core.ids import new_token
from spark_control.core.secret import Secret, digest

SHORTEST = 16


@dataclass(frozen=True, slots=True)
class Owner:
    """What was decided: `fresh` is a token made just now, to be printed once.

    `keys` count in this run, `save` is what goes to the file (None: it stays as it is).
    """

    required: bool
    keys: Keys
    fresh: Secret | None = None
    save: Keys | None = None


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
    which wins over a made token and is kept nowhere. A made token's text is known only now; its
    digest is kept. Raises TokenTooShort.
    """
    keys = kept or Keys("", new_token(), keyless_outside=taken_over)
    required = auth == "token" or (auth != "off" and (bool(given) or not is_loopback(bind)))
    save = keys if kept is None else None
    if not required:
        return Owner(required=False, keys=keys, save=save)
    if given:
        if len(given.reveal()) < SHORTEST and not is_loopback(bind):
            raise TokenTooShort(f"AUTH_TOKEN has fewer than {SHORTEST} characters.")
        mine = replace(keys, owner_sha256=digest(given.reveal()))
        return Owner(required=True, keys=mine, save=save)
    if keys.owner_sha256:
        return Owner(required=True, keys=keys, save=save)
    token = new_token()
    made = replace(keys, owner_sha256=digest(token))
    return Owner(required=True, keys=made, fresh=Secret(token), save=made)
