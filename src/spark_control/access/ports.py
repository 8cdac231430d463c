"""What access keeps."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Keys:
    """The digest of the owner token (blank: none made), and the key that signs sessions.

    `keyless_outside`: this data directory was taken over from the older system, whose apps send
    no token; their routes stay open until keys are turned on.
    """

    owner_sha256: str
    session_key: str
    keyless_outside: bool = False


class KeyStore(Protocol):
    """Keeps the keys, readable by the owner only."""

    def read(self) -> Keys | None:
        """Return the keys, or None before the first start. Raises AccessFileTrouble."""

    def write(self, keys: Keys) -> None:
        """Save the keys. Raises AccessFileTrouble."""
