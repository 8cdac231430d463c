"""The fleet: what is asked when, and what is said of it."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from spark_control.core.bus import Bus, Event
from spark_control.core.errors import AppError
from spark_control.fleet.domain import Hardware
from spark_control.fleet.errors import (
    BadAnswer,
    CommandTimeout,
    ConnectionLost,
    HostRefusedKey,
    HostUnknown,
    HostUnreachable,
)
from spark_control.fleet.ports import Result
from spark_control.fleet.usecases import Card, Fleet, FleetLimits
from spark_control.settings.domain import Spark
from tests.unit.fleet.fakes import START, FakeClock, FakeHost

ONE = Spark("spark1", "10.88.0.11", "ada")
TWO = Spark("spark2", "10.88.0.12", "ada")
DEAD = HostUnreachable("spark2 cannot be reached.")


class World:
    """A fleet with what it stands on within reach."""

    def __init__(self, limits: FleetLimits | None = None) -> None:
        self.hosts: dict[str, FakeHost] = {}
        self.clock = FakeClock()
        self.bus = Bus(boot="b")
        self.fleet = Fleet(
            make_host=self._make,
            clock=self.clock,
            bus=self.bus,
            script=b"the script",
            limits=limits or FleetLimits(),
        )

    def _make(self, spark: Spark) -> FakeHost:
        self.hosts[spark.name] = FakeHost(spark)
        return self.hosts[spark.name]

    def asked(self) -> list[int]:
        return [len(host.runs) for host in self.hosts.values()]

    def events(self) -> list[Event]:
        return self.bus.since("b-0") or []

    async def cards(self, *, fresh: bool = False) -> dict[str, Card]:
        return {card.spark.name: card for card in await self.fleet.hardware(fresh=fresh)}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.fleet.replace([ONE, TWO])
    yield made
    await made.fleet.close()


async def test_every_spark_gets_a_card_with_its_reading(world: World) -> None:
    cards = await world.cards()
    assert cards["spark1"] == Card(
        ONE, reachable=True, checked_at=START, hardware=Hardware(hostname="spark1"), read_at=START
    )
    (run,) = world.hosts["spark1"].runs
    assert [str(word) for word in run[0].words] == ["python3", "-I", "-S", "-"]
    assert run[1:] == (6.0, b"the script")


async def test_good_answers_are_good_for_four_seconds(world: World) -> None:
    await world.cards()
    world.clock.seconds = 3.9
    await world.cards()
    assert world.asked() == [1, 1]
    world.clock.seconds = 4.0
    await world.cards()
    assert world.asked() == [2, 2]


async def test_failures_are_good_for_twenty_five(world: World) -> None:
    world.hosts["spark2"].outcome = DEAD
    await world.cards()
    world.clock.seconds = 24.9
    await world.cards()
    assert world.asked() == [2, 1]
    world.clock.seconds = 25.0
    await world.cards()
    assert world.asked() == [2, 2]


async def test_refresh_asks_at_once(world: World) -> None:
    world.hosts["spark2"].outcome = DEAD
    await world.cards()
    await world.cards(fresh=True)
    assert world.asked() == [2, 2]


async def test_all_are_asked_at_once_and_once_by_all(world: World) -> None:
    for host in world.hosts.values():
        host.gate.clear()
    three = asyncio.gather(world.cards(), world.cards(), world.cards(fresh=True))
    await asyncio.wait({three}, timeout=0.01)
    assert world.asked() == [1, 1]
    for host in world.hosts.values():
        host.gate.set()
    assert [len(cards) for cards in await three] == [2, 2, 2]
    assert world.asked() == [1, 1]


async def test_a_dead_spark_keeps_its_last_reading(world: World) -> None:
    await world.cards()
    world.hosts["spark2"].outcome = DEAD
    world.clock.seconds = 60
    card = (await world.cards())["spark2"]
    assert (card.reachable, card.error) == (False, DEAD)
    assert card.hardware == Hardware(hostname="spark2")
    assert card.read_at == START
    assert card.checked_at == world.clock.now()


async def test_a_caller_that_leaves_does_not_stop_the_probe(world: World) -> None:
    world.hosts["spark1"].gate.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.cards(), 0.01)
    world.hosts["spark1"].gate.set()
    assert (await world.cards())["spark1"].reachable
    assert world.asked() == [1, 1]


@pytest.mark.parametrize(
    ("outcome", "reachable", "code"),
    [
        (DEAD, False, "host_unreachable"),
        (HostRefusedKey("no"), False, "host_refused_key"),
        (ConnectionLost("cut"), False, "connection_lost"),
        (CommandTimeout("slow"), False, "command_timeout"),
        (BadAnswer("what"), True, "bad_answer"),
        (Result(127, "", "python3: not found"), True, "bad_answer"),
        (Result(0, "Welcome!", ""), True, "bad_answer"),
    ],
)
async def test_what_went_wrong_is_on_the_card(
    world: World, outcome: Result | AppError, *, reachable: bool, code: str
) -> None:
    world.hosts["spark1"].outcome = outcome
    card = (await world.cards())["spark1"]
    assert (card.reachable, card.trouble) == (reachable, code)
    assert card.hardware is None


async def test_a_silent_spark_costs_its_limit_and_the_first_time_more() -> None:
    world = World(FleetLimits(probe_s=0.02, first_s=0.1))
    await world.fleet.replace([ONE, TWO])
    world.hosts["spark2"].gate.clear()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    cards = await world.cards()
    assert loop.time() - begun >= 0.1
    assert cards["spark1"].reachable
    assert "within 0.1 s" in str(cards["spark2"].error)
    world.hosts["spark2"].gate.set()
    assert (await world.cards(fresh=True))["spark2"].reachable
    world.hosts["spark2"].gate.clear()
    assert "within 0.02 s" in str((await world.cards(fresh=True))["spark2"].error)
    await world.fleet.close()


async def test_a_change_is_said_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "spark_control")
    outcomes: list[Result | AppError] = [world.hosts["spark2"].outcome, DEAD, DEAD]
    outcomes += [
        HostRefusedKey("no"),
        world.hosts["spark2"].outcome,
        world.hosts["spark2"].outcome,
    ]
    for outcome in outcomes:
        world.hosts["spark2"].outcome = outcome
        await world.cards(fresh=True)
    told = [event for event in world.events() if event.key == "spark2"]
    assert {event.topic for event in told} == {"spark"}
    assert [event.data["reachable"] for event in told] == [True, False, False, True]
    assert [record.getMessage() for record in caplog.records] == [
        "spark2: spark2 cannot be reached. (host_unreachable)",
        "spark2: no (host_refused_key)",
        "spark2 answers again",
    ]
    assert told[1].data == {
        "name": "spark2",
        "host": "10.88.0.12",
        "reachable": False,
        "checked_at": "2026-01-02T03:04:05.000Z",
        "error": DEAD.as_dict(),
    }


async def test_sparks_are_found_by_name(world: World) -> None:
    assert world.fleet.sparks == (ONE, TWO)
    assert world.fleet.spark("spark2") == TWO
    assert world.fleet.host("spark2") is world.hosts["spark2"]
    for find in (world.fleet.spark, world.fleet.host):
        with pytest.raises(HostUnknown):
            find("spark9")


async def test_settings_change_the_fleet_while_it_runs(world: World) -> None:
    await world.cards()
    before = dict(world.hosts)
    moved = Spark("spark2", "10.88.0.99", "ada")
    await world.fleet.replace([moved, ONE])
    assert world.fleet.sparks == (moved, ONE)
    assert world.fleet.host("spark1") is before["spark1"]
    assert before["spark2"].closed
    assert not before["spark1"].closed
    cards = await world.cards()
    assert cards["spark2"].spark == moved
    assert len(before["spark1"].runs) == 1


async def test_a_spark_that_left_is_not_spoken_of(world: World) -> None:
    world.hosts["spark2"].gate.clear()
    asking = asyncio.gather(world.cards())
    await asyncio.wait({asking}, timeout=0.01)
    await world.fleet.replace([ONE])
    (cards,) = await asking
    assert cards["spark2"].trouble == "connection_lost"
    assert [event.key for event in world.events()] == ["spark1"]


async def test_close_in_mid_probe_ends_well(world: World) -> None:
    world.hosts["spark1"].gate.clear()
    asking = asyncio.gather(world.cards())
    await asyncio.wait({asking}, timeout=0.01)
    await world.fleet.close()
    await asking
    assert world.fleet.sparks == ()
    assert await world.cards() == {}
