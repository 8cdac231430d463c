"""Looks at services over real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore
import pytest

from spark_control.core.bus import Bus
from spark_control.core.clock import RealClock
from spark_control.gateway.adapters.service_http import HttpServiceLooks
from spark_control.gateway.looks import Services
from spark_control.gateway.services import Role, Seen, Service
from spark_control.settings.domain import merge
from tests.service.engines.small import Say, SmallEngine, models, raw, says, small_engine

MODELS = "/v1/models"
MIA = "Magpie-Multilingual.EN-US.Mia"


def service(there: SmallEngine, name: str, role: Role, token: str = "") -> Service:
    return Service(
        name=name, title=name, role=role, base_url=f"{there.address.base_url}/v1", token=token
    )


@asynccontextmanager
async def looks() -> AsyncIterator[HttpServiceLooks]:
    async with httpcore.AsyncConnectionPool() as pool:
        yield HttpServiceLooks(pool)


@pytest.mark.parametrize(
    ("name", "role", "paths", "seen"),
    [
        ("parakeet", Role.TRANSCRIBE, {MODELS: models("p")}, Seen(up=True, models=("p",))),
        (
            "magpie", Role.SPEAK,
            {"/v1/audio/list_voices": says({"en-US": {"voices": [MIA]}})},
            Seen(up=True, voices=(MIA,)),
        ),
        (
            "kokoro", Role.SPEAK,
            {MODELS: models("k"), "/v1/audio/voices": says({"voices": ["af_heart"]})},
            Seen(up=True, models=("k",), voices=("af_heart",)),
        ),
        ("embed", Role.EMBED, {MODELS: says("no", 404)}, Seen(up=True)),
        ("embed", Role.EMBED, {MODELS: says("no", 503)}, Seen(up=False)),
        ("embed", Role.EMBED, {MODELS: raw(b"SSH-2.0-x\r\n")}, Seen(up=False)),
        ("embed", Role.EMBED, {MODELS: says(b"x" * 5_000_000)}, Seen(up=True)),
    ],
)  # fmt: skip
async def test_what_a_look_says(name: str, role: Role, paths: dict[str, Say], seen: Seen) -> None:
    async with looks() as there, small_engine(paths) as engine:
        assert await there.look(service(engine, name, role)) == seen


async def test_nobody_there_and_a_token_that_cannot_be_sent() -> None:
    async with looks() as there:
        async with small_engine({MODELS: models("p")}) as engine:
            odd = await there.look(service(engine, "embed", Role.EMBED, "\u2603"))
            assert (await there.look(service(engine, "embed", Role.EMBED, "key"))).up
            assert engine.asked[MODELS]["authorization"] == "Bearer key"
        assert odd == Seen(up=False)
        assert await there.look(service(engine, "embed", Role.EMBED)) == Seen(up=False)


async def test_the_first_that_answers_and_what_a_wedge_says() -> None:
    async with looks() as there, small_engine({MODELS: models("bge")}) as engine:
        host, port = engine.address.host, str(engine.address.port)
        settings = merge({
            "EMBED_HOST": host, "EMBED_PORT": port, "DISABLED_SERVICES": "parakeet,magpie,kokoro",
        }, {})  # fmt: skip
        bus = Bus(boot="b")
        services = Services(settings=lambda: settings, looks=there, bus=bus, clock=RealClock())
        assert [one.models for one in services.now()] == [()]
        await services.look()
        assert [one.models for one in services.now()] == [("bge",)]
        assert services.looked() == {engine.address.base_url}
        heard = bus.subscribe("service")
        services.wedged("parakeet", 500)
        event = await anext(heard)
    assert (event.key, event.data["event"]) == ("parakeet", "wedge")
