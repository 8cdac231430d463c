"""What the menu needs of the outside."""

from collections.abc import Sequence
from typing import Protocol

from spark_control.fleet.ports import Host
from spark_control.models.domain import Catalogue, Inventory, Measured, Recipe


class Hosts(Protocol):
    """The fleet as it is now."""

    def hosts(self) -> Sequence[Host]:
        """Return the Sparks in their order; a change in the settings shows at the next call."""


class ModelStore(Protocol):
    """Where weights lie on a Spark."""

    async def inventory(
        self, host: Host, local_paths: Sequence[str], *, timeout_s: float
    ) -> Inventory:
        """Look once at the cache of `host` and at `local_paths`; changes nothing.

        One round trip. Raises what Host raises, CommandTimeout after `timeout_s`, and BadAnswer
        when what comes back cannot be read.
        """


class RecipeSource(Protocol):
    """Where recipes and knobs are written down."""

    async def load(self) -> Catalogue:
        """Return what is usable now. Never raises: a file that cannot be read is a Problem."""


class RecipeBook(Protocol):
    """Where custom recipes are kept; what is not known in it stays as it is."""

    async def save(self, recipe: Recipe) -> None:
        """Put `recipe` in, in the place of one with its key.

        Raises OverridesUnreadable, OverridesUnwritable; nothing has changed then.
        """

    async def remove(self, key: str) -> bool:
        """Take a recipe out; False when there was none. Raises as `save` does."""


class LoadFacts(Protocol):
    """What engines said of their memory, by the launch they were started with."""

    def get(self, load: str) -> Measured | None:
        """Return what was measured, or None. Never waits, never raises."""

    async def keep(self, load: str, measured: Measured) -> None:
        """Remember it; never raises, since a lost reading only means an estimate."""
