"""One Spark of lab level 2: its namespaces, and what a test does to it and asks of it."""

import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from spark_control.lab.folder import Place
from spark_control.lab.standins import memory
from spark_control.settings.domain import Spark
from tests.contract.host.sites import Site
from tests.level2.needs import done

HERE = Path(__file__).parent
UID = 61000
"""The Spark's user."""


def run(*words: str | Path, check: bool = True) -> str:
    """Run a command on this machine and return what it printed."""
    ended = done(*words)
    assert not check or ended.returncode == 0, (words, ended.stdout, ended.stderr)
    return ended.stdout


@dataclass(kw_only=True, slots=True)
class Machine:
    """One Spark. `links` are the ends of its cables that are outside, and its cards."""

    place: Place
    links: dict[str, str]
    key_path: Path
    _life: subprocess.Popen[str] | None = None
    _laid: set[Path] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def home(self) -> Path:
        """Return /home/user of the Spark, as it is seen from here."""
        return self.place.home

    @property
    def first(self) -> int:
        """Return process 1 of the Spark, by its number on this machine."""
        assert self._life is not None
        pid = self._life.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    @property
    def sshd(self) -> int:
        """Return the SSH server, by its number on this machine."""
        return next(pid for pid in self.processes() if "[listener]" in command_line(pid))

    def site(self, folder: Path) -> Site:
        """Return the way in over SSH; what it learns of host keys stays in `folder`."""
        spark = Spark(self.name, self.place.host, self.place.user, 22)
        return Site(spark, self.home, self.key_path, folder / "known_hosts", self.sshd)

    def start(self, bridge: str) -> None:
        """Switch the Spark on; `ready` waits for it."""
        self._laid = set(self.home.iterdir())
        words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--uts", "--pid",
                 "--fork", "--kill-child", "--mount-proc", "bash", str(HERE / "spark.sh"),
                 self.name, self.place.host, str(UID), str(self.place.folder)]  # fmt: skip
        with (self.place.folder / "spark.log").open("wb") as log:
            self._life = subprocess.Popen(  # noqa: S603 - words of ours
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        for link in self.links:
            run("ip", "link", "add", link, "type", "veth", "peer", "name", f"{link}x")
            run("ip", "link", "set", link, "master", bridge, "up")

    def ready(self) -> None:
        """Plug the cable in and wait until the Spark can be used."""
        assert self._life is not None
        assert self._life.stdout is not None
        assert self._life.stdin is not None
        assert self._life.stdout.readline() == "network\n", self.trouble()
        for link, name in self.links.items():
            run("ip", "link", "set", f"{link}x", "netns", str(self.first), "name", name)
        self._life.stdin.write("\n")
        self._life.stdin.flush()
        assert self._life.stdout.readline() == "ready\n", self.trouble()

    def trouble(self) -> str:
        return (self.place.folder / "spark.log").read_text()[-2000:]

    def inside(self, *words: str, check: bool = True) -> str:
        """Run a command on the Spark as its root, past SSH."""
        return run("nsenter", "-t", str(self.first), "-m", "-n", "-u", "-p", *words, check=check)

    def docker(self, *words: str, check: bool = True) -> str:
        return self.inside("/run/lab/bin/docker", *words, check=check)

    def containers(self) -> list[str]:
        """Return the names of all containers, running or not."""
        return sorted(self.docker("ps", "-a", "--format", "{{.Names}}").split())

    def engines(self) -> list[int]:
        """Return the engine processes of the Spark."""
        return [pid for pid in self.processes() if "/vllm serve " in command_line(pid)]

    def processes(self) -> list[int]:
        """Return all processes of the Spark, those in containers with them."""
        found, row = [self.first], [self.first]
        while row:
            row = [int(pid) for one in row for pid in _children(one)]
            found += row
        return found

    def off(self) -> None:
        """Pull the cables."""
        for link in self.links:
            run("ip", "link", "set", link, "down")

    def on(self) -> None:
        for link in self.links:
            run("ip", "link", "set", link, "up")

    def fault(self, name: str, *, on: bool = True) -> None:
        path = self.place.faults / name
        if on:
            path.touch()
        else:
            path.unlink(missing_ok=True)

    def fresh(self) -> None:
        """Bring the Spark back to how it was in the beginning, for the next test."""
        self.on()
        for path in self.place.faults.iterdir():
            path.unlink()
        if names := self.docker("ps", "-aq").split():
            self.docker("rm", "-f", *names)
        for path in set(self.home.iterdir()) - self._laid:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        self.mirror()

    def mirror(self) -> None:
        """Bring /proc/meminfo in line with what the engines say; the file itself must stay."""
        if not self.engines():
            for path in (self.place.folder / "engines").iterdir():
                path.unlink()
            memory.refresh(self.place.box)
        text = (self.place.root / "proc" / "meminfo").read_text()
        shown = self.place.folder / "meminfo"
        if shown.read_text() != text:
            shown.write_text(text)

    def stop(self) -> None:
        """Switch the Spark off; nothing of it is left."""
        if self._life is None:
            return
        with suppress(AssertionError, IndexError, OSError, subprocess.SubprocessError):
            self.docker("rm", "-f", *self.docker("ps", "-aq").split(), check=False)
        self._life.kill()
        self._life.communicate()
        for link in self.links:
            run("ip", "link", "del", link, check=False)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _children(pid: int) -> list[str]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [child for one in threads for child in (one / "children").read_text().split()]
    except OSError:
        return []
