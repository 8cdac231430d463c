"""Recorded answers of the hardware script, and answers no machine ever gave."""

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from spark_control.fleet.domain import (
    Disk,
    Gpu,
    GpuProcess,
    Hardware,
    Link,
    Load,
    Memory,
    Pressure,
    RdmaPort,
    SwapSpace,
    Temperature,
)
from spark_control.fleet.errors import BadAnswer
from spark_control.fleet.parse import parse, read

GOLDEN = Path(__file__).parents[2] / "golden" / "hardware"
KIB = 1024
MIB = 1024 * 1024


def recorded(name: str) -> Hardware:
    return read(json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8")))


def gpus(text: str, status: int | None = 0) -> tuple[Gpu, ...] | None:
    return read({"gpus": {"status": status, "text": text}}).gpus


def files(**texts: object) -> Hardware:
    return read({"files": texts})


def test_an_idle_spark() -> None:
    found = recorded("gb10_idle")
    assert (found.hostname, found.model, found.cores) == ("spark1", "NVIDIA DGX Spark", 20)
    assert found.uptime_s == 432110.52
    assert found.load == Load(0.42, 0.55, 0.61)
    assert found.memory == Memory(127600640 * KIB, 118400512 * KIB)
    assert found.swap == SwapSpace(16777212 * KIB, 0)
    assert found.pressure == Pressure(0, 0)
    everything = ("system", "home", "models")
    assert found.disks == (Disk("/", everything, 3936818806784, 2411724800000),)
    assert found.gpus == (
        Gpu(
            "NVIDIA GB10", "GPU-5c2f0a11-0000-4000-8000-0000000000a1", "580.95.05",
            utilisation_percent=0, temperature_c=41, power_w=4.52, clock_mhz=208,
            performance_state="P8",
        ),
    )  # fmt: skip
    assert found.gpu_unified_memory is True
    assert found.gpu_processes == ()
    assert found.gpu_memory_used_bytes == 0
    assert found.gpu_memory_total_bytes == 127600640 * KIB
    assert found.temperature_c == 40.4
    assert found.mac == "02:00:5e:10:00:01"
    assert found.problems == ()


def test_the_links_of_a_spark() -> None:
    found = recorded("gb10_idle")
    assert found.links is not None
    assert found.rdma is not None
    links = {link.name: link for link in found.links}
    assert links["enP7s7"] == Link(
        "enP7s7", up=True, speed_mbit=10000, mtu=1500, mac="02:00:5e:10:00:01",
        rx_bytes=48120331204, tx_bytes=9120331204,
    )  # fmt: skip
    assert links["enP2p1s0f1np1"].speed_mbit is None
    assert links["wlP9s9"].up is False
    assert found.rdma[0] == RdmaPort(
        "roceP2p1s0f0", "1", ("enP2p1s0f0np0",), up=True, speed_mbit=100_000,
        rx_bytes=81240080, tx_bytes=81240088,
    )  # fmt: skip
    assert found.rdma[1].up is False


def test_a_loaded_spark() -> None:
    found = recorded("gb10_loaded")
    assert found.gpus is not None
    assert found.gpus[0].power_w == 78.31
    assert found.gpus[0].memory_total_bytes is None
    assert found.gpu_unified_memory is True
    assert found.gpu_processes == (
        GpuProcess(2811, "/usr/lib/xorg/Xorg", 43 * MIB),
        GpuProcess(3012, "/usr/bin/gnome-shell", 16 * MIB),
        GpuProcess(481220, "VLLM::EngineCore", 104212 * MIB),
        GpuProcess(481377, "python3, -c, worker", None),
    )
    assert found.gpu_memory_used_bytes == (43 + 16 + 104212) * MIB
    assert found.pressure == Pressure(12.4, 3.25)
    assert found.swap == SwapSpace(16777212 * KIB, (16777212 - 15204348) * KIB)


def test_a_spark_without_its_driver_is_not_one_without_a_gpu() -> None:
    found = recorded("gb10_driver_gone")
    assert found.gpus is None
    assert found.gpu_processes is None
    assert found.gpu_unified_memory is None
    assert found.problems[0] == "nvidia-smi (apps): no answer within 2 s"
    assert found.problems[1].startswith("nvidia-smi (gpus): NVIDIA-SMI has failed because")
    assert found.memory is not None


def test_a_box_with_gpus_that_have_their_own_memory() -> None:
    found = recorded("rtx")
    assert found.model is None
    assert found.cores == 16
    assert found.swap == SwapSpace(0, 0)
    assert found.pressure is None
    assert found.gpu_unified_memory is False
    assert found.gpu_memory_used_bytes == (18211 + 12) * MIB
    assert found.gpu_memory_total_bytes == (24564 + 6138) * MIB
    assert found.gpus is not None
    assert found.gpus[1].power_w is None
    assert found.gpu_processes == (
        GpuProcess(9911, "/opt/llama server/llama-server", 17890 * MIB),
    )
    assert found.temperatures == (Temperature("x86_pkg_temp", 52),)
    assert found.disks is not None
    assert [disk.uses for disk in found.disks] == [("system",), ("home", "models")]


def test_a_box_without_a_gpu() -> None:
    found = recorded("no_gpu")
    assert found.model == "Raspberry Pi 5 Model B Rev 1.0"
    assert found.gpus == ()
    assert found.gpu_processes == ()
    assert found.gpu_unified_memory is None
    assert found.gpu_memory_used_bytes is None
    assert found.problems == ()


@pytest.mark.parametrize(
    "cell", ["[N/A]", "N/A", "[Not Supported]", "Not Supported", "[Unknown Error]", "", " "]
)
def test_what_a_gpu_does_not_tell_is_not_known(cell: str) -> None:
    row = ", ".join(["NVIDIA GB10", *[cell] * 9])
    assert gpus(row) == (Gpu("NVIDIA GB10"),)


@pytest.mark.parametrize(
    "text", ["", "\n", "No devices were found\n", "[N/A], 1, 2, 3, 4, 5, 6, 7, 8, 9"]
)
def test_rows_that_are_no_gpu_are_none(text: str) -> None:
    assert gpus(text) == ()


def test_a_warning_between_the_rows_is_passed_over() -> None:
    row = "NVIDIA GB10, u, d, 1, 2, 3, 4, P0, 0, 0"
    assert gpus(f"Warning: persistence mode\n\n{row}\n") == (
        Gpu("NVIDIA GB10", "u", "d", 1, 2, 3, 4, "P0", 0, None),
    )


def test_lines_that_are_no_process_are_passed_over() -> None:
    found = read({"apps": {"status": 0, "text": "garbage\n-1, a, 2\nx, a, 2\n7, , 5\n8, b, ?"}})
    assert found.gpu_processes == (GpuProcess(7, "", 5 * MIB), GpuProcess(8, "b", None))


@pytest.mark.parametrize(
    ("text", "cores"),
    [("0-19", 20), ("0", 1), ("0-3,8-11,15", 9), ("", None), ("5-3", None), ("a-b", None)],
)
def test_cores(text: str, cores: int | None) -> None:
    assert files(cpus=text).cores == cores


@pytest.mark.parametrize("name", ["", "To Be Filled By O.E.M.", "System_Product_Name", "None"])
def test_a_board_without_a_name_is_not_a_model(name: str) -> None:
    assert files(product=name).model is None


def test_odd_files_are_not_known() -> None:
    found = files(
        uptime="soon", loadavg="1 2 x", meminfo="MemTotal: many kB", pressure="some avg10=1 x",
        hostname=7,
    )  # fmt: skip
    assert found == Hardware()
    assert files(meminfo="MemTotal: 0 kB\nSwapTotal: 5 kB").memory is None
    assert files(meminfo="MemTotal: 8 kB").memory == Memory(8 * KIB, None)
    assert files(meminfo="SwapTotal: 5 kB").swap is None


def test_disks_that_say_nothing_are_left_out() -> None:
    good = {"path": "/", "uses": ["system", 3], "total": 10, "free": 0}
    bad = [{"path": "", "total": 1, "free": 1}, {"path": "/a", "total": 0, "free": 0}, 5]
    no_free = {"path": "/b", "total": 9, "free": -1}
    assert read({"disks": [good, *bad, no_free]}).disks == (Disk("/", ("system",), 10, 0),)


def test_a_link_in_an_unknown_state() -> None:
    rows = [{"name": "tun0", "operstate": "unknown", "speed": True}, {"name": None}, {}]
    assert read({"links": rows}).links == (Link("tun0"),)


def test_an_rdma_port_that_tells_nothing() -> None:
    rows: list[object] = [{"name": "roce0", "rate": "fast"}, {"name": ""}]
    assert read({"rdma": rows}).rdma == (RdmaPort("roce0", ""),)
    assert read({"rdma": [{"name": "roce0", "rate": ". Gb/sec"}]}).rdma == (RdmaPort("roce0", ""),)


ROUTES = (
    "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    "wlan0 00000000 0100000A 0003 0 0 600 00000000 0 0 0\n"
    "vpn0 00000000 0100000A 0003 0 0 50 0000FFFF 0 0 0\n"
    "eth0 00000000 0100000A 0003 0 0 100 00000000 0 0 0\n"
    "short line\n"
)


@pytest.mark.parametrize(
    ("routes", "mac"), [(ROUTES, "02:00:00:00:00:01"), ("", None), ("head\nshort", None)]
)
def test_the_address_of_the_link_with_the_best_default_route(routes: str, mac: str | None) -> None:
    links = [
        {"name": "wlan0", "address": "02:00:00:00:00:02"},
        {"name": "eth0", "address": "02:00:00:00:00:01"},
    ]
    assert read({"files": {"routes": routes}, "links": links}).mac == mac


def test_a_route_over_a_link_we_do_not_list_gives_no_address() -> None:
    assert read({"files": {"routes": ROUTES}, "links": []}).mac is None
    assert files(routes=ROUTES).mac is None


@pytest.mark.parametrize("value", ["1e999", "nan", 10**400, "0x10", None, [], {}, False, "twelve"])
def test_what_is_no_number_is_not_known(value: object) -> None:
    assert files(uptime=value).uptime_s is None
    assert read({"links": [{"name": "a", "mtu": value}]}).links == (Link("a"),)


def test_halves_of_characters_become_whole_ones() -> None:
    found = read({"files": {"hostname": "a\udc80"}, "problems": ["b\ud800"]})
    assert (found.hostname, found.problems) == ("a?", ("b?",))


@pytest.mark.parametrize(
    "text",
    ["", "hello", "{", '{"a": 1}', "[1]", '{"version": 1', "{" + '"a":[' * 100_000, "null"],
)
def test_an_output_without_an_answer_is_said(text: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        parse(text)
    assert caught.value.detail["printed"] == text[-300:]


def test_a_greeting_of_the_login_is_passed_over() -> None:
    answer = {"version": 1, "files": {"hostname": "spark1"}}
    text = f"Welcome!\n{{not ours}}\n{json.dumps(answer)}\nGood bye\n"
    assert parse(text).hostname == "spark1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KEYS = ("files", "disks", "links", "rdma", "temperatures", "gpus", "apps", "problems")
FILES = ("hostname", "product", "uptime", "loadavg", "meminfo", "pressure", "cpus", "routes")


@given(answer=st.dictionaries(st.sampled_from(KEYS), JSON), file=JSON)
def test_no_answer_makes_it_fail(answer: dict[str, object], file: object) -> None:
    assert isinstance(read(answer), Hardware)
    assert isinstance(read({"files": dict.fromkeys(FILES, file)}), Hardware)
    rows = [dict.fromkeys(("name", "path", "total", "free", "milli", "rx", "state"), file)]
    assert isinstance(read(dict.fromkeys(KEYS, rows)), Hardware)


@given(text=st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    printed = {"status": 0, "text": text}
    assert isinstance(read({"gpus": printed, "apps": printed}), Hardware)
