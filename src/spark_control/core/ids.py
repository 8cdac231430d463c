"""Opaque ids and secrets, made in one place."""

import secrets
from typing import Protocol

ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"


class Ids(Protocol):
    """A source of names nobody used before."""

    def new(self, prefix: str) -> str:
        """Return `prefix_` and twelve characters, safe in a path, a label and a shell word."""


class RandomIds:
    """Ids from the machine's random source."""

    def new(self, prefix: str) -> str:
        return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(12))}"


def new_token() -> str:
    """Return a token of 256 bits that a person can paste."""
    return f"sc_{secrets.token_urlsafe(32)}"
