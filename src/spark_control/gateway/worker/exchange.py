"""One request and its answer, from an upstream to a client; bytes pass through as they come."""

from typing import Protocol

from spark_control.core.errors import AppError, SlowUpstream
from spark_control.core.tasks import Tasks
from spark_control.engines.errors import EngineBroke
from spark_control.gateway import framing
from spark_control.gateway.record import Trace
from spark_control.gateway.usage import Usage
from spark_control.gateway.worker.answers import CLOSE
from spark_control.gateway.worker.known import Known
from spark_control.gateway.worker.place import Answer, Place
from spark_control.gateway.worker.pool import Pool
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.upstream import Upstream

CHUNKED = b"transfer-encoding: chunked\r\n"


class Desk(Protocol):
    """What an exchange needs of the worker around it."""

    pool: Pool
    times: Times
    tasks: Tasks
    date: bytes
    """The Date line of now, with its end."""

    def changed(self) -> None:
        """Take note that the number of running requests has changed."""

    def ended(self, trace: Trace, status: int, used: Usage | None, error: AppError | None) -> None:
        """Record a request that has ended."""


class Reader(Protocol):
    """What an exchange needs of its client."""

    stuck: bool
    """It does not take bytes at the moment."""

    def write(self, data: bytes) -> None:
        """Send `data`."""

    def hold(self, *, hold: bool) -> None:
        """Stop or go on reading what the client sends."""

    def may_stay(self) -> bool:
        """Tell whether the connection can be kept after this answer."""

    def refuse(self, error: AppError) -> None:
        """Answer with an error; nothing was sent before it. The exchange is over."""

    def end(self, *, stay: bool, abrupt: bool = False) -> None:
        """Go on. `abrupt`: only a reset shows that the answer is not complete."""


class Exchange:
    """Between one client and one upstream. Subclasses know what is special about the upstream."""

    __slots__ = ("_begun", "_chunks", "_delimited", "_desk", "_over", "_place",
                 "_reader", "_since", "_started", "_stay", "_touched", "_upstream", "bodiless",
                 "complete", "known")  # fmt: skip

    def __init__(self, desk: Desk, reader: Reader, known: Known, now: float) -> None:
        self.known = known
        self.bodiless = known.head.method == "HEAD"
        self.complete = True
        self._desk = desk
        self._reader = reader
        self._place: Place | None = None
        self._upstream: Upstream | None = None
        self._begun = False
        """Some of the answer has gone out."""
        self._chunks = False
        self._delimited = False
        """The client can tell by itself whether the answer is complete."""
        self._stay = False
        self._over = False
        self._touched = False
        self._started = self._since = now

    # What is special

    def _request(self, place: Place) -> tuple[bytes, ...]:
        """Return what is sent first."""
        raise NotImplementedError

    def _refuses(self, answer: Answer, payload: bytes, *, whole: bool) -> AppError | None:
        """Return our error when the answer is not to be passed on; `whole`: all of it is here."""
        raise NotImplementedError

    def _again(self, hung_up: Upstream | None) -> bool:
        """Send the request once more if that can do no harm; tell whether it was.

        `hung_up`: who had got it and said nothing; None when no connection was made.
        """
        raise NotImplementedError

    def _limits(self, times: Times) -> tuple[float, float, float]:
        """Return the limits of the first byte, of a pause, and of all together."""
        raise NotImplementedError

    def _saw(self, payload: bytes) -> None:
        """Look at bytes of the answer as they pass."""

    def _first(self, answer: Answer, payload: bytes) -> None:
        """Look at the head of the answer, and at what came of its body with it."""

    def _ended(self, error: AppError | None, *, left: bool) -> None:
        """Take note of the end: `left` says that the client did not wait for it."""

    def _last_words(self, error: AppError) -> bytes:
        """Return what is sent when an answer breaks off, before its end."""
        raise NotImplementedError

    # Sending

    def send(self, place: Place) -> None:
        """Send the request to `place`, over a new connection if none is open."""
        self._place = place
        place.busy += 1
        self._desk.changed()
        upstream = self._desk.pool.take(place)
        if upstream is not None:
            self._over_it(upstream, reused=True)
        else:
            self.connect()

    def connect(self) -> None:
        """Send the request over a new connection."""
        _ = self._desk.tasks.spawn(self._connect(), name="connect")

    async def _connect(self) -> None:
        place = self._place
        if place is None:
            return
        try:
            upstream = await self._desk.pool.connect(place)
        except AppError as error:
            if not self._over and not self._again(None):
                self.fail(error)
            return
        if self._over or self._place is not place:
            upstream.abort()
            return
        self._over_it(upstream, reused=False)

    def _over_it(self, upstream: Upstream, *, reused: bool) -> None:
        assert self._place is not None  # noqa: S101 - for the type checker
        self._upstream = upstream
        upstream.ask(self, self._request(self._place), reused=reused)
        if self._reader.stuck:
            upstream.pause(pause=True)

    # What the upstream says

    def answered(self, answer: Answer, payload: bytes, body: framing.Body) -> None:
        error = self._refuses(answer, payload, whole=body.ended)
        if error is not None:
            if not body.ended:  # else the connection can serve others
                self._let_go()
            self.fail(error)
            return
        self._touched = self._begun = True
        self._first(answer, payload)
        head = self._head(answer)
        self._reader.write(head + (self._framed(payload, body) if self._chunks else payload))

    def _head(self, answer: Answer) -> bytes:
        self._stay = self._reader.may_stay()
        self._delimited = True
        lines = answer.sized or self._unsized(answer)
        if not self._stay:
            lines += CLOSE
        return lines + self._tail()

    def _unsized(self, answer: Answer) -> bytes:
        minor = self.known.head.minor
        if self.bodiless or answer.head.status in {204, 304}:
            return answer.lines
        self._chunks = self._delimited = minor == 1
        self._stay = self._stay and minor == 1
        return answer.lines + CHUNKED if minor else answer.lines

    def _tail(self) -> bytes:
        """Return the rest of the head, with the blank line."""
        raise NotImplementedError

    def _framed(self, payload: bytes, body: framing.Body) -> bytes:
        if not self._chunks:
            return payload
        data = framing.chunk(payload) if payload else b""
        return data + framing.LAST if body.ended else data

    def piece(self, data: bytes, payload: bytes, body: framing.Body) -> None:
        self._touched = True
        if payload:
            self._saw(payload)
        if self._chunks and body.whole:
            self._reader.write(data)  # the upstream's own chunks, as they came
        elif out := self._framed(payload, body):
            self._reader.write(out)

    def done(self) -> None:
        self._upstream = None
        self._end(None)

    def failed(self, upstream: Upstream, error: AppError | None) -> None:
        self._upstream = None
        if self._over:
            return
        why = error or self._broken()
        silent = error is None and not upstream.got
        if not silent or not self._again(upstream):
            self.fail(why)

    def _broken(self) -> AppError:
        return EngineBroke(f"{self._name()} broke off.")

    def _name(self) -> str:
        if self._place is None:
            return "The engine"
        return self._place.service or f"The engine on {self._place.name}"

    def stuck(self, *, stuck: bool) -> None:
        self._reader.hold(hold=stuck)

    # What the client does

    def reader_stuck(self, *, stuck: bool) -> None:
        """Read no more of the upstream while the client takes nothing."""
        if self._upstream is not None:
            self._upstream.pause(pause=stuck)

    def left(self) -> None:
        """End the request upstream at once, for the client has gone."""
        if not self._over:
            self._let_go()
            self._close(None, left=True)

    # Ends

    def look(self, now: float) -> None:
        """See whether something takes too long."""
        if self._over or self._waits():
            return
        first, pause, total = self._limits(self._desk.times)
        if self._touched:
            self._touched, self._since = False, now
        limit = pause if self._begun else first
        if now - self._since > limit or now - self._started > total:
            self._let_go()
            self.fail(self._slow())

    def _slow(self) -> AppError:
        return SlowUpstream("The answer did not come in time.")

    def _waits(self) -> bool:
        """Tell whether the request has not gone out yet, for a reason that has its own limit."""
        return False

    def fail(self, error: AppError) -> None:
        """End with an error: as the answer, or as the last words of one that has begun."""
        if self._over:
            return
        if not self._begun:
            self._close(error, left=False)
            self._reader.refuse(error)
            return
        sized = self._delimited and not self._chunks
        words = b"" if sized else self._last_words(error)  # none fits into a stated length
        if words:
            self._reader.write(framing.chunk(words) + framing.LAST if self._chunks else words)
        self._stay = False
        self._end(error, abrupt=not words and not self._delimited)

    def _end(self, error: AppError | None, *, abrupt: bool = False) -> None:
        if self._over:
            return
        self._close(error, left=False)
        self._reader.end(stay=self._stay, abrupt=abrupt)

    def _close(self, error: AppError | None, *, left: bool) -> None:
        """Give back what was taken."""
        self._over = True
        self._release()
        self._ended(error, left=left)

    def _release(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            place.busy -= 1
            self._desk.changed()

    def _let_go(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()
