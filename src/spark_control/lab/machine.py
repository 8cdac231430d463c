"""What `/proc`, `/sys` and `/etc` of a Spark say, as text; nothing here touches a disk."""

from typing import NamedTuple

_NICS = {"lo": (0, 65536), "enP7s7": (10000, 1500), "enp1s0f0np0": (200000, 9000)}
_ZONES = 7
_RDMA = "sys/class/infiniband/rocep1s0f0"
CORES = 20


class Now(NamedTuple):
    """What the numbers are made from: seconds since start, engines and how many work."""

    seconds: float
    engines: int
    busy: int
    available: float
    total: float


def mac(spark: int, nic: int) -> str:
    """Return a MAC address of Spark number `spark`."""
    return f"4c:bb:47:00:{spark:02x}:{nic:02x}" if nic else "00:00:00:00:00:00"


def still(name: str, spark: int) -> dict[str, str]:
    """Return the files that never change: path below the root and text."""
    files = {
        "etc/hostname": f"{name}\n",
        "etc/os-release": 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nID=ubuntu\nVERSION_ID="24.04"\n',
        "etc/dgx-release": (
            'DGX_NAME="DGX Spark"\nDGX_PRETTY_NAME="NVIDIA DGX Spark"\n'
            'DGX_SWBUILD_VERSION="7.2.3"\nDGX_OTA_VERSION="7.3.1"\n'
        ),
        "sys/class/dmi/id/product_name": "NVIDIA DGX Spark\n",
        "sys/class/dmi/id/sys_vendor": "NVIDIA\n",
        "proc/cpuinfo": "".join(f"processor\t: {n}\nCPU part\t: 0xd85\n\n" for n in range(CORES)),
        "sys/devices/system/cpu/online": f"0-{CORES - 1}\n",
        "proc/sys/kernel/osrelease": "6.14.0-1013-nvidia\n",
        "proc/sys/kernel/hostname": f"{name}\n",
        "proc/net/route": (
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
            "enP7s7\t00000000\t0158007F\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        ),
    }
    for number, (nic, (speed, mtu)) in enumerate(_NICS.items()):
        folder = f"sys/class/net/{nic}"
        files[f"{folder}/operstate"] = "unknown\n" if nic == "lo" else "up\n"
        files[f"{folder}/mtu"] = f"{mtu}\n"
        files[f"{folder}/address"] = f"{mac(spark, number)}\n"
        files[f"{folder}/carrier"] = "1\n"
        files[f"{folder}/type"] = "772\n" if nic == "lo" else "1\n"
        # Reading the speed of `lo` is an error on a real machine, so it has no such file here.
        if speed:
            files[f"{folder}/speed"] = f"{speed}\n"
    files |= {f"sys/class/thermal/thermal_zone{zone}/type": "acpitz\n" for zone in range(_ZONES)}
    files[f"{_RDMA}/device/net/enp1s0f0np0/ifindex"] = "3\n"
    files[f"{_RDMA}/ports/1/state"] = "4: ACTIVE\n"
    files[f"{_RDMA}/ports/1/rate"] = "200 Gb/sec (4X HDR)\n"
    return files


def live(now: Now) -> dict[str, str]:
    """Return the files that change: path below the root and text."""
    load = 0.21 + 0.9 * now.engines + 1.6 * now.busy
    ticks = int(now.seconds * 100)
    used = min(int(ticks * load), ticks * CORES)
    tight = max(0.0, 12.0 - now.available)
    up = 259_200 + now.seconds
    files = {
        "proc/loadavg": f"{load:.2f} {load * 0.9:.2f} {load * 0.8:.2f} 1/812 40961\n",
        "proc/uptime": f"{up:.2f} {up * CORES * 0.97:.2f}\n",
        "proc/stat": (
            _cpu("cpu ", used, ticks * CORES)
            + "".join(_cpu(f"cpu{n}", used // CORES, ticks) for n in range(CORES))
            + f"ctxt {ticks * 31}\nbtime 1763000000\nprocesses 40961\n"
        ),
        "proc/pressure/memory": (
            f"some avg10={tight:.2f} avg60={tight / 2:.2f} avg300={tight / 4:.2f} total={ticks}\n"
            f"full avg10={tight / 2:.2f} avg60={tight / 4:.2f} avg300=0.00 total={ticks // 2}\n"
        ),
    }
    for place, nic in enumerate(_NICS):
        folder = f"sys/class/net/{nic}/statistics"
        files[f"{folder}/rx_bytes"] = f"{9_312_004_113 + ticks * 97 * (place + 1)}\n"
        files[f"{folder}/tx_bytes"] = f"{1_204_881_920 + ticks * 41 * (place + 1)}\n"
    for name in ("port_rcv_data", "port_xmit_data"):
        files[f"{_RDMA}/ports/1/counters/{name}"] = f"{512_000_331 + ticks * 11}\n"
    heat = 41_000 + 6_000 * now.engines + 14_000 * now.busy
    for zone in range(_ZONES):
        temp = heat + 700 * zone + (ticks // 100 * (zone + 3)) % 900
        files[f"sys/class/thermal/thermal_zone{zone}/temp"] = f"{temp}\n"
    return files


def _cpu(name: str, used: int, ticks: int) -> str:
    return f"{name} {used} 0 {used // 5} {max(ticks - used - used // 5, 0)} 12 0 4 0 0 0\n"
