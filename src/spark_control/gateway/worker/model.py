"""A request for a model: to an engine or an outside server, counted and recorded."""

import logging
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

from spark_control.core.errors import AppError
from spark_control.engines.errors import EngineBroke, EngineSlow
from spark_control.gateway import usage
from spark_control.gateway.errors import RedactionMissing
from spark_control.gateway.record import Trace
from spark_control.gateway.route import Choice, Target
from spark_control.gateway.worker.answers import error_event
from spark_control.gateway.worker.exchange import Desk, Exchange, Reader
from spark_control.gateway.worker.known import Known
from spark_control.gateway.worker.place import Answer, Place
from spark_control.gateway.worker.times import Times
from spark_control.requests.domain import CLIENT_LEFT

log = logging.getLogger(__name__)

LARGE = 65536
"""A body from here on is not copied to stand behind its head."""


class ModelDesk(Desk, Protocol):
    """What a request for a model needs of the worker."""

    def queue(self, exchange: "ModelExchange", place: Place, client: str) -> tuple[int, bool]:
        """Return a ticket, and whether the request may go on now. Raises what says no."""

    def give_back(self, ticket: int) -> None:
        """Let the next one in the queue go on."""

    def ended(
        self, trace: Trace, status: int, used: usage.Usage | None, error: AppError | None
    ) -> None:
        """Record a request that has ended."""


@dataclass(kw_only=True, slots=True)
class Wish:
    """A request for a model as it came in, with what was read of it and found for it."""

    known: Known
    body: bytes
    choice: Choice
    trace: Trace


class ModelExchange(Exchange):
    """A request whose whole body is here, so it can be sent again as long as nothing came back."""

    __slots__ = ("_answer", "_model_desk", "_queued", "_said", "_tap", "_target", "_ticket",
                 "_tried", "_wish")  # fmt: skip

    def __init__(self, desk: ModelDesk, reader: Reader, wish: Wish, now: float) -> None:
        super().__init__(desk, reader, wish.known, now)
        self._model_desk = desk
        self._wish = wish
        self._target: Target | None = None
        self._tried: frozenset[str] = frozenset()
        self._ticket: int | None = None
        self._queued: Place | None = None
        """It waits in the queue of this place."""
        self._tap: usage.Tap | None = None
        self._answer: Answer | None = None
        self._said = b""
        """The newest bytes of a stream."""

    def start(self) -> bool:
        """Send the request where it suits best, or wait there; False when all were tried."""
        found = self._desk.pool.pick(self._wish.choice, self._tried)
        if found is None:
            return False
        self._target, place = found
        trace = self._wish.trace
        trace.target, trace.model = self._target.name, self._target.key
        if self._target.redact:
            self.fail(RedactionMissing(f"{self._target.name} is marked for redaction."))
            return True
        try:
            self._ticket, through = self._model_desk.queue(self, place, trace.client)
        except AppError as error:
            self.fail(error)
            return True
        if through:
            self.send(place)
        else:
            self._queued = place
        return True

    def granted(self, now: float) -> None:
        """Go on: the queue has come to this request."""
        place, self._queued = self._queued, None
        if place is not None and not self._over:
            self._wish.trace.granted = self._since = now
            self.send(place)

    @override
    def _waits(self) -> bool:
        return self._queued is not None

    @override
    def _request(self, place: Place) -> tuple[bytes, ...]:
        head, body = self.known.head, self._wish.body
        lines = b"POST %b%b HTTP/1.1\r\nhost: %b\r\n%b%bcontent-length: %d\r\n\r\n" % (
            place.prefix, head.target.encode("latin-1"), place.netloc, place.key_line,
            self.known.forward, len(body),
        )  # fmt: skip
        return (lines + body,) if len(body) < LARGE else (lines, body)

    @override
    def _refuses(self, answer: Answer) -> AppError | None:
        """Keep back the words of a 5xx, for they may repeat the prompt."""
        if answer.head.status < 500:
            return None
        name, key = (self._target.name, self._target.key) if self._target else ("", "")
        log.warning("the engine on %s answered with %s", name, answer.head.status)
        return EngineBroke(f"{key} on {name} answered with {answer.head.status}.")

    @override
    def _again(self, *, reused: bool) -> bool:
        if reused:  # it was closed while it was idle, and the request has met no one
            self.connect()
            return True
        if self._place is None:
            return False
        self._tried |= {self._place.base_url}
        self._release()
        return self.start()

    @override
    def _limits(self, times: Times) -> tuple[float, float, float]:
        return times.first_byte, times.pause, times.total

    @override
    def _first(self, answer: Answer) -> None:
        self._answer = answer
        if answer.head.status < 300:
            self._tap = usage.tap_for(answer.kind, answer.encoding)

    @override
    def _tail(self) -> bytes:
        return self.known.extra + self._desk.date

    @override
    def _saw(self, payload: bytes) -> None:
        trace = self._wish.trace
        if trace.first is None:
            trace.first = self._desk.pool.loop.time()
        trace.bytes_out += len(payload)
        self._said = payload if len(payload) > 3 else self._said[-3:] + payload
        if self._tap is not None:
            self._tap.feed(payload)

    @override
    def _slow(self) -> AppError:
        return EngineSlow(f"{self._name()} did not answer in time.")

    @override
    def _last_words(self, error: AppError) -> bytes:
        if self._answer is None or not self._answer.is_stream:
            return b""
        tail = self._said[-4:].replace(b"\r\n", b"\n")
        begun = bool(tail) and not tail.endswith(b"\n\n")
        gap = b"" if not begun else b"\n" if tail.endswith(b"\n") else b"\n\n"
        return gap + error_event(self.known.path, error)

    @override
    def _release(self) -> None:
        super()._release()
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            self._model_desk.give_back(ticket)

    @override
    def _ended(self, error: AppError | None, *, left: bool) -> None:
        if error is not None and self._begun:
            log.warning("the answer of %s broke: %s", self.known.path, error.message)
        status = self._answer.head.status if self._answer is not None else 0
        used = self._tap.finish() if self._tap is not None else None
        self._model_desk.ended(self._wish.trace, CLIENT_LEFT if left else status, used, error)
