"""Plays the small commands: df ethtool git hf ip, as far as they are read."""

import json
from collections.abc import Callable

from spark_control.lab.standins import box as boxes
from spark_control.lab.standins.box import Box, complain, say

COMMIT = "013cd2ea6f0d4b1c97f2e58a3cb1d94076e2f5a8"
_DISK_KB = 3_840_755_982
_SYSTEM_KB = 96_400_000


def _unplayed(name: str, words: list[str], status: int) -> int:
    complain(f"{name}: the lab does not play `{' '.join([name, *words])}`.\n")
    return status


def _used_kb(box: Box) -> int:
    return _SYSTEM_KB + int(str(box.spark().get("models_bytes", 0))) // 1024


def df(box: Box, words: list[str]) -> int:
    """Tell of one large disk; full when that fault is on."""
    full = box.fault("disk-full") is not None
    used = _DISK_KB if full else _used_kb(box)
    free = _DISK_KB - used
    unit = 1024 if "-B1" in words else 1
    names = {
        "source": "/dev/nvme0n1p2",
        "fstype": "ext4",
        "size": str(_DISK_KB * unit),
        "used": str(used * unit),
        "avail": str(free * unit),
        "pcent": f"{used * 100 // _DISK_KB}%",
        "target": "/",
    }
    heads = {
        "source": "Filesystem",
        "fstype": "Type",
        "size": "1B-blocks" if unit > 1 else "1K-blocks",
        "used": "Used",
        "avail": "Available" if unit == 1 else "Avail",
        "pcent": "Use%",
        "target": "Mounted on",
    }
    asked = next((word.partition("=")[2] for word in words if word.startswith("--output=")), "")
    wanted = asked.split(",") if asked else ["source", "size", "used", "avail", "pcent", "target"]
    if bad := [name for name in wanted if name not in names]:
        complain(f"df: option --output: field '{bad[0]}' unknown\n")
        return 1
    wide = {name: max(len(names[name]), len(heads[name])) for name in wanted}
    for row in (heads, names):
        say(" ".join(f"{row[name]:<{wide[name]}}" for name in wanted).rstrip() + "\n")
    return 0


def ethtool(box: Box, words: list[str]) -> int:
    """Tell of the speed and of wake on LAN."""
    name = words[-1] if words else ""
    folder = box.folder / "root/sys/class/net" / name
    if not name or not folder.is_dir():
        complain(f"netlink error: no device matches name (offset 24)\n{name}: No such device\n")
        return 75
    speed = (folder / "speed").read_text().strip()
    say(
        f"Settings for {name}:\n\tSpeed: {speed}Mb/s\n\tDuplex: Full\n"
        "\tSupports Wake-on: pumbg\n\tWake-on: d\n\tLink detected: yes\n"
    )
    return 0


def git(_box: Box, words: list[str]) -> int:
    """Tell which commit of spark-vllm-docker is checked out, with no local edits."""
    if words[:1] == ["-C"]:
        words = words[2:]
    answers = {
        ("rev-parse", "HEAD"): f"{COMMIT}\n",
        ("rev-parse", "--short", "HEAD"): f"{COMMIT[:8]}\n",
        ("rev-parse", "--abbrev-ref", "HEAD"): "main\n",
        ("status", "--porcelain"): "",
        ("--version",): "git version 2.43.0\n",
    }
    if tuple(words) not in answers:
        return _unplayed("git", words, 128)
    say(answers[tuple(words)])
    return 0


def hf(_box: Box, words: list[str]) -> int:
    """Know its version; the lab has no hub to load from."""
    if words in (["version"], ["--version"]):
        say("huggingface_hub version: 1.2.3\n")
        return 0
    return _unplayed("hf", words, 1)


def ip(box: Box, words: list[str]) -> int:
    """Answer `ip -j addr` and `ip -j route`."""
    plain = [word for word in words if not word.startswith("-")]
    host = str(box.spark()["host"])
    if "-j" not in words and "-json" not in words:
        return _unplayed("ip", words, 1)
    if not plain or plain[0][:1] not in {"a", "r"}:
        complain(f'Object "{" ".join(plain[:1])}" is unknown, try "ip help".\n')
        return 1
    say(json.dumps(_addresses(box, host) if plain[0][0] == "a" else _routes(host)) + "\n")
    return 0


def _addresses(box: Box, host: str) -> list[object]:
    last = host.rpartition(".")[2]
    local = {
        "lo": ("127.0.0.1", 8),
        "enP7s7": (host, 24),
        "enp1s0f0np0": (f"192.168.177.{last}", 24),
    }
    found: list[object] = []
    for number, (name, (address, bits)) in enumerate(local.items(), 1):
        folder = box.folder / "root/sys/class/net" / name
        found.append(
            {
                "ifindex": number,
                "ifname": name,
                "mtu": int((folder / "mtu").read_text()),
                "operstate": (folder / "operstate").read_text().strip().upper(),
                "address": (folder / "address").read_text().strip(),
                "addr_info": [{"family": "inet", "local": address, "prefixlen": bits}],
            }
        )
    return found


def _routes(host: str) -> list[object]:
    net = host.rpartition(".")[0]
    return [
        {"dst": "default", "gateway": f"{net}.1", "dev": "enP7s7", "protocol": "dhcp"},
        {"dst": f"{net}.0/24", "dev": "enP7s7", "scope": "link", "prefsrc": host},
    ]


_COMMANDS: dict[str, Callable[[Box, list[str]], int]] = {
    "df": df,
    "ethtool": ethtool,
    "git": git,
    "hf": hf,
    "ip": ip,
}


def main(name: str, words: list[str]) -> int:
    """Do what `NAME WORDS` does."""
    return _COMMANDS[name](boxes.here(), words)
