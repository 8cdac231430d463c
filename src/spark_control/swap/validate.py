"""Pre-flight: judge a swap before it happens, from its very arguments; no engine is touched."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from spark_control.core.clock import Clock
from spark_control.core.errors import EngineTrouble, HostTrouble, SlowUpstream
from spark_control.core.shell import render
from spark_control.engines.domain import TAKEN
from spark_control.engines.ports import Probe
from spark_control.fleet.ports import Host
from spark_control.models.domain import NO_ROOM
from spark_control.swap.domain import Link, Plan, Seat, Unit
from spark_control.swap.errors import DoesNotFit, ModelIncomplete
from spark_control.swap.foreign_ports import NoStrangers, Strangers
from spark_control.swap.options import Table
from spark_control.swap.plan import Wish, World, plan_swap
from spark_control.swap.ports import Launcher, RealParser, Tables
from spark_control.swap.preflight import check
from spark_control.swap.rehearsal import OnSpark, rehearse
from spark_control.swap.said import Said
from spark_control.swap.script import launch_command, serve_words
from spark_control.swap.traps import Launch
from spark_control.swap.usecases import Swaps
from spark_control.swap.verdict import Gathered, Trouble, Verdict, decide

ASK_S = 90.0
"""A cold disk makes vLLM's imports slow."""
NEEDED = 3 * 2**30
"""vLLM's imports take half a GiB; with less than this free, an engine might pay for it."""
KEPT = 64
DRY_RUN = "dry-run"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, for which words, when."""

    spark: str
    verdict: Verdict
    words: tuple[str, ...]
    launch: str
    at: datetime


@dataclass(kw_only=True, slots=True)
class Validation:
    """Judges swaps; one at a time asks a parser, since each takes seconds of two cores."""

    swaps: Swaps
    parser: RealParser
    tables: Tables
    launcher: Launcher
    probe: Probe
    host: Callable[[str], Host]
    clock: Clock
    strangers: Strangers = field(default_factory=NoStrangers)
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _said: dict[tuple[str, ...], Said] = field(init=False, default_factory=dict)

    async def dry_run(self, wish: Wish) -> tuple[Plan, tuple[OnSpark, ...]]:
        """Return what a swap would do now. Raises what a swap is refused with."""
        plan = plan_swap(await self.swaps.world(wish), wish, job=DRY_RUN)
        links = await self._links(plan) if plan.workers else ()
        return plan, rehearse(plan, links)

    async def _links(self, plan: Plan) -> tuple[Link, ...]:
        return await self.launcher.links([self.host(one) for one in plan.ranks], plan.unit)

    async def check(self, wish: Wish) -> Report:
        """Judge the swap. Raises what a swap is refused with, but for weights and memory."""
        world = await self.swaps.world(wish)
        plan, troubles = _plan(world, wish)
        words = serve_words(plan.unit)
        links: tuple[Link, ...] = ()
        try:
            links = await self._links(plan) if plan.workers else ()
        except (HostTrouble, SlowUpstream) as error:
            troubles.append(Trouble("cluster", error.message))
        gathered = await self._gather(world, plan, words[2:], troubles)
        return Report(
            spark=plan.spark,
            verdict=decide(gathered),
            words=words,
            launch=render(launch_command(plan.unit, links)),
            at=self.clock.now(),
        )

    async def _gather(
        self, world: World, plan: Plan, argv: Sequence[str], troubles: list[Trouble]
    ) -> Gathered:
        table, said, why_not = self.tables.packaged, None, ""
        try:
            image, found = await self._look(plan)
            troubles += found
            if image is not None:
                known = await self.tables.of(image)
                said, why_not = await self._ask(plan, image, argv, fresh=known is None)
                table = await self._table(image, said) or known or table
        except (HostTrouble, SlowUpstream, EngineTrouble) as error:
            why_not = error.message
        launch = Launch(world.model.facts, plan.unit.env)
        return Gathered(
            unit=plan.unit, version=table.version, troubles=troubles,
            findings=check(table, argv, launch), said=said, why_not=why_not,
        )  # fmt: skip

    async def _look(self, plan: Plan) -> tuple[str | None, list[Trouble]]:
        """Look for the image, and for who listens on the port, on every Spark of the plan."""
        seats = plan.seats[: len(plan.ranks)]
        looks = [await self._look_at(seat, plan.unit) for seat in seats]
        found = [trouble for _, troubles in looks for trouble in troubles]
        if len({image for image, _ in looks if image}) > 1:
            text = f"{plan.unit.image} is not the same image on {' and '.join(plan.ranks)}."
            found.append(Trouble("image", text))
        return looks[0][0], found

    async def _look_at(self, seat: Seat, unit: Unit) -> tuple[str | None, list[Trouble]]:
        host, found = self.host(seat.spark), []
        image = await self.parser.image_id(host, unit.image)
        if image is None:
            found.append(Trouble("image", f"{seat.spark} has no image {unit.image}."))
        look = await self.probe.look(seat.address, timeout_s=5.0)
        if look.state in TAKEN:
            status = await self.launcher.status(host, unit.container)
            ours = unit.container if status.container else ""
            if not status.engine and not await self.strangers.admits(
                seat.spark, host, seat.address, ours=ours
            ):
                port = seat.address.port
                text = f"Port {port} of {seat.spark} is taken by something else."
                found.append(Trouble("port", text))
        return image, found

    async def _ask(
        self, plan: Plan, image: str, argv: Sequence[str], *, fresh: bool
    ) -> tuple[Said | None, str]:
        """Return vLLM's word, or why it was not asked."""
        key = (plan.spark, image, *argv)
        async with self._turn:
            if key in self._said:
                return self._said[key], ""
            host = self.host(plan.spark)
            free = await self.launcher.memory_available(host)
            if free is not None and free < NEEDED:
                return None, f"{plan.spark} has too little memory free for it"
            said = await self.parser.ask(host, plan.unit, argv, fresh=fresh, timeout_s=ASK_S)
            if said.checked:
                self._remember(key, said)
            return said, ""

    def _remember(self, key: tuple[str, ...], said: Said) -> None:
        while len(self._said) >= KEPT:
            del self._said[next(iter(self._said))]
        self._said[key] = said

    async def _table(self, image: str, said: Said | None) -> Table | None:
        """Return the image's table when it came with the answer, and keep it."""
        if said is None or said.table is None:
            return None
        await self.tables.keep(image, said.raw_table)
        return said.table


def _plan(world: World, wish: Wish) -> tuple[Plan, list[Trouble]]:
    """Plan the swap, also where weights or memory would refuse it; those are told instead."""
    try:
        return plan_swap(world, wish, job=DRY_RUN), []
    except ModelIncomplete as error:
        trouble, spark = Trouble("weights", error.message), str(error.detail["spark"])
    except DoesNotFit as error:
        trouble, spark = Trouble("fit", error.message), str(error.detail["spark"])
    whole = replace(world.model, complete_on=tuple(world.sparks))
    plan = plan_swap(
        replace(world, model=whole, room=NO_ROOM), replace(wish, host=spark), job=DRY_RUN
    )
    return plan, [trouble]
