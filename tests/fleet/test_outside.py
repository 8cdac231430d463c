"""Servers of `UPSTREAMS` that state their models and are away for a while."""

import json
from pathlib import Path

from tests.fleet.system import System, system
from tests.service.engines.small import Say, models, says, small_engine

CHAT = "/v1/chat/completions"


async def ups(there: System) -> dict[str, bool | None]:
    """Return which outside servers answer, as endpoints are shown."""
    await there.parts.gateway.ask_outside()
    await there.parts.gateway.settle()
    return {one.name: one.up for one in there.parts.gateway.endpoints() if "far" in one.name}


async def test_a_server_that_is_away_is_asked_last(tmp_path: Path) -> None:
    good, bad = models("m"), says({}, 500)
    one: dict[str, Say] = {"/v1/models": bad, CHAT: says({"from": 1})}
    two: dict[str, Say] = {"/v1/models": good, CHAT: says({"from": 2})}
    async with small_engine(one) as first, small_engine(two) as second:
        servers = json.dumps([
            {"name": name, "base_url": f"http://{at.host}:{at.port}/v1", "models": ["m"]}
            for name, at in (("far-one", first.address), ("far-two", second.address))
        ])  # fmt: skip
        async with system(tmp_path, sparks=1, UPSTREAMS=servers) as there:
            assert await ups(there) == {"far-one": False, "far-two": True}
            assert (await there.chat("m")).json() == {"from": 2}
            # Their list is stated, so both are asked still, in the order of the settings.
            two["/v1/models"] = bad
            assert await ups(there) == {"far-one": False, "far-two": False}
            assert (await there.chat("m")).json() == {"from": 1}
            assert [row["id"] for row in (await there.get("/v1/models"))["data"]] == ["m"]
            one["/v1/models"] = good
            assert await ups(there) == {"far-one": True, "far-two": False}
            assert (await there.chat("m")).json() == {"from": 1}
