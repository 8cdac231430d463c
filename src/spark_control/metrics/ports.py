"""What the metrics need of the network."""

from typing import Protocol

from spark_control.engines.domain import Address


class Scrape(Protocol):
    """Reads the metrics of an engine."""

    async def read(self, address: Address, *, timeout_s: float, most: int) -> str:
        """Return the text at `/metrics`, cut after `most` bytes.

        Raises EngineUnreachable, EngineSlow, EngineBroke.
        """
