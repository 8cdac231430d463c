"""What the gateway needs of the network."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from spark_control.engines.domain import Address


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an upstream's answer, and its body as the chunks come in."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Upstream(Protocol):
    """Sends a request to an engine."""

    def send(
        self, address: Address, path: str, headers: Mapping[str, str], body: bytes
    ) -> AbstractAsyncContextManager[Answer]:
        """POST `body` and give the answer once its head is there; leaving closes it at once.

        Raises EngineUnreachable, EngineSlow, EngineBroke, also out of `chunks`.
        """
