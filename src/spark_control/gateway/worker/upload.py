"""Audio to be transcribed: passed on as it comes, or kept on disk so it can be sent again."""

import asyncio
import logging

from typing_extensions import override

from spark_control.core.errors import AppError, TooLarge
from spark_control.gateway import framing
from spark_control.gateway.worker.exchange import Reader
from spark_control.gateway.worker.model import ModelDesk, ModelExchange, Wish
from spark_control.gateway.worker.place import Answer, Place
from spark_control.gateway.worker.spool import Spool
from spark_control.gateway.worker.upstream import Upstream

log = logging.getLogger(__name__)

KEPT = 64 * 1024
"""What is held in memory of an upload before there is a connection for it, or the disk has it."""
BUSY = 429


class Upload(ModelExchange):
    """A request whose body may still be coming. Nobody reads what is in it."""

    __slots__ = ("_limit",)

    def __init__(
        self, desk: ModelDesk, reader: Reader, wish: Wish, now: float, limit: int
    ) -> None:
        super().__init__(desk, reader, wish, now)
        self._limit = limit
        self.complete = False

    def go(self) -> None:
        """Begin to send; some of the body may be here."""

    def more(self, payload: bytes, *, ended: bool) -> None:
        """Take the next piece of the body."""
        if self._over:
            return
        self._touched = True
        self._wish.trace.bytes_in += len(payload)
        if self._wish.trace.bytes_in > self._limit:
            self._let_go()
            self.fail(too_large(self._limit))
            return
        self._take(payload, ended=ended)

    def _take(self, payload: bytes, *, ended: bool) -> None:
        raise NotImplementedError

    @override
    def send(self, place: Place) -> None:
        """Send over a new connection: an upload cannot be sent again when an old one has ended."""
        self._place = place
        place.busy += 1
        self._desk.changed()
        self.connect()

    def _lines(self, place: Place, framed: bytes) -> bytes:
        return b"POST %b%b HTTP/1.1\r\nhost: %b\r\n%b%b%b\r\n" % (
            place.prefix, self.known.head.target.encode("latin-1"), place.netloc,
            place.key_line, self.known.forward, framed,
        )  # fmt: skip


class Passed(Upload):
    """There is one service, so the bytes go on as they come."""

    __slots__ = ("_kept",)

    def __init__(
        self, desk: ModelDesk, reader: Reader, wish: Wish, now: float, limit: int
    ) -> None:
        super().__init__(desk, reader, wish, now, limit)
        self._kept = bytearray()

    @override
    def go(self) -> None:
        if not self._over:
            self.begin()

    @override
    def _take(self, payload: bytes, *, ended: bool) -> None:
        data = payload
        if self.known.head.chunked:
            data = framing.chunk(payload) if payload else b""
            data += framing.LAST if ended else b""
        self.complete = ended
        if self._upstream is not None:
            if data:
                self._upstream.write(data)
            return
        self._kept += data
        if len(self._kept) > KEPT:
            self._reader.hold(hold=True)  # until it is its turn, and there is a connection

    @override
    def _request(self, place: Place) -> tuple[bytes, ...]:
        head = self.known.head
        framed = b"content-length: %d\r\n" % (head.length or 0)
        if head.chunked:
            framed = b"transfer-encoding: chunked\r\n"
        kept = bytes(self._kept)
        self._kept.clear()
        self._reader.hold(hold=False)
        return (self._lines(place, framed), kept) if kept else (self._lines(place, framed),)

    @override
    def _again(self, hung_up: Upstream | None) -> bool:
        return False


class Spooled(Upload):
    """There are several services, so what one refuses before its first byte goes to the next."""

    __slots__ = ("_at", "_full", "_pending", "_spool", "_whole", "_works")

    def __init__(
        self, desk: ModelDesk, reader: Reader, wish: Wish, now: float, limit: int,
        *, spool: Spool,
    ) -> None:  # fmt: skip
        super().__init__(desk, reader, wish, now, limit)
        self._spool = spool
        self._pending = bytearray()
        """What came and is not on disk yet."""
        self._whole = False
        """All of it has come, and it was not sent yet."""
        self._at = 0
        """How much of it the service has been sent."""
        self._full = False
        """The service takes nothing at the moment."""
        self._works = False

    @override
    def _take(self, payload: bytes, *, ended: bool) -> None:
        self._pending += payload
        self._whole = ended
        if len(self._pending) > KEPT:
            self._reader.hold(hold=True)  # until the disk has taken it
        self._wake()

    def _wake(self) -> None:
        if not self._works:
            self._works = True
            work = self._desk.tasks.spawn(self._work(), name="spool")
            work.add_done_callback(self._rest)

    def _rest(self, work: asyncio.Task[None]) -> None:
        """Close the file also when the work was cancelled before it began."""
        if work.cancelled():
            self._stop()

    def _stop(self) -> None:
        self._works = False
        if self._over:
            self._spool.close()

    async def _work(self) -> None:
        """Do what there is to do, one thing after the other; nobody else is at the file."""
        try:
            while not self._over and await self._step():
                pass
        except AppError as error:
            self._let_go()
            self.fail(error)
        finally:
            self._stop()

    async def _step(self) -> bool:
        """Do the next thing; tell whether there was one."""
        if self._pending:
            await self._keep_pending()
        elif self._whole:
            self._whole = False
            self.begin()
        elif self._upstream is not None and not (self._full or self.complete):
            await self._send_piece(self._upstream)
        else:
            return False
        return True

    async def _keep_pending(self) -> None:
        data = bytes(self._pending)
        self._pending.clear()
        await self._spool.write(data)
        if not self._over:
            self._reader.hold(hold=False)

    async def _send_piece(self, upstream: Upstream) -> None:
        data = await self._spool.read(self._at)
        if self._upstream is upstream:
            self._touched = True
            self._at += len(data)
            self.complete = self._at >= self._wish.trace.bytes_in or not data
            upstream.write(data)

    @override
    def _request(self, place: Place) -> tuple[bytes, ...]:
        size = self._wish.trace.bytes_in
        return (self._lines(place, b"content-length: %d\r\n" % size),)

    @override
    def _over_it(self, upstream: Upstream, *, reused: bool) -> None:
        self._at, self._full = 0, False
        self.complete = self._wish.trace.bytes_in == 0
        super()._over_it(upstream, reused=reused)
        self._wake()

    @override
    def stuck(self, *, stuck: bool) -> None:
        self._full = stuck
        if not stuck:
            self._wake()

    @override
    def answered(self, answer: Answer, payload: bytes, body: framing.Body) -> None:
        if self._has_next(answer.head.status):
            # For the log, and for whoever probes services.
            self._refuses(answer, payload, whole=body.ended)
            self._let_go()
            self._again(None)
        else:
            super().answered(answer, payload, body)

    def _has_next(self, status: int) -> bool:
        place = self._place
        if place is None or (status < 500 and status != BUSY):
            return False
        tried = self._tried | {place.base_url}
        return self._desk.pool.pick(self._wish.choice, tried) is not None

    @override
    def _release(self) -> None:
        super()._release()
        if self._over and not self._works:
            self._spool.close()


def too_large(limit: int) -> TooLarge:
    """Return why an upload is refused."""
    text = f"The upload is larger than {limit // 1_000_000} MB."
    return TooLarge(text, hint="Send less, or raise `MAX_UPLOAD_MB`.")
