"""What settings need of the outside."""

from collections.abc import Mapping
from typing import Protocol


class SettingsStore(Protocol):
    """Keeps the values that were changed in the gear."""

    @property
    def where(self) -> str:
        """Return the path, for messages."""

    def read(self) -> dict[str, object] | None:
        """Return what is saved, or None when nothing was ever saved.

        Raises SettingsUnreadable when the file is there and cannot be read as settings.
        """

    def write(self, values: Mapping[str, object]) -> None:
        """Save all of `values` or nothing, for the owner only. Raises SettingsUnwritable."""
