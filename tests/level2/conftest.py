"""Real Sparks for these tests, where this machine lets us make some."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from spark_control.core.clock import RealClock
from spark_control.core.tasks import Tasks
from tests.contract.host.conftest import Place
from tests.contract.host.sites import Site
from tests.level2.machine import Machine
from tests.level2.machines import machines
from tests.level2.needs import IN_CI, lacking

LOOK_S = 0.1
collect_ignore_glob = ["test_*.py"] if lacking() and not IN_CI else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it loudly when the real machines were left out."""
    if why := lacking():
        terminalreporter.write_line(f"LAB LEVEL 2 WAS NOT TESTED, missing: {why}", red=True)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Machine]]:
    """Run two Sparks for all tests."""
    if why := lacking():
        pytest.fail(f"lab level 2 cannot run, and CI=true: {why}")
    with machines(tmp_path_factory.mktemp("level2")) as found:
        yield found


@pytest.fixture
async def sparks(fleet: list[Machine]) -> AsyncIterator[list[Machine]]:
    """Give the Sparks as they were in the beginning; their memory is kept in line."""
    for one in fleet:
        one.fresh()
    tasks = Tasks("level 2")

    async def mirror() -> None:
        while True:
            for one in fleet:
                one.mirror()
            await RealClock().sleep(LOOK_S)

    _ = tasks.spawn(mirror(), name="memory")
    yield fleet
    await tasks.close()


@pytest.fixture
def spark(sparks: list[Machine]) -> Machine:
    return sparks[0]


@pytest.fixture
def site(spark: Machine, tmp_path: Path) -> Site:
    return spark.site(tmp_path)


@pytest.fixture
def openssh(site: Site) -> Site:
    return site


@pytest.fixture
async def place(site: Site) -> AsyncIterator[Place]:
    host = site.host()
    yield Place(host, site.home)
    await host.close()
