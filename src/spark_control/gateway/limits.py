"""Who may go on to an engine now, who waits, and who is sent away: a queue without a clock.

Each target (an engine, a service) takes so many requests at once. What comes above waits, and the
clients take turns: one that asks a hundred times does not stand a hundred times before another.
With several workers each one applies its own part of the limits.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from spark_control.gateway.errors import ClientBusy, QueueFull, WaitedTooLong

USUAL_S = 5.0
"""How long a request is thought to take before any was seen to end."""
NEWEST = 0.2
"""How much the newest request counts in the average."""
LONGEST_RETRY_S = 120


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one target. One client has at most `share` of the places to wait."""

    in_flight: int
    length: int
    wait_s: float
    share: float = 0.5

    @property
    def own(self) -> int:
        """Return how many places of the queue one client may have."""
        return max(1, int(self.length * self.share))

    def part(self, workers: int) -> "Limits":
        """Return the limits of one of `workers` that share them, never less than one at once."""
        each = max(1, self.in_flight // workers)
        return Limits(each, -(-self.length // workers), self.wait_s, self.share)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request in the queue."""

    ticket: int
    client: str
    until: float


@dataclass(slots=True)
class Line:
    """The line before one target. Tickets are the caller's; times are of its monotonic clock."""

    limits: Limits
    _running: dict[int, float] = field(init=False, default_factory=dict)
    _waiting: OrderedDict[str, deque[Waiting]] = field(init=False, default_factory=OrderedDict)
    _places: dict[int, Waiting] = field(init=False, default_factory=dict)
    _usual_s: float = field(init=False, default=USUAL_S)

    @property
    def running(self) -> int:
        """Return how many requests are let through now."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Return how many requests wait."""
        return len(self._places)

    @property
    def idle(self) -> bool:
        """Tell whether nothing runs or waits."""
        return not self._running and not self._places

    def pass_by(self, ticket: int, now: float) -> bool:
        """Let a request through when nobody waits and there is room; tell whether it was."""
        if self._places or len(self._running) >= self.limits.in_flight:
            return False
        self._running[ticket] = now
        return True

    def ask(self, ticket: int, client: str, now: float) -> bool:
        """Return True when the request may go on, False when it waits until it is granted.

        Raises QueueFull, ClientBusy.
        """
        if self.pass_by(ticket, now):
            return True
        own = self._waiting.get(client, ())
        if self.waiting >= self.limits.length:
            raise QueueFull("Too many requests wait already.", retry_after_s=self.retry_s())
        if len(own) >= self.limits.own:
            text = f"{len(own)} requests of this client wait already."
            raise ClientBusy(text, retry_after_s=self.retry_s())
        place = Waiting(ticket, client, now + self.limits.wait_s)
        self._waiting.setdefault(client, deque()).append(place)
        self._places[ticket] = place
        return False

    def release(self, ticket: int, now: float) -> list[int]:
        """Note that a request has ended, or its client has left; return who may go on now."""
        began = self._running.pop(ticket, None)
        if began is not None:
            took = now - began
            self._usual_s += NEWEST * ((took if took > 0 else 0.0) - self._usual_s)
        else:
            self._drop(ticket)
        return self._grant(now) if self._places else []

    def expire(self, now: float) -> list[int]:
        """Take out those who waited too long and return them; each is due a `WaitedTooLong`."""
        gone = [place.ticket for place in self._places.values() if place.until <= now]
        for ticket in gone:
            self._drop(ticket)
        return gone

    def deadline(self) -> float | None:
        """Return when `expire` has something to do."""
        return min((place.until for place in self._places.values()), default=None)

    def resize(self, limits: Limits, now: float) -> list[int]:
        """Put other limits in force; nobody who runs or waits is sent away."""
        self.limits = limits
        return self._grant(now)

    def too_long(self) -> WaitedTooLong:
        """Return the error for one of `expire`."""
        text = f"The engine stayed busy for {self.limits.wait_s:g} s."
        return WaitedTooLong(text, retry_after_s=self.retry_s())

    def retry_s(self) -> int:
        """Return when to try again: how long the ones before would take, as far as one can say."""
        turns = (self.waiting + 1) / max(1, self.limits.in_flight)
        return min(LONGEST_RETRY_S, max(1, round(self._usual_s * turns)))

    def _grant(self, now: float) -> list[int]:
        granted = []
        while self._places and self.running < self.limits.in_flight:
            client, places = self._waiting.popitem(last=False)
            place = places.popleft()
            del self._places[place.ticket]
            if places:
                self._waiting[client] = places  # behind the others: the clients take turns
            self._running[place.ticket] = now
            granted.append(place.ticket)
        return granted

    def _drop(self, ticket: int) -> None:
        place = self._places.pop(ticket, None)
        if place is None:
            return
        places = self._waiting[place.client]
        places.remove(place)
        if not places:
            del self._waiting[place.client]


@dataclass(slots=True)
class Admission:
    """The lines before all targets, made when first asked for; `expire` drops the empty ones."""

    limits: Limits
    _lines: dict[str, Line] = field(init=False, default_factory=dict)
    _own: dict[str, Limits] = field(init=False, default_factory=dict)
    _where: dict[int, Line] = field(init=False, default_factory=dict)
    _tickets: int = field(init=False, default=0)

    def ask(self, target: str, client: str, now: float) -> tuple[int, bool]:
        """Return a ticket, and whether the request may go on at once. Raises as `Line.ask`."""
        line = self._lines.get(target)
        if line is None:
            line = self._lines[target] = Line(self._own.get(target, self.limits))
        self._tickets += 1
        ticket = self._tickets
        through = line.pass_by(ticket, now) or line.ask(ticket, client, now)
        self._where[ticket] = line
        return ticket, through

    def release(self, ticket: int, now: float) -> list[int]:
        """Give a ticket back, at the end or when its client has left; return who may go on now.

        Giving one back twice is giving it back once.
        """
        line = self._where.pop(ticket, None)
        return [] if line is None else line.release(ticket, now)

    def expire(self, now: float) -> list[tuple[int, WaitedTooLong]]:
        """Return the tickets that waited too long with their errors; they are given back."""
        gone = []
        for target, line in list(self._lines.items()):
            for ticket in line.expire(now):
                del self._where[ticket]
                gone.append((ticket, line.too_long()))
            if line.idle:
                del self._lines[target]
        return gone

    def deadline(self) -> float | None:
        """Return when `expire` has something to do."""
        found = (line.deadline() for line in self._lines.values())
        return min((until for until in found if until is not None), default=None)

    def resize(self, limits: Limits, own: dict[str, Limits], now: float) -> list[int]:
        """Put other limits in force, `own` for single targets; return who may go on now."""
        self.limits, self._own = limits, dict(own)
        granted = [
            line.resize(self._own.get(target, limits), now) for target, line in self._lines.items()
        ]
        return [ticket for tickets in granted for ticket in tickets]

    def counts(self) -> Iterator[tuple[str, int, int]]:
        """Give the targets with how many run and how many wait."""
        for target, line in self._lines.items():
            if not line.idle:
                yield target, line.running, line.waiting
