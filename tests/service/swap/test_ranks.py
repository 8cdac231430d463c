"""Which Sparks run one engine together, as looked at: late and lost Sparks keep nobody waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from typing_extensions import override

from spark_control.core.errors import AppError
from spark_control.core.tasks import Tasks
from spark_control.engines.domain import Address
from spark_control.fleet.errors import HostUnreachable
from spark_control.fleet.ports import Host
from spark_control.swap.domain import Limits, Plan, Seat, Unit, UnitStatus
from spark_control.swap.following import died_on
from spark_control.swap.groups import Group
from spark_control.swap.ranks import Ranks
from spark_control.swap.recovery import from_json, to_json, was_launched
from spark_control.swap.together import together
from tests.service.swap.fakes import FakeLauncher, NoHost, QuickClock, World

RANKS = ("spark1", "spark2")
PART = UnitStatus(container=True, engine=True, job="sw_1", model="big", ranks=RANKS)
UNIT = Unit(
    job="sw_1", key="big", source="org/big", container="vllm_node", image="vllm-node", port=8888,
    launch_dir="~/spark-vllm-docker", ranks=RANKS,
)  # fmt: skip


class Looked(FakeLauncher):
    """Says of each Spark what the test put there: a status, an error, or nothing for ever."""

    def __init__(self, said: dict[str, UnitStatus | AppError | None]) -> None:
        super().__init__(World())
        self.said = said
        self.asked: list[str] = []

    @override
    async def status(self, host: Host, container: str, *, inside: bool = True) -> UnitStatus:
        self.asked.append(f"{host.name} {inside}")
        found = self.said[host.name]
        if found is None:
            await asyncio.Event().wait()
        if isinstance(found, AppError):
            raise found
        assert found is not None
        return found


@asynccontextmanager
async def ranks(launcher: Looked, *sparks: str) -> AsyncIterator[tuple[Ranks, list[object]]]:
    told: list[object] = []
    tasks = Tasks("test")
    try:
        yield Ranks(
            launcher=launcher, hosts=lambda: [NoHost(name) for name in sparks], tasks=tasks,
            container=lambda: "vllm_node", clock=QuickClock(), told=told.append, limit_s=0.05,
        ), told  # fmt: skip
    finally:
        await tasks.close()


async def test_one_spark_is_asked_nothing() -> None:
    launcher = Looked({})
    async with ranks(launcher, "spark1") as (found, _):
        assert await found.look() == ()
    assert launcher.asked == []


async def test_what_changes_is_told_once() -> None:
    launcher = Looked({"spark1": PART, "spark2": PART})
    async with ranks(launcher, *RANKS) as (found, told):
        for _ in range(2):
            assert await found.look() == (Group("sw_1", "big", RANKS),)
        assert found.of("spark2") == found.groups[0]
        launcher.said["spark2"] = UnitStatus(container=False, engine=False)
        assert (await found.look())[0].missing == ("spark2",)
        assert len(told) == 2


async def test_a_spark_that_is_late_or_lost_keeps_what_was_seen_of_it() -> None:
    launcher = Looked({"spark1": PART, "spark2": PART})
    async with ranks(launcher, *RANKS) as (found, told):
        whole = await found.look()
        for trouble in (None, HostUnreachable("Gone.")):
            launcher.said["spark2"] = trouble
            assert await found.look() == whole
        assert told == [whole]
    asked = launcher.asked.count("spark2 False")
    assert asked == 2, "a look that hangs is not doubled"


async def test_a_spark_that_left_the_fleet_is_forgotten() -> None:
    launcher = Looked({"spark1": PART, "spark2": PART})
    sparks = list(RANKS)
    tasks = Tasks("test")
    found = Ranks(
        launcher=launcher, hosts=lambda: [NoHost(name) for name in sparks], tasks=tasks,
        container=lambda: "vllm_node", clock=QuickClock(),
    )  # fmt: skip
    await found.look()
    del sparks[1]
    assert (await found.look())[0].unseen == ("spark2",)
    await tasks.close()


@pytest.mark.parametrize(
    ("second", "there"),
    [(PART, True), (UnitStatus(container=False, engine=False), False)],
)
async def test_a_launch_is_proved_by_every_spark(second: UnitStatus, there: bool) -> None:  # noqa: FBT001 - a table
    launcher = Looked({"spark1": PART, "spark2": second})
    hosts = [NoHost(name) for name in RANKS]
    assert await was_launched(launcher, hosts, UNIT, QuickClock(), Limits(appear=1)) is there


def test_a_plan_of_a_cluster_comes_back_as_it_was_kept() -> None:
    seats = [Seat(f"spark{n}", Address(f"10.88.0.1{n}", 8888)) for n in (1, 2, 3)]
    plan = Plan("spark1", seats[0].address, UNIT, ("old",), (seats[1],), (seats[2],), "spark3")
    assert from_json(to_json(plan), "sw_1") == plan
    older = to_json(Plan("spark1", seats[0].address, UNIT))
    for name in ("workers", "ends", "back_to"):
        del older[name]
    assert from_json(older, "sw_1") == Plan("spark1", seats[0].address, UNIT)


async def test_together_ends_all_before_it_says_what_failed() -> None:
    done: list[int] = []

    async def slow() -> int:
        await QuickClock().sleep(0)
        done.append(1)
        return 1

    async def broken() -> int:
        raise HostUnreachable("Gone.")

    with pytest.raises(HostUnreachable):
        await together(broken(), slow())
    assert done == [1]
    assert await together(slow(), slow()) == [1, 1]


def test_why_a_part_ended() -> None:
    plan = Plan("spark1", Address("10.88.0.11", 8888), UNIT)
    error = died_on(plan, "spark2", ["one", "CUDA out of memory"])
    assert error.message.startswith("The part of big on spark2 ended. Memory ran out")
    assert error.detail["spark"] == "spark2"
    assert error.detail["log"] == ["one", "CUDA out of memory"]
