"""The files of a played Spark hold what a GB10's do."""

from spark_control.lab import machine
from spark_control.lab.machine import Now

IDLE = Now(seconds=10, engines=0, busy=0, available=117, total=121.69)
LOADED = Now(seconds=20, engines=1, busy=1, available=3, total=121.69)


def test_still_files() -> None:
    files = machine.still("spark3", 3)
    assert files["etc/hostname"] == "spark3\n"
    assert files["sys/class/dmi/id/product_name"] == "NVIDIA DGX Spark\n"
    assert files["sys/class/net/enP7s7/speed"] == "10000\n"
    assert "sys/class/net/lo/speed" not in files
    assert files["proc/cpuinfo"].count("processor") == machine.CORES
    others = machine.still("spark4", 4)
    assert files["sys/class/net/enP7s7/address"] != others["sys/class/net/enP7s7/address"]


def test_live_files_follow_what_runs() -> None:
    idle, loaded = machine.live(IDLE), machine.live(LOADED)
    assert float(idle["proc/loadavg"].split()[0]) < float(loaded["proc/loadavg"].split()[0])
    assert "avg10=0.00" in idle["proc/pressure/memory"]
    assert "avg10=9.00" in loaded["proc/pressure/memory"]
    zone = "sys/class/thermal/thermal_zone0/temp"
    assert int(idle[zone]) < int(loaded[zone]) < 100_000
    assert set(idle) == set(loaded)
    received = "sys/class/net/enP7s7/statistics/rx_bytes"
    assert int(idle[received]) < int(loaded[received])


def test_processor_time_adds_up() -> None:
    rows = machine.live(LOADED)["proc/stat"].splitlines()
    assert [row.split()[0] for row in rows[: machine.CORES + 1]] == [
        "cpu",
        *(f"cpu{n}" for n in range(machine.CORES)),
    ]
    assert all(int(number) >= 0 for number in rows[0].split()[1:])
