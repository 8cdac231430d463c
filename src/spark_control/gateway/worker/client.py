"""One connection of a client: reads its requests one after the other and bounds what it may do."""

import asyncio
from typing import cast

from typing_extensions import override

from spark_control.core.errors import AppError, SlowClient, TooLarge
from spark_control.gateway import framing
from spark_control.gateway.errors import BodiesFull, FramingBroken, RequestMalformed
from spark_control.gateway.head import END, after_blank_lines, check_unended
from spark_control.gateway.worker.abrupt import reset
from spark_control.gateway.worker.answers import CLOSE, CONTINUE, GUARD, error_answer
from spark_control.gateway.worker.exchange import Exchange
from spark_control.gateway.worker.house import House, Streamed
from spark_control.gateway.worker.known import UNREADABLE, Kind, Known, addressed, path_of
from spark_control.gateway.worker.times import AHEAD_BYTES, LINGER_BYTES, Times

UNCOUNTED = 64 * 1024
"""A body up to here takes no room: most are not larger, and nearly all of those come at once."""
GRAIN = 1 << 20
"""Room is taken by this; a body that is not larger is never refused for lack of it."""
FULL_AGAIN_S = 5


class Client(asyncio.Protocol):
    """A connection."""

    __slots__ = (
        "_bodiless", "_body", "_closed", "_counted", "_dropped", "_held", "_held_back", "_house",
        "_in_next", "_known", "_length", "_lingers", "_parts", "_relayed", "_since", "_size",
        "_started", "_touched", "_transport", "_unsure", "_waiting", "address", "exchange",
        "secure", "stuck",
    )  # fmt: skip

    def __init__(self, house: House) -> None:
        self.address = ""
        self.secure = "http"
        self.exchange: Exchange | None = None
        self.stuck = False
        self._house = house
        self._transport: asyncio.Transport | None = None
        self._held = b""
        """What came and was not looked at yet."""
        self._known: Known | None = None
        self._length: int | None = None
        """The length of the body, as its head states it."""
        self._body: framing.Body | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._counted = UNCOUNTED
        """The size of the body for which room was taken, or that needs none."""
        self._relayed: Streamed | None = None
        self._waiting = False
        """Its request is looked into; no exchange has begun."""
        self._lingers = self._closed = self._in_next = self._held_back = self._touched = False
        self._unsure = self._bodiless = False
        self._dropped = 0
        self._since = self._started = house.time()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no such base
        peer = transport.get_extra_info("peername")
        self.address = addressed(peer[0]) if isinstance(peer, tuple) and peer else ""
        self._house.come(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        if self._counted > UNCOUNTED:
            self._uncount()
        self._house.gone(self)
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.left()
        elif self._body is not None:
            self._note_body(None)

    # Reading

    @override
    def data_received(self, data: bytes) -> None:
        self._touched = True
        if self._body is not None:
            self._take(self._body, data)
        elif self._lingers:
            self._drop(data)
        else:
            self._held = self._held + data if self._held else data
            if self._busy or self.stuck:
                if len(self._held) > AHEAD_BYTES:
                    self.hold(hold=True)
            else:
                self._next()

    @property
    def _busy(self) -> bool:
        return self.exchange is not None or self._waiting or self._body is not None

    @property
    def gone(self) -> bool:
        """Tell whether nothing can be sent to it any more."""
        return self._closed

    def _next(self) -> None:
        """Go through the requests that are here until one has to wait for its answer.

        Who does not take the answers so far gets no more of them.
        """
        if self._in_next:
            return
        self._in_next = True
        while self._held and not (self._busy or self.stuck or self._lingers or self._closed):
            if not self._one():
                break
        self._in_next = False

    def _one(self) -> bool:
        data = after_blank_lines(self._held)
        end = data.find(END)
        try:
            if end < 0:
                self._held = data
                check_unended(data)
                return False
            end += len(END)
            self._held = data[end:]
            self._known = None
            known, self._length = self._house.admit(data[:end], self.address)
            self._begin(known)
        except AppError as error:
            self._refuse_head(data, error)
        return True

    def _begin(self, known: Known) -> None:
        self._known = known
        head = known.head
        self._bodiless = head.method == "HEAD"
        if known.kind is Kind.LIST:
            self._listed(known)
            return
        length, held = self._length, self._held
        if known.kind is Kind.CONTROL:
            self._relayed = self._house.relay(self, known)
        elif known.kind is Kind.UPLOAD:
            self._relayed = self._house.upload(self, known)
        elif length is not None:
            if length > self._house.body_limit:
                raise self._too_large()
            if length <= len(held):  # nearly always: all of it came at once
                self._held = held[length:]
                self._waiting = True
                self._house.wanted(self, known, held[:length])
                return
            if length > GRAIN and not self._house.room.fits(length):
                raise bodies_full()
        self._read_body(known)

    def _read_body(self, known: Known) -> None:
        """Begin to take a body that is not here yet, or goes on as it comes."""
        head, relayed = known.head, self._relayed
        self._size, self._parts = 0, []
        self._started = self._since = self._house.time()
        if head.expects and not self._held:
            self.write(CONTINUE)
        data, self._held = self._held, b""
        self._body = body = framing.of_request(self._length, chunked=head.chunked)
        self._take(body, data)
        if relayed is not None:
            relayed.go()

    def _listed(self, known: Known) -> None:
        stay = self.may_stay()
        try:
            head, body = self._house.listing(self, known)
        except AppError as error:
            self.refuse(error)
            return
        lines = head + known.extra + (b"" if stay else CLOSE) + self._house.date
        self.write(lines if self._bodiless else lines + body)
        self.end(stay=stay)

    def _take(self, body: framing.Body, data: bytes) -> None:
        """Take a piece of the body."""
        try:
            payload = body.feed(data) if data else b""
        except FramingBroken as error:
            self._spoilt(RequestMalformed(error.message))
            return
        if body.ended:
            self._body, self._held = None, body.rest
        if self._relayed is not None:
            if payload or body.ended:
                self._relayed.more(payload, ended=body.ended)
            return
        self._size += len(payload)
        if not self._fits():
            return
        if payload:
            self._parts.append(payload)
        if body.ended and self._known is not None:
            parts, self._parts = self._parts, []
            self._waiting = True
            whole = parts[0] if len(parts) == 1 else b"".join(parts)
            self._house.wanted(self, self._known, whole)

    def _fits(self) -> bool:
        """Tell whether the body is not too large, by itself and with those of others."""
        if self._size > self._house.body_limit:
            self._spoilt(self._too_large())
            return False
        return self._size <= self._counted or self._count()

    def _count(self) -> bool:
        """Take room for what has come of the body; tell whether there was some."""
        room = self._house.room
        more = -(-(self._size - self._counted) // GRAIN) * GRAIN
        if self._size > GRAIN and not room.fits(more):
            self._spoilt(bodies_full())
            return False
        room.take(more)
        self._counted += more
        return True

    def _uncount(self) -> None:
        """Give the room of a body back: its request is over."""
        self._house.room.give(self._counted - UNCOUNTED)
        self._counted, self._parts = UNCOUNTED, []

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._house.body_limit // 1_000_000} MB.")

    def _spoilt(self, error: AppError) -> None:
        """End with an error while the body was coming in."""
        exchange = self.exchange
        if exchange is not None:
            exchange.fail(error)
        else:
            self._note_body(error)
            self.refuse(error)

    def _note_body(self, error: AppError | None) -> None:
        path = self._known.path if self._known is not None else ""
        self._house.refused(self, path, began=self._started, size=self._size, error=error)

    def _refuse_head(self, data: bytes, error: AppError) -> None:
        """Refuse a request of which only the head is here; what follows it cannot be told."""
        self._unsure = True
        self._bodiless = data.startswith(b"HEAD ")
        path = path_of(data)
        named = "" if isinstance(error, UNREADABLE) else path
        self._house.refused(self, named, began=self._house.time(), error=error)
        self._say(path, error, GUARD, stay=False)

    # What exchanges need

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def hold(self, *, hold: bool) -> None:
        if hold is self._held_back or self._transport is None or self._transport.is_closing():
            return
        self._held_back = hold
        if hold:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def may_stay(self) -> bool:
        known = self._known
        return (
            known is not None
            and known.head.keep_alive
            and self._body is None
            and not self._house.leaving
        )

    def refuse(self, error: AppError) -> None:
        known = self._known
        path, extra = (known.path, known.extra or GUARD) if known is not None else ("", GUARD)
        self._say(path, error, extra, stay=self.may_stay())

    def _say(self, path: str, error: AppError, extra: bytes, *, stay: bool) -> None:
        lines = extra + (b"" if stay else CLOSE) + self._house.date.removesuffix(b"\r\n")
        _, answer = error_answer(path, error, lines)
        if self._bodiless:
            answer = answer[: answer.index(END) + len(END)]
        self.write(answer)
        self.end(stay=stay)

    def end(self, *, stay: bool, abrupt: bool = False) -> None:
        self.exchange, self._waiting, self._known, self._relayed = None, False, None, None
        if self._counted > UNCOUNTED:
            self._uncount()
        self._since = self._started = self._house.time()
        if abrupt and self._transport is not None:
            reset(self._transport)
        elif not stay or self._house.leaving:
            self._leave()
        else:
            if self._held_back and not self.stuck:
                self.hold(hold=False)
            if self._held:
                self._next()

    # Ending

    def _leave(self) -> None:
        """Close; later when more of a request is coming, or a reset would eat the answer."""
        unread = self._body is not None or bool(self._held) or self._unsure
        self._body, self._parts, self._held = None, [], b""
        if self._transport is None or self._transport.is_closing():
            return
        if unread:
            self._lingers, self._started = True, self._house.time()
            self.hold(hold=False)
            if self._transport.can_write_eof():
                self._transport.write_eof()
        else:
            self._transport.close()

    def _drop(self, data: bytes) -> None:
        self._dropped += len(data)
        if self._dropped > LINGER_BYTES and self._transport is not None:
            self._transport.abort()

    def leave(self) -> None:
        """Close when nothing runs here, for the worker ends."""
        if not self._busy and not self._lingers and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # Limits

    def look(self, now: float) -> None:
        """See whether something takes too long."""
        times = self._house.times
        if self._touched:
            self._touched, self._since = False, now
        if self._lingers:
            if now - self._started > times.linger:
                self.abort()
        elif self._body is not None:
            self._look_body(now, times)
        elif self.exchange is not None:
            self.exchange.look(now)
        elif not self._waiting:
            self._look_idle(now, times)

    def _look_body(self, now: float, times: Times) -> None:
        """Limit how long a body takes, but for the time in which nobody takes it."""
        if self._held_back and self.exchange is not None:
            self._since = now
            self._started += times.look
            self.exchange.look(now)
        elif now - self._since > times.body_pause or now - self._started > times.body:
            self._spoilt(SlowClient("The body did not come in time."))

    def _look_idle(self, now: float, times: Times) -> None:
        """Limit a head from its first byte on; more bytes do not move that."""
        if self.stuck:  # it has yet to take its last answer
            if now - self._since > times.pause:
                self.abort()
        elif not self._held:
            self._started = now
            if now - self._since > times.keep_alive:
                self.abort()
        elif now - self._started > times.head:
            error = SlowClient("The head did not come in time.")
            self._house.refused(self, "", began=self._started, error=error)
            self._say("", error, GUARD, stay=False)

    # Back-pressure

    @override
    def pause_writing(self) -> None:
        self.stuck = True
        if self.exchange is not None:
            self.exchange.reader_stuck(stuck=True)

    @override
    def resume_writing(self) -> None:
        self.stuck = False
        if self.exchange is not None:
            self.exchange.reader_stuck(stuck=False)
        elif not self._busy:
            self.hold(hold=False)
            self._next()


def bodies_full() -> BodiesFull:
    """Return why a large request is refused that is not too large by itself."""
    return BodiesFull("Too many large requests are on their way.", retry_after_s=FULL_AGAIN_S)
