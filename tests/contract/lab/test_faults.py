"""Every fault of the lab, seen from where Spark Control stands."""

import json
from pathlib import Path

import pytest

from spark_control.core.clock import RealClock
from spark_control.lab.catalogue import SMOLLM2
from spark_control.lab.errors import LabFaultUnknown
from spark_control.lab.faults import Fault, parse
from spark_control.lab.world import Lab
from tests.contract.lab.near import PUBLIC, Near, survivors, until

HELLO = {"model": "smollm2", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}


async def on(near: Near, fault: Fault, param: str = "") -> None:
    await near.lab.set_fault("spark1", fault, param)


async def off(near: Near, fault: Fault) -> None:
    await near.lab.clear_fault("spark1", fault)


async def log_with(near: Near, text: str) -> str:
    log = ""
    for _ in range(200):
        log = await near.logs()
        if text in log:
            break
    assert text in log
    return log


async def test_offline_closes_the_port_and_breaks_what_is_open(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2")
    await near.health(200)
    async with await near.connect() as connection:
        process = await connection.create_process("sleep 1000")
        await on(near, Fault.OFFLINE)
        done = await process.wait()
        assert (done.exit_status, done.exit_signal) == (None, None)
    with pytest.raises(ConnectionRefusedError):
        await near.connect()
    await near.health(0)
    await off(near, Fault.OFFLINE)
    assert (await near.run("echo back")).out == "back\n"
    await near.health(200)


async def test_frozen_answers_nothing_until_it_thaws(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2")
    await near.health(200)
    quick = await near.connect(keepalive_interval=0.5, keepalive_count_max=2)
    waiting = await near.connect()
    slow = await waiting.create_process("echo done")
    told = await quick.create_process("sleep 1000")
    await on(near, Fault.FROZEN)
    lost = await told.wait()
    assert (lost.exit_status, lost.exit_signal) == (None, None)
    await quick.wait_closed()
    with pytest.raises(TimeoutError):
        await near.connect(connect_timeout=0.3)
    await off(near, Fault.FROZEN)
    assert (await slow.wait()).stdout == "done\n"
    assert (await waiting.run("echo still here")).stdout == "still here\n"
    waiting.close()
    await waiting.wait_closed()
    assert (await near.ask("/health"))[0] == 200


async def test_slow_delays_every_command(near: Near) -> None:
    await on(near, Fault.SLOW, "0.3")
    clock = RealClock()
    begun = clock.monotonic()
    assert (await near.run("true")).status == 0
    assert clock.monotonic() - begun >= 0.3


async def test_cut_breaks_one_command_in_the_middle(near: Near) -> None:
    await on(near, Fault.CUT)
    cut = await near.run("sleep 1000")
    assert cut.status is None
    assert (await near.run("echo fine")).out == "fine\n"
    assert "sleep 1000" in survivors(near.lab.state_dir)


async def test_cut_can_mean_one_command_or_so_many_bytes(near: Near) -> None:
    await on(near, Fault.CUT, "docker ps")
    assert (await near.run("echo other")).status == 0
    assert (await near.run("docker ps")).status is None
    await on(near, Fault.CUT, "bytes 4")
    cut = await near.run("echo 123456789")
    assert (cut.status, cut.out) == (None, "1234")
    assert (await near.run("docker ps")).status == 0


async def test_a_full_disk_takes_no_byte(near: Near) -> None:
    await on(near, Fault.DISK_FULL)
    assert (await near.run("cat > ~/file", "text")).status not in {0, None}
    assert (near.spark.home / "file").read_bytes() == b""
    assert "100%" in (await near.run("df")).out
    run = await near.run("docker run -d --name x vllm-node sleep infinity")
    assert (run.status, "no space left on device" in run.err) == (125, True)
    await off(near, Fault.DISK_FULL)
    assert (await near.run("cat > ~/file", "text")).status == 0


async def test_a_full_disk_does_not_keep_a_container_from_going(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2")
    await on(near, Fault.DISK_FULL)
    assert (await near.run("docker rm -f vllm_node")).status == 0
    assert (await near.run("docker ps -aq")).out == ""


async def test_without_memory_vllm_says_so(near: Near) -> None:
    await on(near, Fault.OUT_OF_MEMORY)
    assert "MemAvailable:    22" in (near.spark.root / "proc/meminfo").read_text()
    await near.launch(SMOLLM2, "smollm2", "--gpu-memory-utilization 0.5")
    log = await log_with(near, "Engine core initialization failed")
    assert "Free memory on device cuda:0 (2.10/121.69 GiB) on startup is less" in log
    assert (await near.ask("/health"))[0] == 0


async def test_a_wedged_engine_is_healthy_and_makes_no_token(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2")
    await near.health(200)
    await on(near, Fault.WEDGE)
    assert (await near.ask("/health"))[0] == 200
    assert (await near.ask("/v1/models"))[0] == 200
    async with await near.connect() as connection:
        asked = f"curl -s -m 0.5 http://{near.spark.host}:8888/v1/completions -d "
        done = await connection.run(f"{asked}'{json.dumps({'model': 'smollm2', 'prompt': 'x'})}'")
        assert done.exit_status == 28
    await off(near, Fault.WEDGE)
    assert (await near.ask("/v1/chat/completions", HELLO))[0] == 200


async def test_a_load_that_fails(near: Near) -> None:
    await on(near, Fault.FAILED_LOAD)
    assert (await near.launch(SMOLLM2, "smollm2")).status == 0
    log = await log_with(near, "Engine core initialization failed")
    assert "Starting to load model" in log
    assert (await near.ask("/health"))[0] == 0
    assert (await near.run("docker ps -q")).out != ""


async def test_an_engine_that_is_gone_soon_after(near: Near) -> None:
    await on(near, Fault.DIES_AFTER_LAUNCH, "0.1")
    assert (await near.launch(SMOLLM2, "smollm2")).status == 0
    await log_with(near, "Chunked prefill")
    await until(lambda: not [line for line in survivors(near.lab.state_dir) if "serve" in line])
    assert "Application startup complete" not in await near.logs()


async def test_an_engine_that_loads_for_ever(near: Near) -> None:
    await on(near, Fault.NEVER_READY)
    await near.launch(SMOLLM2, "smollm2")
    await near.health(503)
    assert (await near.ask("/v1/models"))[0] == 503
    await off(near, Fault.NEVER_READY)
    await near.health(200)


async def test_a_launcher_that_hangs_and_one_that_lies(near: Near) -> None:
    await on(near, Fault.LAUNCHER_HANGS)
    async with await near.connect() as connection:
        process = await connection.create_process(
            "exec ~/spark-vllm-docker/launch-cluster.sh --solo -d exec vllm serve x"
        )
        assert await process.stdout.readline()
        assert process.exit_status is None
        process.terminate()
        await process.wait()
    await off(near, Fault.LAUNCHER_HANGS)
    await on(near, Fault.LAUNCHER_LIES)
    assert (await near.launch(SMOLLM2, "smollm2")).status == 0
    assert (await near.run("docker ps -aq")).out == ""


async def test_a_foreign_engine_holds_the_port(near: Near) -> None:
    await on(near, Fault.FOREIGN_ENGINE)
    assert (await near.ask("/health"))[0] == 200
    assert json.loads((await near.ask("/v1/models"))[1])["data"][0]["id"] == "stranger/other-model"
    assert (await near.ask("/v1/chat/completions", HELLO))[0] == 404
    await near.launch(SMOLLM2, "smollm2")
    await log_with(near, "[Errno 98] Address already in use")
    await off(near, Fault.FOREIGN_ENGINE)
    assert (await near.ask("/health"))[0] == 0


async def test_a_stop_that_fails_once(near: Near) -> None:
    await near.launch(SMOLLM2, "smollm2")
    await on(near, Fault.STOP_FAILS, "2")
    assert (await near.run("docker stop vllm_node")).status == 1
    assert (await near.run("docker rm -f vllm_node")).status == 1
    assert (await near.run("docker ps -q")).out != ""
    assert (await near.run("docker rm -f vllm_node")).status == 0


async def test_touching_a_file_is_enough(near: Near) -> None:
    (near.spark.faults / "foreign-engine").touch()
    (near.spark.faults / "no-fault-at-all").touch()
    await near.health(200, within_s=2)
    (near.spark.faults / "foreign-engine").unlink()
    await near.health(0, within_s=2)


async def test_unknown_faults_and_sparks(near: Near) -> None:
    with pytest.raises(LabFaultUnknown):
        await near.lab.set_fault("spark1", "gremlins")
    with pytest.raises(LabFaultUnknown):
        await near.lab.set_fault("spark9", "offline")


async def test_faults_of_the_start_and_none_of_the_last_run(tmp_path: Path) -> None:
    wanted = [parse("frozen@spark2")]
    async with Lab(tmp_path, authorized_keys=[PUBLIC], models=[], faults=wanted) as lab:
        with pytest.raises(TimeoutError):
            await Near(lab, 2).connect(connect_timeout=0.3)
        assert (await Near(lab, 1).run("hostname")).out == "spark1\n"
    async with Lab(tmp_path, authorized_keys=[PUBLIC], models=[]) as lab:
        assert (await Near(lab, 2).run("hostname")).out == "spark2\n"
