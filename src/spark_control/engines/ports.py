"""Ports that lower rooms need of an engine and upper rooms implement."""

from typing import Protocol

from spark_control.engines.domain import Address, Look


class Probe(Protocol):
    """Asks an engine how it is."""

    async def look(self, address: Address, *, timeout_s: float) -> Look:
        """Ask `/health` and `/v1/models`. Never raises for what the engine does."""

    async def token(self, address: Address, model: str, *, timeout_s: float) -> float:
        """Have `model` make one real token and return the seconds it took.

        Raises EngineUnreachable, EngineBroke, EngineSlow.
        """


class Pulse(Protocol):
    """Reads what an engine says of its own work."""

    async def tokens(self, address: Address) -> float | None:
        """Return how many tokens it has read and made; None when it does not say. Never raises."""


class Load(Protocol):
    """Knows how many requests an engine is answering now."""

    def in_flight(self, address: Address) -> int:
        """Return the requests that run on the engine at `address`."""

    async def drained(self, address: Address, *, timeout_s: float) -> bool:
        """Return True as soon as nothing runs there, False after `timeout_s`."""
