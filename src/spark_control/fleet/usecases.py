"""The fleet: the Sparks of the settings, how to reach them, and what their hardware said last."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock, iso
from spark_control.core.errors import AppError
from spark_control.core.shell import Command
from spark_control.core.tasks import Tasks
from spark_control.fleet.domain import Hardware
from spark_control.fleet.errors import BadAnswer, ConnectionLost, HostUnknown, HostUnreachable
from spark_control.fleet.flight import Flight
from spark_control.fleet.parse import parse
from spark_control.fleet.ports import Host
from spark_control.settings.domain import Spark

log = logging.getLogger(__name__)

HostFactory = Callable[[Spark], Host]
# Isolated and without site packages: half the start time, and nothing of the user's runs along.
PYTHON = Command.of("python3", "-I", "-S", "-")
TOPIC = "spark"


@dataclass(frozen=True, slots=True)
class FleetLimits:
    """How long answers are good for, and how long a probe may take."""

    good_s: float = 4.0
    bad_s: float = 25.0
    probe_s: float = 6.0
    first_s: float = 12.0
    """For a Spark that did not answer last time: the probe has to connect too."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of one Spark. `hardware` is the last reading, also when it is not new."""

    spark: Spark
    reachable: bool | None = None
    error: AppError | None = None
    checked_at: datetime | None = None
    hardware: Hardware | None = None
    read_at: datetime | None = None
    took_s: float | None = field(default=None, compare=False)
    """How long the last look took, whatever came of it."""

    @property
    def trouble(self) -> str | None:
        """Return the code of what is wrong, or None."""
        return self.error.code if self.error else None


class _Member:
    """One Spark of the fleet while it is in it."""

    def __init__(self, spark: Spark, host: Host, tasks: Tasks) -> None:
        self.host = host
        self.card = Card(spark)
        self.checked: float | None = None
        self.gone = False
        self.flight = Flight[Card](tasks, f"probe {spark.name}", stopped=ConnectionLost)


@dataclass(kw_only=True, slots=True)
class Fleet:
    """Holds one host for each Spark and the last reading of each."""

    make_host: HostFactory
    clock: Clock
    bus: Bus
    script: bytes
    limits: FleetLimits = field(default_factory=FleetLimits)
    _members: dict[str, _Member] = field(default_factory=dict, init=False)
    _tasks: Tasks = field(default_factory=lambda: Tasks("fleet"), init=False)

    @property
    def sparks(self) -> tuple[Spark, ...]:
        """Return the Sparks in the order of the settings."""
        return tuple(member.card.spark for member in self._members.values())

    def spark(self, name: str) -> Spark:
        """Return the Spark of that name. Raises HostUnknown."""
        return self._member(name).card.spark

    def host(self, name: str) -> Host:
        """Return the way to the Spark of that name. Raises HostUnknown."""
        return self._member(name).host

    def hosts(self) -> list[Host]:
        """Return the ways to all Sparks, in the order of the settings."""
        return [member.host for member in self._members.values()]

    def card(self, name: str) -> Card:
        """Return the card of that Spark as it is. Raises HostUnknown."""
        return self._member(name).card

    async def look(self, name: str) -> Card:
        """Ask that Spark now, and return its card. Raises HostUnknown."""
        return await self._look(self._member(name), fresh=True)

    def cards(self) -> list[Card]:
        """Return the cards as they are, without asking any Spark."""
        return [member.card for member in self._members.values()]

    async def hardware(
        self, *, fresh: bool = False, told: Callable[[Card], None] | None = None
    ) -> list[Card]:
        """Return a card for each Spark, asking all at once those whose card is too old.

        Takes as long as the slowest probe; `told` gets each card as it comes. With `fresh` every
        Spark is asked; who asks while a probe is under way gets its answer. Never raises for what
        a Spark does.
        """

        async def look(member: _Member) -> Card:
            card = await self._look(member, fresh=fresh)
            if told is not None:
                told(card)
            return card

        return await asyncio.gather(*(look(member) for member in list(self._members.values())))

    async def replace(self, sparks: Iterable[Spark]) -> None:
        """Make these Sparks the fleet; those that stay as they are keep connection and card."""
        leaving = {member.card.spark: member for member in self._members.values()}
        members = {}
        for spark in sparks:
            kept = leaving.pop(spark, None)
            members[spark.name] = kept or _Member(spark, self.make_host(spark), self._tasks)
        self._members = members
        for member in leaving.values():
            member.gone = True
        await asyncio.gather(*(member.host.close() for member in leaving.values()))

    async def close(self) -> None:
        """Let go of every Spark."""
        await self.replace(())
        await self._tasks.close()

    def _member(self, name: str) -> _Member:
        if name not in self._members:
            raise HostUnknown(f"There is no Spark {name!r}.", param=name)
        return self._members[name]

    async def _look(self, member: _Member, *, fresh: bool) -> Card:
        if not fresh and member.checked is not None:
            keep_s = self.limits.bad_s if member.card.error else self.limits.good_s
            if self.clock.monotonic() - member.checked < keep_s:
                return member.card
        try:
            return await member.flight.join(lambda: self._probe(member))
        except ConnectionLost:
            return member.card  # the Spark left the fleet, or the fleet is closed

    async def _probe(self, member: _Member) -> Card:
        before, began = member.card, self.clock.monotonic()
        try:
            hardware = await self._read(member)
            now = self.clock.now()
            member.card = Card(
                before.spark, reachable=True, checked_at=now, hardware=hardware, read_at=now
            )
        except AppError as error:
            # Who answers nonsense answers.
            reachable = isinstance(error, BadAnswer)
            now = self.clock.now()
            member.card = replace(before, reachable=reachable, error=error, checked_at=now)
        member.checked = self.clock.monotonic()
        member.card = replace(member.card, took_s=member.checked - began)
        if not member.gone:
            self._tell(before, member.card)
        return member.card

    async def _read(self, member: _Member) -> Hardware:
        name, limits = member.card.spark.name, self.limits
        limit_s = limits.probe_s if member.card.reachable else limits.first_s
        try:
            async with asyncio.timeout(limit_s):
                result = await member.host.run(PYTHON, timeout_s=limits.probe_s, stdin=self.script)
        except TimeoutError as error:
            raise HostUnreachable(f"{name} did not answer within {limit_s:g} s.") from error
        if result.exit_status != 0:
            printed = (result.stderr or result.stdout)[-300:]
            raise BadAnswer(
                f"The hardware of {name} could not be read.",
                detail={"exit_status": result.exit_status, "printed": printed},
            )
        return parse(result.stdout)

    def _tell(self, before: Card, now: Card) -> None:
        """Say a change once: the first failure and the recovery, not the polls between."""
        if (before.reachable, before.trouble) == (now.reachable, now.trouble):
            return
        name = now.spark.name
        if now.error is not None:
            log.warning("%s: %s (%s)", name, now.error.message, now.error.code)
        elif before.reachable is not None:
            log.info("%s answers again", name)
        self.bus.publish(TOPIC, name, told(now))


def told(card: Card) -> dict[str, object]:
    """Return the event of a card: how the Spark can be reached, as JSON."""
    return {
        "name": card.spark.name,
        "host": card.spark.host,
        "reachable": card.reachable,
        "checked_at": iso(card.checked_at) if card.checked_at else None,
        "error": card.error.as_dict() if card.error else None,
    }
