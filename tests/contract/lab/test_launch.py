"""An engine from `launch-cluster.sh` to a streamed answer, and back to free memory."""

import json
import re
import shlex
from pathlib import Path

from spark_control.lab.catalogue import SMOLLM2
from spark_control.lab.standins.memory import TOTAL_GIB
from spark_control.lab.world import Lab
from tests.contract.lab.near import LAUNCH, PUBLIC, Near

GPT = "openai/gpt-oss-120b"
HELLO = {"model": "smollm2", "messages": [{"role": "user", "content": "Say hello."}]}


def available_gib(near: Near) -> float:
    text = (near.spark.root / "proc/meminfo").read_text()
    found = re.search(r"MemAvailable: +(\d+) kB", text)
    assert found
    return int(found.group(1)) / 2**20


async def test_a_launch_ends_in_a_streamed_answer(near: Near) -> None:
    env = "VLLM_SPARK_EXTRA_DOCKER_ARGS='--label sc.job=j1 --label sc.token=2'"
    done = await near.launch(SMOLLM2, "smollm2", "--gpu-memory-utilization 0.3", env)
    assert (done.status, "Command dispatched in background (Daemon mode)" in done.out) == (0, True)
    await near.health(200)
    listed = json.loads((await near.ask("/v1/models"))[1])["data"]
    assert [one["id"] for one in listed] == ["smollm2", SMOLLM2]
    assert {one["owned_by"] for one in listed} == {"spark-control-lab-scripted"}
    options = {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": 7}
    status, body = await near.ask("/v1/chat/completions", {**HELLO, **options})
    events = [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]
    assert (status, events[-1]) == (200, "[DONE]")
    told = [json.loads(event) for event in events[:-1]]
    words = "".join(one["choices"][0]["delta"]["content"] for one in told if one["choices"])
    assert words == "This is the scripted engine of the"
    assert told[-1]["usage"]["completion_tokens"] == 7
    assert told[-2]["choices"][0]["finish_reason"] == "length"
    labels = await near.run(
        "docker ps --filter label=sc.job=j1 --format '{{.Label \"sc.token\"}}'"
    )
    assert labels.out == "2\n"


async def test_the_log_holds_the_phases_of_vllm(near: Near) -> None:
    await near.launch(GPT, "gpt-oss-120b")
    await near.health(200)
    log = await near.logs()
    for pattern in (
        r"version \d+\.\d+",
        r"non-default args: \{",
        r"Resolved architecture: GptOssForCausalLM",
        r"vLLM is using nccl==",
        r"Starting to load model",
        r"\rLoading safetensors checkpoint shards: +33% Completed \| 5/15",
        r"Loading weights took [\d.]+ s",
        r"Model loading took 60\.\d+ GiB",
        r"torch\.compile takes",
        r"Available KV cache memory: [\d.]+ GiB",
        r"GPU KV cache size: [\d,]+ tokens",
        r"Maximum concurrency for 131,072 tokens per request",
        r"\rCapturing CUDA graphs \(PIECEWISE\): 100%",
        r"Application startup complete\.",
    ):
        assert re.search(pattern, log), pattern


async def test_memory_goes_with_the_engine_and_comes_back(near: Near) -> None:
    before = available_gib(near)
    await near.launch(GPT, "gpt-oss-120b", "--gpu-memory-utilization 0.8")
    await near.health(200)
    assert available_gib(near) < TOTAL_GIB * 0.2
    fields = "pid,process_name,used_memory"
    apps = f"nvidia-smi --query-compute-apps={fields} --format=csv,noheader,nounits"
    pid, name, used = (await near.run(apps)).out.strip().split(", ")
    assert (name, int(used) > 0.79 * TOTAL_GIB * 1024) == ("VLLM::EngineCore", True)
    assert (await near.run(f"docker exec vllm_node {apps}")).out == ""
    assert (await near.run(f"docker top vllm_node | grep -c {pid}")).out == "1\n"
    assert (await near.run("docker rm -f vllm_node")).status == 0
    assert available_gib(near) == before
    assert (await near.ask("/health"))[0] == 0


async def test_a_graceful_end_leaves_the_container_up(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2")
    await near.health(200)
    assert (await near.run("docker exec vllm_node pkill -TERM -f 'vllm serve'")).status == 0
    await near.health(0)
    assert (await near.run("docker ps -q")).out != ""


async def test_a_running_container_gets_a_second_engine(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2", "--gpu-memory-utilization 0.3")
    await near.health(200)
    again = await near.launch(SMOLLM2, "smollm2", "--gpu-memory-utilization 0.3")
    assert again.status == 0
    assert "Cluster containers are already running. Skipping launch." in again.out
    log = ""
    for _ in range(100):
        log = await near.logs()
        if "Address already in use" in log:
            break
    assert "[Errno 98] Address already in use" in log


async def test_the_manners_of_the_launcher(near: Near) -> None:
    script = "~/spark-vllm-docker/launch-cluster.sh"
    helped = await near.run(f"{script} --help")
    assert (helped.status, helped.out[:6]) == (1, "Usage:")
    for flag in ("--solo", "--launch-script", "--no-ray", "--config", "--name"):
        assert flag in helped.out
    assert (await near.run(script)).status == 1
    assert (await near.run(f"{script} --no-such-flag start")).status == 1
    assert (await near.run(f"{script} --solo --launch-script /nowhere.sh")).status == 1
    assert (await near.run(f"{script} --solo stop")).status == 0
    assert (await near.run(f"{script} --solo status")).status == 0
    assert (await near.run(f"{script} --check-config --solo")).status == 0
    missing = await near.run(f"{LAUNCH} -t no-image exec vllm serve x")
    assert (missing.status, "pull access denied" in missing.err) == (1, True)
    here = near.spark.host.rpartition(".")[2]
    alone = await near.run(f"{script} -n 192.168.177.{here},10.88.0.12 start")
    assert (alone.status, "Passwordless SSH to 10.88.0.12 failed" in alone.out) == (1, True)
    apart = await near.run(f"{script} -n 10.88.0.12,10.88.0.13 start")
    assert (apart.status, "is not in the list of nodes" in apart.out) == (1, True)
    assert (await near.run(f"{script} start")).status == 1


async def test_a_config_file_names_the_container(near: Near) -> None:
    await near.run("cat > ~/own.env", "CONTAINER_NAME=mine\nCONTAINER_HF_HUB_OFFLINE=1\n")
    line = LAUNCH.replace("--name vllm_node", "--config ~/own.env")
    assert (await near.run(f"{line} start")).status == 0
    said = await near.run("docker exec mine sh -c 'echo $HF_HUB_OFFLINE'")
    assert said.out == "1\n"
    await near.run("cat > ~/own.env", "A=1\nA=2\n")
    assert (await near.run(f"{line} start")).status == 1


async def test_exec_in_the_foreground_stops_the_container_after(near: Near) -> None:
    line = LAUNCH.replace(" -d", "")
    done = await near.run(f"{line} exec sh -c 'echo \"$1\"; exit 5' sh 'two words'")
    assert done.status == 5
    assert "two words\n" in done.out
    assert (await near.run("docker ps -aq")).out == ""


async def test_words_vllm_does_not_know(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2", "--no-such-option 3")
    log = ""
    for _ in range(100):
        log = await near.logs()
        if "error:" in log:
            break
    assert "vllm serve: error: unrecognized arguments: --no-such-option 3" in log


async def test_models_that_are_not_there_or_not_whole(tmp_path: Path) -> None:
    keys = ["glm-4.5-air-fp8", "my-finetune"]
    async with Lab(tmp_path / "lab", authorized_keys=[PUBLIC], sparks=1, models=keys) as lab:
        near = Near(lab)
        await near.run("docker run -d --rm --name c -v ~/models:/models vllm-node sleep infinity")
        hub = "-v ~/.cache/huggingface:/root/.cache/huggingface"
        await near.run(f"docker run -d --rm --name h {hub} vllm-node sleep infinity")
        absent = await near.run("docker exec c vllm serve /nowhere/model --port 8888")
        assert "Invalid repository ID or local directory" in absent.err
        unknown = await near.run("docker exec h vllm serve no/such --port 8888")
        assert "couldn't connect to 'https://huggingface.co'" in unknown.err
        broken = await near.run("docker exec h vllm serve zai-org/GLM-4.5-Air-FP8 --port 8888")
        assert "cannot find the requested file model-000" in broken.err
        await near.run("docker exec -d c vllm serve /models/my-finetune --port 8888")
        await near.health(200)
        assert (
            json.loads((await near.ask("/v1/models"))[1])["data"][0]["id"] == "/models/my-finetune"
        )


async def test_a_client_that_leaves_ends_the_work(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2")
    await near.health(200)
    endless = {**HELLO, "stream": True, "ignore_eos": True, "max_tokens": 10**9}
    async with await near.connect() as connection:
        url = f"http://{near.spark.host}:8888/v1/chat/completions"
        asked = f"curl -sN {url} -d {shlex.quote(json.dumps(endless))} | head -c 2000 | wc -c"
        assert (await connection.run(asked)).stdout == "2000\n"
    text = ""
    for _ in range(100):
        text = (await near.ask("/metrics"))[1].decode()
        if 'num_requests_running{engine="0",model_name="smollm2"} 0.0' in text:
            break
    assert 'num_requests_running{engine="0",model_name="smollm2"} 0.0' in text


async def test_requests_that_are_wrong(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2")
    await near.health(200)
    status, body = await near.ask("/v1/chat/completions", {**HELLO, "model": "other"})
    assert (status, json.loads(body)["error"]["type"]) == (404, "NotFoundError")
    assert (await near.ask("/v1/chat/completions", {"model": "smollm2"}))[0] == 400
    assert (await near.ask("/v1/chat/completions", {**HELLO, "max_tokens": -1}))[0] == 400
    assert (await near.ask("/v1/chat/completions"))[0] == 405
    assert (await near.ask("/v1/nothing"))[0] == 404
    assert b"vllm:num_requests_running" in (await near.ask("/metrics"))[1]
    status, body = await near.ask(
        "/v1/completions", {"model": "smollm2", "prompt": "Hi", "max_tokens": 2}
    )
    assert (status, json.loads(body)["choices"][0]["text"]) == (200, "This is")
