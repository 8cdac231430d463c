"""A real `sshd` on loopback, and the `ssh` that people would spawn."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import asyncssh

from bench.lab import Lab, end
from bench.serving import free_port
from bench.wish import NotHere
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.settings.domain import Spark

_CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
MaxStartups 100:30:200
MaxSessions 64
SetEnv HOME="{folder}"
"""
# An empty home: the start files of whoever measures would cost more than the commands.
_UP_S = 10.0
_LOOK_S = 0.01


@contextmanager
def sshd(folder: Path) -> Iterator[Lab]:
    """Run `sshd` and give it as a lab of one Spark. Raises NotHere."""
    program = shutil.which("sshd", path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin")
    if program is None or shutil.which("ssh") is None:
        raise NotHere("OpenSSH (Debian: openssh-server and openssh-client)")
    folder.mkdir()
    port, key = free_port(), folder / "id"
    _prepare(folder, key, port)
    words = [program, "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "sshd.log").open("wb") as log:
        server = subprocess.Popen(words, stderr=log, stdout=subprocess.DEVNULL)
    try:
        _wait(port)
        spark = Spark("openssh", "127.0.0.1", getpass.getuser(), port)
        yield Lab(server.pid, folder, key, (spark,), (Path.home(),), ())
    finally:
        server.terminate()
        end(server)


def _prepare(folder: Path, key: Path, port: int) -> None:
    (folder / "host_key").touch(mode=0o600)
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(folder / "host_key")
    (folder / "authorized_keys").write_text(f"{ensure_key(key)}\n", encoding="utf-8")
    config = _CONFIG.format(port=port, folder=folder)
    (folder / "sshd_config").write_text(config, encoding="utf-8")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)


def _wait(port: int) -> None:
    for _ in range(int(_UP_S / _LOOK_S)):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        Event().wait(_LOOK_S)
    raise NotHere("an sshd that starts")


def words(place: Lab, *, master: Path | None = None) -> list[str]:
    """Return the words of `ssh` to the one Spark; with `master` over its held connection."""
    spark = place.sparks[0]
    options = {
        "BatchMode": "yes", "IdentitiesOnly": "yes", "LogLevel": "ERROR",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": f"{place.folder}/ssh_known_hosts",
    }  # fmt: skip
    if master is not None:
        options["ControlPath"] = str(master)
    found = ["ssh", "-F", "none", "-i", str(place.key), "-p", str(spark.port)]
    found += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return [*found, f"{spark.user}@{spark.host}"]


@contextmanager
def held_by_ssh(place: Lab) -> Iterator[list[str]]:
    """Hold a connection with ssh's own master, and give the words that use it."""
    path = place.folder / "master"
    master = subprocess.Popen([*words(place, master=path), "-M", "-N"], stdin=subprocess.DEVNULL)
    try:
        for _ in range(int(_UP_S / _LOOK_S)):
            if path.exists():
                break
            Event().wait(_LOOK_S)
        yield words(place, master=path)
    finally:
        master.terminate()
        end(master)
