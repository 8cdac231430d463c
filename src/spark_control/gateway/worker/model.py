"""A request for a model: to an engine or an outside server, counted and recorded."""

import logging
from typing import Protocol

import msgspec
from typing_extensions import override

from spark_control.core.clock import Clock
from spark_control.core.errors import AppError
from spark_control.engines.errors import EngineBroke, EngineSlow, EngineUnreachable
from spark_control.gateway import envelope, framing, refused, usage
from spark_control.gateway.errors import (
    RedactionMissing,
    ServiceBroke,
    ServiceSlow,
    ServiceUnreachable,
    ServiceWedged,
)
from spark_control.gateway.head import AnswerHead
from spark_control.gateway.record import Trace
from spark_control.gateway.route import Choice, Target
from spark_control.gateway.worker.answers import CLOSE, error_event, status_line
from spark_control.gateway.worker.exchange import CHUNKED, Desk, Exchange, Reader
from spark_control.gateway.worker.known import Known
from spark_control.gateway.worker.place import Answer, Place
from spark_control.gateway.worker.rest import Rest
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.upstream import Upstream
from spark_control.requests.domain import CLIENT_LEFT

log = logging.getLogger(__name__)

LARGE = 65536
"""A body from here on is not copied to stand behind its head."""
SPEECH = "/v1/audio/"
WAITS = framing.chunk(b": waiting\n\n")
"""A comment of an event stream, which its reader skips."""
STREAM = status_line(200) + b"content-type: text/event-stream\r\n" + CHUNKED
WEDGED_S = 60
"""When to come again after a speech service failed: it may have to be restarted first."""


class ModelDesk(Desk, Protocol):
    """What a request for a model needs of the worker."""

    clock: Clock
    retries: int
    """Requests that were sent again."""

    def queue(self, exchange: "ModelExchange", place: Place, client: str) -> tuple[int, bool]:
        """Return a ticket, and whether the request may go on now. Raises what says no."""

    def give_back(self, ticket: int) -> None:
        """Let the next one in the queue go on."""

    def wedged(self, service: str, status: int) -> None:
        """Tell that a speech service failed inside."""


class Wish(msgspec.Struct, kw_only=True):
    """A request for a model as it came in, with what was read of it and found for it."""

    known: Known
    body: bytes
    choice: Choice
    trace: Trace
    path: bytes = b""
    """Where to, when that is another path than was asked for."""
    forward: bytes | None = None
    """The header lines that go on in the place of those that came."""

    def rename(self) -> None:
        """Put the name into the body by which the model is known where it goes."""
        if self.choice.rename is not None:
            self.body = envelope.rename(self.body, self.choice.rename)

    @property
    def changed(self) -> bool:
        """Tell whether the head says something else than the one that came."""
        return self.forward is not None or bool(self.path)


class ModelExchange(Exchange):
    """A request whose whole body is here, so it can be sent again as long as nothing came back."""

    __slots__ = (
        "_answer",
        "_met",
        "_model_desk",
        "_queued",
        "_said",
        "_stale",
        "_tap",
        "_target",
        "_ticket",
        "_told_at",
        "_tried",
        "_wish",
    )  # fmt: skip

    def __init__(self, desk: ModelDesk, reader: Reader, wish: Wish, now: float) -> None:
        super().__init__(desk, reader, wish.known, now)
        self._model_desk = desk
        self._wish = wish
        self._target: Target | None = None
        self._tried: frozenset[str] = frozenset()
        self._stale = self._met = False
        self._ticket: int | None = None
        self._queued: Place | None = None
        """It waits in the queue of this place."""
        self._tap: usage.Tap | None = None
        self._answer: Answer | None = None
        self._said = b""
        """The newest bytes of a stream."""
        self._told_at = 0.0
        """When a stream that waits was last told so; its head has gone out then."""

    def begin(self) -> None:
        """Send the request, or wait; what it was meant for may have gone while it came in."""
        if not self.start():
            gone = self._wish.choice.targets[0]
            self.fail(
                ServiceUnreachable(f"{gone.service} is not used any more.")
                if gone.service
                else EngineUnreachable(f"The engine on {gone.name} has just gone.")
            )

    def start(self) -> bool:
        """Send the request where it suits best, or wait there; False when none is left."""
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

    @property
    def waits_for(self) -> Target | None:
        """Return in whose queue it waits, or None when it does not wait."""
        return self._target if self._queued is not None else None

    @property
    def asked(self) -> str | None:
        """Return the model that was asked for."""
        return self._wish.trace.asked

    def reroute(self, choice: Choice) -> None:
        """Leave the queue for other engines; it waits there anew if it must."""
        self._queued = None
        self._release()
        self._wish.choice = choice
        try:
            self._wish.rename()
        except AppError as error:
            self.fail(error)
        else:
            self.begin()

    def granted(self, now: float) -> None:
        """Go on: the queue has come to this request."""
        place, self._queued = self._queued, None
        if place is not None and not self._over:
            self._wish.trace.granted = self._since = now
            self.send(place)

    @override
    def look(self, now: float) -> None:
        if self._queued is not None and not self._over and self._streams():
            self._keep(now)
        super().look(now)

    def _streams(self) -> bool:
        known = self.known
        return (
            self._wish.trace.streamed
            and known.head.minor == 1
            and not known.path.startswith(SPEECH)
        )

    def _keep(self, now: float) -> None:
        """Keep a stream alive that waits in the queue: a silent one is given up by its client."""
        if now - (self._told_at or self._started) < self._desk.times.waiting:
            return
        if not self._told_at:
            self._begun = self._chunks = self._delimited = True
            self._stay = self._reader.may_stay()
            stay = b"" if self._stay else CLOSE
            self._reader.write(STREAM + stay + self._tail())
        self._told_at = now
        self._reader.write(WAITS)

    @override
    def _waits(self) -> bool:
        return self._queued is not None

    @override
    def _request(self, place: Place) -> tuple[bytes, ...]:
        body = self._wish.body
        lines = None if self._wish.changed else place.openings.get(self.known)
        lines = b"%b%d\r\n\r\n" % (lines or self._opening(place), len(body))
        return (lines + body,) if len(body) < LARGE else (lines, body)

    def _opening(self, place: Place) -> bytes:
        """Return the head of the request up to its length; it is kept for others like this."""
        wish, known = self._wish, self.known
        forward = known.forward if wish.forward is None else wish.forward
        lines = b"POST %b%b HTTP/1.1\r\nhost: %b\r\n%b%bcontent-length: " % (
            place.prefix, wish.path or known.head.target.encode("latin-1"), place.netloc,
            place.key_line, forward,
        )  # fmt: skip
        if not wish.changed:
            place.opens(known, lines)
        return lines

    @override
    def _refuses(self, answer: Answer, payload: bytes, *, whole: bool) -> AppError | None:
        """Keep back the words of a 5xx, for they may repeat the prompt."""
        if answer.head.status < 500:
            return self._unfit(answer) if self._told_at else None
        return self._failed(answer.head, payload, whole=whole)

    def _failed(self, head: AnswerHead, payload: bytes, *, whole: bool) -> AppError:
        target = self._target
        if target is None:
            return self._broken()
        who = f"the service {target.name}" if target.service else f"the engine on {target.name}"
        log.warning("%s answered with %s", who, refused.gist(head, payload))
        if not whole:
            self._hear(who, head, payload)
        if target.service and head.status == 500 and self.known.path.startswith(SPEECH):
            self._model_desk.wedged(target.name, head.status)
            text = f"{target.service} failed inside (it answered with 500) and is looked at."
            return ServiceWedged(text, retry_after_s=WEDGED_S)
        name = target.service or f"{target.key} on {target.name}"
        kind = ServiceBroke if target.service else EngineBroke
        error = kind(f"{name} answered with {head.status}.")
        return refused.kept(error, head, self._model_desk.clock.now())

    def _hear(self, who: str, head: AnswerHead, payload: bytes) -> None:
        """Hear out what may name the error; the client does not wait for it."""
        upstream = self._upstream
        if upstream is None or refused.names(head, payload) or not refused.may_name(head):
            return
        self._upstream = None
        rest = Rest(upstream, who, head, payload, complete=self.complete)
        _ = self._desk.tasks.spawn(rest.hear(), name="rest of an error")

    def _unfit(self, answer: Answer) -> AppError | None:
        """Return why an answer cannot follow the head that went out while the request waited."""
        if answer.head.status != 200:
            return EngineBroke(f"{self._name()} answered with {answer.head.status}.")
        if not answer.is_stream or answer.encoding not in {"", "identity"}:
            return EngineBroke(f"{self._name()} answered with something else than a stream.")
        return None

    @override
    def _head(self, answer: Answer) -> bytes:
        return b"" if self._told_at else super()._head(answer)

    @override
    def _again(self, hung_up: Upstream | None) -> bool:
        """Go on to the next where none took a connection; at most once where one hung up.

        An engine may have died of the request, and it must not reach them all.
        """
        if hung_up is not None and hung_up.reused and not self._stale:
            # It was closed while it was idle, and the request has met no one.
            self._stale = True
            self._model_desk.retries += 1
            self.connect()
            return True
        if self._place is None or (hung_up is not None and self._met):
            return False
        self._met = self._met or hung_up is not None
        self._tried |= {self._place.base_url}
        self._release()
        sent = self.start()
        self._model_desk.retries += sent
        return sent

    @override
    def _limits(self, times: Times) -> tuple[float, float, float]:
        silent = self._told_at and self._answer is None  # only our own words have gone out
        first = times.stream_head if self._wish.trace.streamed else times.first_byte
        return first, first if silent else times.pause, times.total

    @override
    def _first(self, answer: Answer, payload: bytes) -> None:
        self._answer = answer
        if answer.head.status < 300:
            self._tap = answer.taps()
        if payload:
            self._saw(payload)

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
    def _broken(self) -> AppError:
        if self._target is not None and self._target.service:
            return ServiceBroke(f"{self._target.service} broke off.")
        return super()._broken()

    @override
    def _slow(self) -> AppError:
        if self._target is not None and self._target.service:
            return ServiceSlow(f"{self._target.service} did not answer in time.")
        return EngineSlow(f"{self._name()} did not answer in time.")

    @override
    def _last_words(self, error: AppError) -> bytes:
        answer = self._answer
        if answer is None and self._told_at:
            return error_event(self.known.path, error).lstrip()
        if answer is None or not answer.is_stream or answer.encoding not in {"", "identity"}:
            return b""  # behind what is packed, plain words would only spoil it
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
        told = 200 if self._told_at else 0
        status = self._answer.head.status if self._answer is not None else told
        used = self._tap.finish() if self._tap is not None else None
        self._model_desk.ended(self._wish.trace, CLIENT_LEFT if left else status, used, error)
