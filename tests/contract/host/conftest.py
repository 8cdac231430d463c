"""Every case of the contract against every way to reach a host."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from spark_control.core.clock import RealClock
from spark_control.fleet.adapters.local import LocalHost
from spark_control.fleet.ports import Host
from tests.contract.host import sites
from tests.contract.host.proxy import Proxy
from tests.contract.host.sites import Site

SERVERS = {"openssh": sites.openssh, "lab": sites.lab}


@dataclass(frozen=True, slots=True)
class Place:
    """A host, and the folder on this machine that is its user's home."""

    host: Host
    home: Path


def _server(kind: str, folder: Path) -> AbstractAsyncContextManager[Site]:
    return SERVERS[kind](folder)


@pytest.fixture(params=list(SERVERS))
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    async with _server(request.param, tmp_path) as running:
        yield running


@pytest.fixture
async def openssh(tmp_path: Path) -> AsyncIterator[Site]:
    async with sites.openssh(tmp_path) as running:
        yield running


@pytest.fixture
async def proxy(site: Site) -> AsyncIterator[Proxy]:
    between = Proxy(site.spark.host, site.spark.port)
    await between.start()
    yield between
    await between.close()


@pytest.fixture(params=["local", *SERVERS])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "local":
        home = tmp_path / "a home's name"
        home.mkdir()
        env = {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}
        yield Place(LocalHost("spark1", clock=RealClock(), env=env), home)
        return
    async with _server(request.param, tmp_path) as running:
        host = running.host()
        yield Place(host, running.home)
        await host.close()


@pytest.fixture
def host(place: Place) -> Host:
    return place.host
