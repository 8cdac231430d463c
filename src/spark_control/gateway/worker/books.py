"""The notes on requests, from their begin to the word that they have ended."""

from collections.abc import Callable

from spark_control.core.errors import AppError
from spark_control.core.http_errors import row_for
from spark_control.gateway.record import Trace, named
from spark_control.gateway.usage import Usage
from spark_control.requests.domain import CLIENT_LEFT, LONGEST_NAME


class Books:
    """Begins the notes on each request, and hands them on once it has ended."""

    __slots__ = ("_boot", "_count", "_time", "_write", "epoch")

    def __init__(
        self, boot: str, time: Callable[[], float], write: Callable[[Trace], None]
    ) -> None:
        self._boot = boot
        self._count = 0
        self._time = time
        self._write = write
        self.epoch = 0.0
        """What makes a time of the loop one of the day; the clock may be set meanwhile."""

    def open(self, path: str, client: str, size: int) -> Trace:
        """Begin the notes on a request whose path is one that records name."""
        self._count += 1
        return Trace(f"{self._boot}{self._count:x}", self.epoch, self._time(), path, client, size)

    def other(self, path: str, client: str, size: int) -> Trace:
        """Begin the notes on a request with any path, also none; no more of it is kept."""
        return self.open(named(path), client, size)

    def refused(
        self, path: str, client: str, *, began: float, size: int, error: AppError | None
    ) -> None:
        """Note a request that went nowhere; without an error its client left."""
        trace = self.other(path, client, size)
        trace.began = began
        self.ended(trace, 0 if error is not None else CLIENT_LEFT, None, error)

    def ended(self, trace: Trace, status: int, used: Usage | None, error: AppError | None) -> None:
        """Hand on the notes on a request that has ended; without a status, that of the error."""
        trace.ended = self._time()
        trace.status = status or (row_for(error).status if error is not None else 500)
        if error is not None:
            trace.error = error.code
        if used is not None:
            trace.tokens_in, trace.tokens_out = used.tokens_in, used.tokens_out
            trace.estimated = used.estimated
        if trace.asked is not None and len(trace.asked) > LONGEST_NAME:
            trace.asked = trace.asked[:LONGEST_NAME]  # many of these are kept
        self._write(trace)
