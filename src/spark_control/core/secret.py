"""Values that must not be seen: they print as `***` wherever they go by accident."""

import hashlib
import hmac

from typing_extensions import override


class Secret:
    """A secret text; `reveal` is the only way to its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself; call it only where it is used."""
        return self._value

    @override
    def __repr__(self) -> str:
        return "Secret(***)"

    @override
    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and same(self._value, other._value)

    @override
    def __hash__(self) -> int:
        return hash((Secret, self._value))


def digest(text: str) -> str:
    """Return the SHA-256 of `text`, hex; enough for tokens of 256 bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare without telling by time where the two differ."""
    return hmac.compare_digest(left.encode(), right.encode())
