"""What the menu needs of the outside."""

from collections.abc import Sequence
from typing import Protocol

from spark_control.fleet.ports import Host
from spark_control.models.domain import Catalogue, Inventory


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
