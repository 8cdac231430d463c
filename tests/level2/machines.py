"""The fleet of lab level 2: Sparks with a network card, OpenSSH and podman of their own."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncssh

from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.lab import catalogue
from spark_control.lab.folder import Place
from spark_control.lab.standins import memory
from tests.level2 import rootfs
from tests.level2.machine import HERE, UID, Machine, run

_BRIDGE = re.compile(r"^sclab(\d+)$")
_SSHD = """\
Port 22
HostKey /run/lab/state/{name}/host_key
AuthorizedKeysFile /run/lab/state/{name}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100:30:200
SetEnv PATH=/run/lab/bin:/usr/local/bin:/usr/bin:/bin SPARK_LAB=/run/lab/state/{name}/ LANG=C.UTF-8
"""


def _lay(folder: Path, number: int, host: str, key_line: str) -> Place:
    name = f"spark{number}"
    place = Place(folder=folder / "state" / name, name=name, number=number, host=host, user="user")
    place.lay(catalogue.held_by(number, catalogue.chosen(None)))
    shutil.copy(HERE / "launch-cluster.sh", place.home / "spark-vllm-docker")
    # There is no RoCE device to find here.
    (place.home / "spark-vllm-docker" / ".env").write_text(
        "ETH_IF=enp1s0f0np0\nIB_IF=rocep1s0f0\n"
    )
    # The launcher goes from Spark to Spark by SSH.
    (place.home / ".ssh").mkdir(mode=0o700)
    shutil.copy(folder / "key", place.home / ".ssh" / "id_ed25519")
    place.write_root({"proc/meminfo": memory.meminfo(memory.available_gib([]))})
    key = asyncssh.generate_private_key("ssh-ed25519")
    (place.folder / "host_key").touch(mode=0o600)
    key.write_private_key(place.folder / "host_key")
    own = {
        "authorized_keys": key_line,
        "sshd_config": _SSHD.format(name=name),
        "hostname": name,
        "meminfo": (place.root / "proc" / "meminfo").read_text(),
        # Ours first, in case this machine has such a user too.
        "passwd": f"user:*:{UID}:{UID}::/home/user:/bin/bash\n" + Path("/etc/passwd").read_text(),
        "group": f"user:x:{UID}:\n" + Path("/etc/group").read_text(),
    }
    for file, text in own.items():
        (place.folder / file).write_text(text.rstrip("\n") + "\n")
    run("chown", "-R", f"{UID}:{UID}", place.home)
    run("chown", f"{UID}:{UID}", place.folder)
    return place


def _sweep() -> None:
    """Remove the bridges of labs whose process is gone."""
    for link in json.loads(run("ip", "-j", "link", "show", "type", "bridge")):
        found = _BRIDGE.match(link["ifname"])
        if found and not Path(f"/proc/{found[1]}").exists():
            run("ip", "link", "del", link["ifname"], check=False)


def _free_net() -> str:
    said = run("ip", "-4", "-o", "address")
    return next(net for n in range(256) if f" {(net := f'10.88.{n}')}." not in said)


@contextmanager
def machines(folder: Path, count: int = 2) -> Iterator[list[Machine]]:
    """Run Sparks on a network of this machine; all is gone when this is left."""
    folder.chmod(0o755)
    (folder / "state").mkdir()
    (folder / "state" / "lab.json").write_text(json.dumps({"pace": 0.0, "real": {}}))
    line = f"{ensure_key(folder / 'key')}"
    rootfs.lay(folder)
    _sweep()
    net, bridge = _free_net(), f"sclab{os.getpid()}"
    found = []
    run("ip", "link", "add", bridge, "type", "bridge")
    try:
        run("ip", "address", "add", f"{net}.1/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")
        for number in range(1, count + 1):
            place = _lay(folder, number, f"{net}.{10 + number}", line)
            links = {f"{bridge}s{number}": "enP7s7", f"{bridge}f{number}": "enp1s0f0np0"}
            found.append(Machine(place=place, links=links, key_path=folder / "key"))
        for one in found:
            one.start(bridge)
        for one in found:
            one.ready()
        yield found
    finally:
        for one in found:
            one.stop()
        run("ip", "link", "del", bridge, check=False)


def variables(sparks: Sequence[Machine], data: Path) -> dict[str, str]:
    """Return the environment of a Spark Control over `sparks`."""
    found = {"DATA_DIR": str(data / "data"), "SSH_KEY_PATH": str(sparks[0].key_path)}
    for number, one in enumerate(sparks, 1):
        found |= {f"SPARK{number}_HOST": one.place.host, f"SPARK{number}_USER": one.place.user}
    return found
