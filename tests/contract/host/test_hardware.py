"""The hardware script as it runs on a Spark: by `python3 -`, over a tree and stand-ins of ours."""

import ast
import json
import os
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from spark_control.core.clock import RealClock
from spark_control.fleet.adapters.local import LocalHost
from spark_control.fleet.adapters.script import hardware_script
from spark_control.fleet.domain import Gpu, GpuProcess, Hardware, Link, RdmaPort, Temperature
from spark_control.fleet.parse import parse
from spark_control.fleet.remote import hardware
from spark_control.fleet.usecases import PYTHON
from tests.contract.host.sites import Site
from tests.contract.host.waiting import running

MIB = 1024 * 1024


class Box:
    """A played machine: a tree for /proc and /sys, a home, and an nvidia-smi."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root of it"
        self.home = folder / "home"
        self.bin = folder / "bin"
        for made in (self.root, self.home, self.bin):
            made.mkdir()

    def file(self, path: str, text: str) -> None:
        at = self.root / path.lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(f"{text}\n")

    def nvidia_smi(self, script: str) -> None:
        program = self.bin / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    async def printed(self) -> str:
        env = {
            "HOME": str(self.home),
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "SPARK_ROOT": str(self.root),
        }
        host = LocalHost("spark1", clock=RealClock(), env=env)
        result = await host.run(PYTHON, timeout_s=20, stdin=hardware_script())
        assert (result.exit_status, result.stderr) == (0, "")
        return result.stdout

    async def read(self) -> Hardware:
        return parse(await self.printed())


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


SMI = r"""
case $1 in
  --query-gpu=*) echo 'NVIDIA GB10, GPU-1, 580.95.05, 0, 41, 4.52, 208, P8, [N/A], [N/A]';;
  *) printf '7, VLLM::Worker "x"\\, 512\n'; echo warning >&2;;
esac
"""


async def test_a_whole_machine(box: Box) -> None:
    box.nvidia_smi(SMI)
    box.file("/proc/sys/kernel/hostname", "spark1")
    box.file("/sys/class/dmi/id/product_name", "NVIDIA_DGX_Spark")
    box.file("/proc/uptime", "10.5 20")
    box.file("/proc/meminfo", "MemTotal: 1024 kB\nMemAvailable: 512 kB")
    box.file("/sys/devices/system/cpu/online", "0-19")
    net = "/sys/class/net/enP7s7"
    for name, text in (("operstate", "up"), ("speed", "10000"), ("address", "02:00:00:00:00:01")):
        box.file(f"{net}/{name}", text)
    box.file(f"{net}/statistics/rx_bytes", "5")
    for name in ("lo", "docker0", "veth12"):
        box.file(f"/sys/class/net/{name}/operstate", "up")
    port = "/sys/class/infiniband/rocep1s0f0/ports/1"
    box.file(f"{port}/state", "4: ACTIVE")
    box.file(f"{port}/rate", "100 Gb/sec (2X HDR)")
    box.file(f"{port}/counters/port_xmit_data", "2")
    box.file("/sys/class/infiniband/rocep1s0f0/device/net/enp1s0f0np0/x", "")
    box.file("/sys/class/thermal/thermal_zone0/type", "acpitz")
    box.file("/sys/class/thermal/thermal_zone0/temp", "41500")
    box.file(
        "/proc/net/route",
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "enP7s7 00000000 0100000A 0003 0 0 100 00000000 0 0 0",
    )
    found = await box.read()
    assert (found.hostname, found.model, found.cores) == ("spark1", "NVIDIA DGX Spark", 20)
    assert found.memory is not None
    assert found.memory.used_bytes == 512 * 1024
    assert found.gpus == (
        Gpu(
            "NVIDIA GB10", "GPU-1", "580.95.05", utilisation_percent=0, temperature_c=41,
            power_w=4.52, clock_mhz=208, performance_state="P8",
        ),
    )  # fmt: skip
    assert found.gpu_processes == (GpuProcess(7, 'VLLM::Worker "x"\\', 512 * MIB),)
    assert found.links == (
        Link("enP7s7", up=True, speed_mbit=10000, mac="02:00:00:00:00:01", rx_bytes=5),
    )
    assert found.rdma == (
        RdmaPort("rocep1s0f0", "1", ("enp1s0f0np0",), up=True, speed_mbit=100_000, tx_bytes=8),
    )
    assert found.temperatures == (Temperature("acpitz", 41.5),)
    assert found.mac == "02:00:00:00:00:01"
    assert found.disks is not None
    assert found.disks[0].uses == ("system", "home", "models")
    assert 0 < found.disks[0].free_bytes < found.disks[0].total_bytes
    assert found.problems == ()


async def test_a_machine_that_has_nothing(box: Box) -> None:
    found = await box.read()
    assert found.gpus == ()
    assert (found.links, found.rdma, found.temperatures) == ((), (), ())
    assert (found.hostname, found.memory, found.cores) == (None, None, None)
    assert found.problems == ()


async def test_an_nvidia_smi_that_fails_is_named(box: Box) -> None:
    box.nvidia_smi("echo 'no driver'; exit 9")
    found = await box.read()
    assert found.gpus is None
    assert found.problems == ("nvidia-smi (gpus): no driver", "nvidia-smi (apps): no driver")


async def test_each_question_fails_by_itself(box: Box) -> None:
    box.nvidia_smi(f"case $1 in --query-compute*) kill -SEGV $$;; esac\n{SMI}")
    found = await box.read()
    assert found.gpus is not None
    assert len(found.gpus) == 1
    assert found.gpu_processes is None
    assert len(found.problems) == 1


async def test_an_nvidia_smi_that_hangs_costs_two_seconds(box: Box) -> None:
    box.nvidia_smi("exec sleep 301.25")
    clock = RealClock()
    begun = clock.monotonic()
    found = await box.read()
    assert clock.monotonic() - begun < 6
    assert found.gpus is None
    assert found.disks
    assert found.problems == (
        "nvidia-smi (gpus): no answer within 2 s",
        "nvidia-smi (apps): no answer within 2 s",
    )
    assert not running("sleep\0301.25")


async def test_one_that_cannot_be_started_is_named(box: Box) -> None:
    (box.bin / "nvidia-smi").write_text("no program")
    (box.bin / "nvidia-smi").chmod(0o755)
    found = await box.read()
    assert found.gpus is None
    assert "nvidia-smi (gpus):" in found.problems[0]


async def test_names_that_are_no_text_do_not_break_it(box: Box) -> None:
    (box.root / "sys/class/net" / os.fsdecode(b"eth\xff")).mkdir(parents=True)
    found = await box.read()
    assert found.links is not None
    assert found.links[0].name == "eth?"


async def test_home_on_a_disk_of_its_own_is_a_second_disk(box: Box) -> None:
    box.home.rmdir()
    box.home.symlink_to("/dev/shm")  # noqa: S108 - a disk of its own on any Linux
    found = await box.read()
    assert found.disks is not None
    assert [disk.uses for disk in found.disks] == [("system",), ("home", "models")]


async def test_it_runs_over_ssh(site: Site) -> None:
    host = site.host()
    result = await host.run(PYTHON, timeout_s=20, stdin=hardware_script())
    found = parse(result.stdout)
    assert found.hostname
    assert found.memory is not None
    assert found.disks
    await host.close()


def test_it_is_python_of_the_oldest_spark_and_imports_little() -> None:
    tree = ast.parse(hardware_script(), feature_version=(3, 8))
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert names == {"_thread", "os", "select", "sys", "time"}


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_its_json_is_json(value: object) -> None:
    assert json.loads(hardware.encoded(value)) == value
