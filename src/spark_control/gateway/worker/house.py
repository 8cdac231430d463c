"""What the connections of clients and the worker around them know of each other."""

from typing import Protocol

from spark_control.core.errors import AppError
from spark_control.gateway.room import Room
from spark_control.gateway.worker.exchange import Exchange, Reader
from spark_control.gateway.worker.known import Known
from spark_control.gateway.worker.times import Times


class Streamed(Protocol):
    """A request whose body goes on while it comes in."""

    def go(self) -> None:
        """Begin; the first of the body was given."""

    def more(self, payload: bytes, *, ended: bool) -> None:
        """Take the next piece of the body."""


class Guest(Reader, Protocol):
    """A client's connection, as the worker sees it."""

    address: str
    secure: str
    exchange: Exchange | None

    @property
    def gone(self) -> bool:
        """Tell whether nothing can be sent to it any more."""

    def look(self, now: float) -> None:
        """See whether something takes too long."""

    def leave(self) -> None:
        """Close when nothing runs here, for the worker ends."""

    def abort(self) -> None:
        """Close at once."""


class House(Protocol):
    """What a client's connection needs of the worker."""

    times: Times
    date: bytes
    leaving: bool
    """No connection is kept any more."""
    body_limit: int
    upload_limit: int
    room: Room
    """For bodies that come in, wait or are being answered."""

    def time(self) -> float:
        """Return the time of the loop."""

    def come(self, client: Guest) -> None:
        """Take note of a new connection."""

    def gone(self, client: Guest) -> None:
        """Forget a connection that has ended."""

    def admit(self, block: bytes, client: str) -> tuple[Known, int | None]:
        """Read a head and let it in; return it with the length it states. Raises what says no."""

    def listing(self, client: Guest, known: Known) -> tuple[bytes, bytes]:
        """Return the answer to a list of models or voices: the begin of its head, its body.

        Raises ModelNotFound.
        """

    def refused(
        self, client: Guest, path: str, *, began: float, size: int = 0,
        error: AppError | None = None,
    ) -> None:  # fmt: skip
        """Record a request that went nowhere; without an error its client left.

        A blank path: its head could not be read.
        """

    def wanted(self, client: Guest, known: Known, body: bytes) -> None:
        """Answer a request for a model."""

    def relay(self, client: Guest, known: Known) -> Streamed:
        """Begin to pass a request on to the control process."""

    def upload(self, client: Guest, known: Known) -> Streamed:
        """Begin to pass an upload on to a service. Raises what says no."""
