"""Pre-flight over the lab: our checks, and vLLM's parser as it is played in real containers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from spark_control.lab.faults import Fault
from tests.fleet.system import QUICK, System, system


async def validate(there: System, key: str, **body: object) -> dict[str, Any]:
    answer = await there.http.post(f"/api/swap/{key}/validate", json=body)
    assert answer.status_code == 200, answer.text
    shape: dict[str, Any] = answer.json()
    return shape


def recipe(tmp: Path, key: str, args: list[str], **more: object) -> None:
    """Write what an operator would write."""
    path = tmp / "data" / "models-overrides.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"models": {key: {"vllm_args": args, **more}}}))


async def test_a_good_recipe_passes_and_nothing_is_started(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        found = await validate(there, "qwen36")
        assert (found["ok"], found["stage"], found["errors"]) == (True, "done", []), found
        assert found["parser"] == "vLLM 0.33.0 in vllm-node"
        assert found["cmd_args"][:4] == [
            "vllm", "serve", "Qwen/Qwen3.6-35B-A3B-FP8", "--served-model-name",
        ]  # fmt: skip
        assert "--launch-script" in found["launch_cmd"]
        assert "no promise" in found["note"]
        assert await containers(there) == []
        tables = list((tmp_path / "data" / "vllm-options").iterdir())
        assert len(tables) == 1
        done = await there.swapped("qwen36")
        assert done["state"] == "ready"
        beside = await validate(there, "gpt-oss-120b", host="spark1")
        assert (beside["ok"], beside["parser"]) == (True, "vLLM 0.33.0 in vllm-node"), beside
        assert await containers(there) == ["vllm_node"]


async def containers(there: System) -> list[str]:
    from spark_control.core.shell import Command

    host = there.parts.fleet.host("spark1")
    said = await host.run(Command.of("docker", "ps", "-a", "--format", "{{.Names}}"), timeout_s=10)
    return said.stdout.split()


async def test_what_vllm_refuses_is_refused_in_its_words(tmp_path: Path) -> None:
    recipe(tmp_path, "gpt-oss-120b", ["--max-model-lenn", "4096", "--dtype", "fp16"])
    async with system(tmp_path, sparks=1) as there:
        found = await validate(there, "gpt-oss-120b")
        assert (found["ok"], found["stage"]) == (False, "parse"), found
        assert "--dtype: invalid choice: 'fp16'" in found["error"]
        assert any("Near it: `--max-model-len`" in text for text in found["errors"])


async def test_underscores_pass(tmp_path: Path) -> None:
    recipe(tmp_path, "gpt-oss-120b", ["--moe_backend", "deep-gemm", "--max_model_len", "32K"])
    async with system(tmp_path, sparks=1) as there:
        found = await validate(there, "gpt-oss-120b")
        assert (found["ok"], found["warnings"]) == (True, []), found


async def test_an_image_larger_than_a_batch_is_caught_before_the_launch(tmp_path: Path) -> None:
    recipe(tmp_path, "qwen36", ["--max-num-batched-tokens", "2048"])
    async with system(tmp_path, sparks=1) as there:
        found = await validate(there, "qwen36")
        assert (found["ok"], found["stage"]) == (False, "arguments"), found
        assert any("2496" in text and "2048" in text for text in found["errors"])
        assert any("2096" in text and "2048" in text for text in found["errors"])
        assert found["parser"], "vLLM's parser itself has nothing against it"


async def test_a_broken_parser_refuses_nothing(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.lab.set_fault("spark1", Fault.PARSER_BROKEN)
        found = await validate(there, "qwen36")
        assert (found["ok"], found["parser"]) == (True, None), found
        assert "Could not check with vLLM's own parser" in found["note"]
        assert "Failed to infer device type" in found["note"]
        await there.lab.clear_fault("spark1", Fault.PARSER_BROKEN)
        again = await validate(there, "qwen36")
        assert again["parser"] == "vLLM 0.33.0 in vllm-node"


async def test_a_spark_that_is_off_refuses_nothing(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.get("/api/models")
        await there.lab.set_fault("spark1", Fault.OFFLINE)
        found = await validate(there, "qwen36")
        assert (found["ok"], found["parser"]) == (True, None), found
        assert "Could not check" in found["note"]


async def test_a_spark_short_of_memory_is_not_asked(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.lab.set_fault("spark1", Fault.OUT_OF_MEMORY)
        found = await validate(there, "qwen36")
        assert (found["ok"], found["parser"]) == (True, None), found
        assert "too little memory" in found["note"]


async def test_a_foreign_engine_and_a_missing_image(tmp_path: Path) -> None:
    recipe(tmp_path, "gpt-oss-120b", ["--max-model-len", "4096"], image="vllm-node-b12x")
    async with system(tmp_path, sparks=1) as there:
        image = await validate(there, "gpt-oss-120b")
        assert (image["ok"], image["stage"]) == (False, "image"), image
        await there.lab.set_fault("spark1", Fault.FOREIGN_ENGINE)
        port = await validate(there, "qwen36")
        assert (port["ok"], port["stage"]) == (False, "port"), port
        assert "taken by something else" in port["error"]


async def test_weights_that_are_not_whole(tmp_path: Path) -> None:
    recipe(tmp_path, "air", ["--max-model-len", "4096"], repo="zai-org/GLM-4.5-Air-FP8",
           mode="solo", name="Air")  # fmt: skip
    async with system(tmp_path, sparks=1) as there:
        found = await validate(there, "air")
        assert (found["ok"], found["stage"], found["spark"]) == (False, "weights", "spark1"), found
        assert found["cmd_args"]


async def test_what_is_not_there(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.get("/api/models")
        unknown = await there.http.post("/api/swap/nope/validate")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_unknown")
        host = await there.http.post("/api/swap/qwen36/validate", json={"host": "spark9"})
        assert host.json()["error"]["code"] == "host_unknown"


async def test_a_dry_run_tells_and_does_nothing(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        answer = await there.http.post(
            "/api/swap", json={"model": "qwen36", "host": "spark2", "dry_run": True}
        )
        assert answer.status_code == 200, answer.text
        shape = answer.json()
        assert (shape["dry_run"], shape["spark"], shape["replaces"]) == (True, "spark2", [])
        (host,) = shape["hosts"]
        commands = [step["command"] for step in host["steps"]]
        assert commands[1] == "exec docker rm -f vllm_node"
        assert "./launch-cluster.sh --name vllm_node" in commands[3]
        assert host["steps"][2]["stdin"].splitlines()[-1].startswith("vllm serve ")
        assert (await there.get("/api/jobs"))["jobs"] == []
        assert await containers(there) == []


async def test_a_failed_swap_says_its_cause_first(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.lab.set_fault("spark1", Fault.OUT_OF_MEMORY)
        error = (await there.swapped("qwen36"))["error"]
        assert error["code"] == "engine_died"
        cause = error["detail"]["cause"]
        assert (cause["code"], cause["title"]) == ("memory_taken", "Memory is taken")
        assert "GiB were free" in error["message"]
        assert error["hint"] == cause["remedy"]
        assert cause["line"] in "\n".join(error["detail"]["log"])


async def test_an_engine_that_stops_moving_is_given_up(tmp_path: Path) -> None:
    limits = replace(QUICK, silent=1.5, load=60)
    async with system(tmp_path, sparks=1, limits=limits) as there:
        await there.lab.set_fault("spark1", Fault.NEVER_READY)
        ended = await there.swapped("qwen36")
        assert (ended["phase"], ended["error"]["code"]) == ("loading", "engine_stuck"), ended
        assert "no sign of life" in ended["error"]["message"]
