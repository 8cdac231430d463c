"""The places the contract suite runs in: each a home folder of its own on this machine."""

import asyncio
import getpass
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from spark_control.core.clock import RealClock
from spark_control.fleet.adapters.known_hosts import KnownHosts
from spark_control.fleet.adapters.ssh import SshHost
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.fleet.adapters.ssh_link import SshAccess, SshLimits
from spark_control.lab.world import Lab
from spark_control.settings.domain import Spark
from tests.contract.host.proxy import free_port
from tests.contract.host.waiting import eventually

IN_CI = os.environ.get("CI") == "true"  # noqa: TID251 - tells a machine that must have everything


@dataclass(frozen=True, slots=True)
class Site:
    """An SSH server, the key that opens it, and where its user is at home."""

    spark: Spark
    home: Path
    key_path: Path
    known_hosts: Path
    pid: int

    def access(self) -> SshAccess:
        """Return what opens the door here, and nothing of the person who runs the tests."""
        return SshAccess(
            known_hosts=KnownHosts(self.known_hosts), key_path=self.key_path, user_keys=False
        )

    def host(self, *, port: int | None = None, limits: SshLimits | None = None) -> SshHost:
        """Return a host; with `port` through a proxy."""
        spark = self.spark
        if port is not None:
            spark = Spark(spark.name, "127.0.0.1", spark.user, port)
        return SshHost(spark, access=self.access(), clock=RealClock(), limits=limits)


def missing(what: str) -> None:
    """Skip with a word about it; where everything must be there, fail."""
    if IN_CI:
        pytest.fail(f"{what} is missing, and CI=true")
    pytest.skip(f"{what} is missing: this half of the contract is NOT tested")


_CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100:30:200
SetEnv HOME="{home}"
"""


def _prepare(folder: Path, home: Path, port: int) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    (folder / "host_key").touch(mode=0o600)
    key.write_private_key(folder / "host_key")
    (folder / "authorized_keys").write_text(f"{ensure_key(folder / 'id')}\n")
    (folder / "sshd_config").write_text(_CONFIG.format(port=port, folder=folder, home=home))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)


def _listens(port: int) -> bool:
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    return wanted in " ".join(Path("/proc/net/tcp").read_text().split())


@asynccontextmanager
async def openssh(folder: Path) -> AsyncIterator[Site]:
    """Run Debian's `sshd` as a process of ours."""
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin")
    if program is None:
        missing("OpenSSH's sshd (Debian: openssh-server)")
    home = folder / "a home's name"
    home.mkdir()
    port = free_port()
    _prepare(folder, home, port)
    with (folder / "sshd.log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            str(program), "-D", "-e", "-f", str(folder / "sshd_config"), stderr=log
        )
    try:
        await eventually(lambda: _listens(port) or server.returncode is not None)
        assert server.returncode is None, (folder / "sshd.log").read_text()
        spark = Spark("spark1", "127.0.0.1", getpass.getuser(), port)
        yield Site(spark, home, folder / "id", folder / "known_hosts", server.pid)
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


@asynccontextmanager
async def lab(folder: Path) -> AsyncIterator[Site]:
    """Run one Spark of the lab."""
    line = ensure_key(folder / "id")
    async with Lab(
        folder / "lab", sparks=1, authorized_keys=[line], models=[], clock=RealClock()
    ) as world:
        (played,) = world.sparks
        spark = Spark(played.name, played.host, played.user, played.port)
        yield Site(spark, played.home, folder / "id", folder / "known_hosts", os.getpid())
