"""`GET /api/hardware` as a client sees it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from spark_control.fleet.api import router
from spark_control.fleet.errors import HostUnreachable
from spark_control.fleet.parse import read
from spark_control.fleet.ports import Result
from tests.unit.fleet.test_parse import GOLDEN
from tests.unit.fleet.test_usecases import ONE, TWO, World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.fleet.replace([ONE, TWO])
    yield made
    await made.fleet.close()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(router(world.fleet))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as opened:
        yield opened


def golden(name: str) -> Result:
    text = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    return Result(0, text.replace("\n", ""), "")


async def test_a_card_holds_the_reading(world: World, client: httpx.AsyncClient) -> None:
    world.hosts["spark1"].outcome = golden("gb10_loaded")
    answer = await client.get("/api/hardware")
    assert answer.status_code == 200
    card = answer.json()["sparks"][0]
    assert card["name"] == "spark1"
    assert card["host"] == "10.88.0.11"
    assert card["reachable"] is True
    assert card["error"] is None
    assert card["checked_at"] == card["read_at"] == "2026-01-02T03:04:05.000Z"
    assert card["age_s"] == 0
    assert card["gpu_unified_memory"] is True
    assert card["gpu_memory_used_bytes"] == (43 + 16 + 104212) * 1024**2
    assert card["gpus"][0]["memory_total_bytes"] is None
    assert card["memory"]["used_bytes"] == (127600640 - 8123904) * 1024
    assert card["links"][2]["name"] == "enP7s7"
    assert card["mac"] == "02:00:5e:10:00:01"


@pytest.mark.parametrize("name", ["gb10_idle", "gb10_driver_gone", "rtx", "no_gpu"])
async def test_every_recorded_reading_can_be_shown(
    world: World, client: httpx.AsyncClient, name: str
) -> None:
    world.hosts["spark1"].outcome = golden(name)
    card = (await client.get("/api/hardware")).json()["sparks"][0]
    assert card["hostname"] == read({"files": {"hostname": card["hostname"]}}).hostname
    assert card["reachable"] is True


async def test_the_card_of_a_dead_spark_stays(world: World, client: httpx.AsyncClient) -> None:
    await client.get("/api/hardware")
    world.hosts["spark2"].outcome = HostUnreachable("spark2 cannot be reached.")
    world.clock.seconds = 90
    card = (await client.get("/api/hardware")).json()["sparks"][1]
    assert card["reachable"] is False
    assert card["error"]["code"] == "host_unreachable"
    assert "ssh USER@HOST" in card["error"]["hint"]
    assert card["hostname"] == "spark2"
    assert card["age_s"] == 90


async def test_what_is_not_known_is_null(world: World, client: httpx.AsyncClient) -> None:
    world.hosts["spark1"].outcome = HostUnreachable("spark1 cannot be reached.")
    card = (await client.get("/api/hardware")).json()["sparks"][0]
    known = {key for key, value in card.items() if value is not None}
    assert known == {"name", "host", "reachable", "checked_at", "error", "problems"}


async def test_fresh_asks_again(world: World, client: httpx.AsyncClient) -> None:
    await client.get("/api/hardware")
    await client.get("/api/hardware")
    assert world.asked() == [1, 1]
    await client.get("/api/hardware?fresh=1")
    assert world.asked() == [2, 2]


async def test_an_empty_fleet_is_an_empty_list(client: httpx.AsyncClient, world: World) -> None:
    await world.fleet.replace([])
    assert (await client.get("/api/hardware")).json() == {"sparks": []}
