"""One connection to an upstream: reads answers and hands their bytes to who asked."""

import asyncio
from typing import Protocol, cast

from typing_extensions import override

from spark_control.core.errors import AppError
from spark_control.gateway import framing
from spark_control.gateway.errors import AnswerMalformed, FramingBroken
from spark_control.gateway.head import END, HEAD_BYTES
from spark_control.gateway.worker.place import Answer, Place

MOST_IDLE = 512


class Asker(Protocol):
    """Who waits for an answer."""

    bodiless: bool
    """The answer has no body, whatever its head says: HEAD was asked."""
    complete: bool
    """All of the request has gone out."""

    def answered(self, answer: Answer, payload: bytes, body: framing.Body) -> None:
        """Take the head, and what of the body came with it."""

    def piece(self, data: bytes, payload: bytes, body: framing.Body) -> None:
        """Take the next bytes: as they came, and without their chunks."""

    def done(self) -> None:
        """Take note that the answer is complete."""

    def failed(self, upstream: "Upstream", error: AppError | None) -> None:
        """Take note that the connection ended too early; `error` says what was wrong with it."""

    def stuck(self, *, stuck: bool) -> None:
        """Stop or go on giving bytes: the upstream does not take them."""


class Upstream(asyncio.Protocol):
    """A connection that serves one request after the other."""

    __slots__ = ("_answer", "_body", "_held", "_idle", "_paused", "_transport", "asker", "got",
                 "idle_since", "place", "reused")  # fmt: skip

    def __init__(self, place: Place, idle: "Idle") -> None:
        self.place = place
        self.asker: Asker | None = None
        self.got = False
        """Something of the answer has come."""
        self.reused = False
        self.idle_since = 0.0
        self._idle = idle
        self._transport: asyncio.Transport | None = None
        self._body: framing.Body | None = None
        self._answer: Answer | None = None
        self._held = b""
        self._paused = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no such base

    @property
    def closing(self) -> bool:
        """Tell whether it can carry nothing more."""
        return self._transport is None or self._transport.is_closing()

    def ask(self, asker: Asker, parts: tuple[bytes, ...], *, reused: bool) -> None:
        """Send a request; `asker` is told of the answer."""
        self.asker, self.reused, self.got = asker, reused, False
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if len(parts) == 1:
            transport.write(parts[0])
        else:
            transport.writelines(parts)

    def write(self, data: bytes) -> None:
        """Send more of the request."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        """End the connection at once; nobody is told."""
        self.asker = None
        if self._transport is not None:
            self._transport.abort()

    def pause(self, *, pause: bool) -> None:
        """Stop or go on reading."""
        if pause is self._paused or self._transport is None or self._transport.is_closing():
            return
        self._paused = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    @override
    def data_received(self, data: bytes) -> None:
        asker, body = self.asker, self._body
        if asker is None:
            self.abort()  # nobody asked: what comes on it next could not be trusted
            return
        self.got = True
        if body is None:
            self._head(asker, self._held + data if self._held else data)
            return
        try:
            payload = body.feed(data)
        except FramingBroken as error:
            self._broke(asker, AnswerMalformed(error.message))
            return
        asker.piece(data, payload, body)
        if body.ended:
            self._finish(asker, body)

    def _head(self, asker: Asker, data: bytes) -> None:
        self._held = b""
        try:
            while (end := data.find(END)) >= 0:
                end += len(END)
                answer = self.place.answer(data[:end])
                data = data[end:]
                if answer.head.status >= 200:
                    self._begin(asker, answer, data)
                    return
                _check_interim(answer)
            _check_unended(data)
            self._held = data
        except FramingBroken as error:
            self._broke(asker, AnswerMalformed(error.message))
        except AnswerMalformed as error:
            self._broke(asker, error)

    def _begin(self, asker: Asker, answer: Answer, rest: bytes) -> None:
        head = answer.head
        body = framing.of_answer(
            head.status, head.length, chunked=head.chunked, bodiless=asker.bodiless
        )
        self._answer, self._body = answer, body
        payload = body.feed(rest) if rest else b""
        body.whole = False  # what came has the head before it
        asker.answered(answer, payload, body)
        if body.ended and self.asker is not None:
            self._finish(self.asker, body)

    def _finish(self, asker: Asker, body: framing.Body) -> None:
        if self.asker is not asker:
            return  # it has let go of this connection meanwhile
        answer = self._answer
        self.asker, self._body, self._answer = None, None, None
        if self._paused:
            self.pause(pause=False)
        keep = answer is not None and answer.head.keep_alive and not body.rest
        if keep and asker.complete and not self.closing:
            self._idle.keep(self)  # first, for what comes next may want it
        else:
            self.abort()
        asker.done()

    def _broke(self, asker: Asker, error: AppError | None) -> None:
        self.abort()
        asker.failed(self, error)

    @override
    def eof_received(self) -> bool | None:
        return None

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        asker, body = self.asker, self._body
        self.asker = None
        if asker is None:
            self._idle.gone(self)
        elif exc is None and body is not None and body.close():
            body.ended = True
            asker.piece(b"", b"", body)
            asker.done()
        else:
            asker.failed(self, None)

    @override
    def pause_writing(self) -> None:
        if self.asker is not None:
            self.asker.stuck(stuck=True)

    @override
    def resume_writing(self) -> None:
        if self.asker is not None:
            self.asker.stuck(stuck=False)


def _check_interim(answer: Answer) -> None:
    """See that an answer before the answer can be dropped. Raises AnswerMalformed."""
    if answer.head.status == 101:
        raise AnswerMalformed("The answer changes to a protocol nobody asked for.")


def _check_unended(data: bytes) -> None:
    """See that a head can still end. Raises AnswerMalformed."""
    if len(data) > HEAD_BYTES:
        raise AnswerMalformed("The head of the answer does not end.")


class Idle:
    """The open connections to one place that nobody uses."""

    __slots__ = ("_free", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._free: list[Upstream] = []

    def take(self) -> Upstream | None:
        """Return the one used last, or None."""
        free = self._free
        while free:
            upstream = free.pop()
            if not upstream.closing:
                return upstream
        return None

    def keep(self, upstream: Upstream) -> None:
        """Keep a connection for the next request."""
        if len(self._free) >= MOST_IDLE:
            upstream.abort()
            return
        upstream.idle_since = self._loop.time()
        self._free.append(upstream)

    def gone(self, upstream: Upstream) -> None:
        """Forget a connection that has ended."""
        if upstream in self._free:
            self._free.remove(upstream)

    def close(self, before: float) -> None:
        """Close those that nobody has used since `before`."""
        while self._free and self._free[0].idle_since < before:
            self._free.pop(0).abort()
