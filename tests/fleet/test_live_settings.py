"""Settings changed while it runs are in force everywhere at once."""

from pathlib import Path

from tests.fleet.system import System, system


async def save(there: System, **values: str | None) -> None:
    version = (await there.get("/api/settings"))["version"]
    answer = await there.http.put("/api/settings", json={"version": version, "values": values})
    assert answer.status_code == 200, answer.text


async def test_a_saved_port_is_where_the_next_engine_listens(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await save(there, VLLM_PORT="8899")
        assert (await there.swapped("qwen36"))["state"] == "ready"
        status = await there.get("/api/status")
        assert status["sparks"][0]["engine"]["port"] == 8899


async def test_an_alias_works_at_once(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.swapped("qwen36")
        assert (await there.chat("gpt-4")).status_code == 404
        await save(there, ALIASES='{"gpt-4": "qwen36"}')
        answer = await there.chat("gpt-4")
        assert (answer.status_code, answer.json()["model"]) == (200, "qwen36")


async def test_a_spark_taken_out_and_put_back(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        host = there.lab.sparks[1].host
        await there.get("/api/hardware")
        bus = there.parts.bus.subscribe("engine")
        await save(there, SPARK2_NAME="second")
        async for event in bus:
            if event.key == "second":
                break
        rows = (await there.get("/api/hardware"))["sparks"]
        assert [(row["name"], row["host"]) for row in rows][1] == ("second", host)


async def test_what_was_malformed_at_the_start_is_said(tmp_path: Path) -> None:
    async with system(
        tmp_path, sparks=1, VLLM_PORT="many", MAX_BODY_MB="", AUTO_RESTART="x"
    ) as there:
        notices = (await there.get("/api/status"))["notices"]
        text = " ".join(notice["message"] for notice in notices)
        for name in ("VLLM_PORT", "MAX_BODY_MB", "AUTO_RESTART"):
            assert name in text
        assert (await there.swapped("qwen36"))["state"] == "ready"


async def test_two_editors(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        version = (await there.get("/api/settings"))["version"]
        await save(there, VLLM_CONTAINER="first")
        late = await there.http.put(
            "/api/settings", json={"version": version, "values": {"VLLM_CONTAINER": "second"}}
        )
        assert (late.status_code, late.json()["error"]["code"]) == (409, "settings_changed")


async def test_a_settings_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = str(tmp_path / "file" / "app_settings.json")
    async with system(tmp_path, sparks=1, APP_SETTINGS=path) as there:
        version = (await there.get("/api/settings"))["version"]
        answer = await there.http.put(
            "/api/settings", json={"version": version, "values": {"VLLM_PORT": "8899"}}
        )
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (507, "settings_unreadable")
        assert path in error["message"]
