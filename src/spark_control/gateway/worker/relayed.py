"""A request for the control process: passed on while it comes in."""

from typing_extensions import override

from spark_control.core.errors import AppError
from spark_control.gateway import framing
from spark_control.gateway.errors import ControlAway
from spark_control.gateway.record import Trace
from spark_control.gateway.worker.exchange import Desk, Exchange, Reader
from spark_control.gateway.worker.known import Known
from spark_control.gateway.worker.place import Answer, Place
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.upstream import Upstream
from spark_control.requests.domain import CLIENT_LEFT

KEPT = 64 * 1024
"""A request up to here is kept until something of its answer comes, to be sent once more."""
ENDLESS = float("inf")


class Relayed(Exchange):
    """A request whose body may still be coming, and whose answer may never end."""

    __slots__ = ("_client", "_kept", "_kept_all", "_secure", "_status", "trace")

    def __init__(
        self, desk: Desk, reader: Reader, known: Known, now: float, client: str, secure: str
    ) -> None:
        super().__init__(desk, reader, known, now)
        self._client = client
        self._secure = secure
        self._kept = bytearray()
        self._kept_all = True
        self._status = 0
        self.trace: Trace | None = None
        """The notes on it, when it leaves a record."""
        self.complete = not known.head.has_body

    def go(self) -> None:
        """Send what is here to the control process."""
        if not self._over:
            self.send(self._desk.pool.control)

    def more(self, payload: bytes, *, ended: bool) -> None:
        """Take the next piece of the request's body."""
        data = payload
        if self.trace is not None:
            self.trace.bytes_in += len(payload)
        if self.known.head.chunked:
            data = framing.chunk(payload) if payload else b""
            data += framing.LAST if ended else b""
        self.complete = ended
        self._touched = True
        if self._upstream is not None and data:
            self._upstream.write(data)
        if self._kept_all:
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) <= KEPT:
            return
        if self._upstream is None:
            self._reader.hold(hold=True)  # until there is a connection
        else:
            self._kept_all = False
            self._kept.clear()

    @override
    def _request(self, place: Place) -> tuple[bytes, ...]:
        head = self.known.head
        framed = b""
        if head.chunked:
            framed = b"transfer-encoding: chunked\r\n"
        elif head.length is not None:
            framed = b"content-length: %d\r\n" % head.length
        lines = b"%b %b HTTP/1.1\r\n%b%bx-forwarded-for: %b\r\nx-forwarded-proto: %b\r\n\r\n" % (
            head.method.encode("latin-1"), head.target.encode("latin-1"), self.known.forward,
            framed, self._client.encode("latin-1"), self._secure.encode("latin-1"),
        )  # fmt: skip
        self._reader.hold(hold=False)
        return (lines + bytes(self._kept),)

    @override
    def _refuses(self, answer: Answer, payload: bytes, *, whole: bool) -> AppError | None:
        return None

    @override
    def _again(self, hung_up: Upstream | None) -> bool:
        if hung_up is None or not hung_up.reused or not self._kept_all:
            return False
        self.connect()
        return True

    @override
    def _limits(self, times: Times) -> tuple[float, float, float]:
        return times.control_first_byte, times.pause, ENDLESS

    @override
    def _first(self, answer: Answer, payload: bytes) -> None:
        self._kept.clear()
        self._kept_all = False
        self._status = answer.head.status
        self._saw(payload)

    @override
    def _saw(self, payload: bytes) -> None:
        if self.trace is not None:
            self.trace.bytes_out += len(payload)

    @override
    def _ended(self, error: AppError | None, *, left: bool) -> None:
        if self.trace is not None:
            status = CLIENT_LEFT if left else self._status
            self._desk.ended(self.trace, status, None, error)

    @override
    def _tail(self) -> bytes:
        return b"\r\n"

    @override
    def _slow(self) -> AppError:
        return ControlAway("The control process did not answer in time.", retry_after_s=5)

    @override
    def _broken(self) -> AppError:
        return ControlAway("The control process went away.", retry_after_s=2)

    @override
    def _last_words(self, error: AppError) -> bytes:
        return b""
