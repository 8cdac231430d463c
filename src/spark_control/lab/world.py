"""The lab: a fleet of Sparks on loopback, from the first folder to the last process."""

import asyncio
import fcntl
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

from spark_control.core.clock import Clock, RealClock
from spark_control.core.tasks import Tasks, run_unless
from spark_control.lab import catalogue, folder, machine, net, played, real
from spark_control.lab.board import Board, Files
from spark_control.lab.errors import LabAddress, LabBusy, LabFaultUnknown, LabNeedsLinux
from spark_control.lab.faults import Fault, Wanted, named
from spark_control.lab.folder import Place
from spark_control.lab.net import Claim
from spark_control.lab.real import EngineMode
from spark_control.lab.session import Shell
from spark_control.lab.sshd import Sshd
from spark_control.lab.standins import memory, nvidia_smi, procs

_LOOK_S = 0.2
_TICK_S = 0.5
_ENDING_S = 0.05
_SPARKS_A_TICK = 8
"""With more Sparks than this the live files are written less often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSpark:
    """One Spark of the lab, for whoever uses it."""

    name: str
    host: str
    port: int
    user: str
    home: Path
    root: Path
    host_key: str
    faults: Path


class Lab:
    """A fleet that runs while its context is open.

    `models` are keys or repositories to put on disk; None is all of them. `port` is the SSH port
    of every Spark; 0 takes 2222, or any where that is taken. `pace` is what a believable second
    of loading costs; 0 is at once. `services` plays speech
    and embedding services on Spark 2, or on the only one.
    """

    def __init__(  # noqa: PLR0913 - the knobs of the lab, all by name
        self,
        state_dir: Path,
        *,
        authorized_keys: Sequence[str],
        sparks: int = 2,
        engine: str = "scripted",
        pace: float = 0.0,
        clock: Clock | None = None,
        port: int = 0,
        models: Sequence[str] | None = None,
        user: str = "spark",
        faults: Sequence[Wanted] = (),
        services: bool = False,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.sparks: list[LabSpark] = []
        self.notes: list[str] = []
        self.really: tuple[str, ...] = ()
        """The repositories that a real model answers for."""
        self._keys = asyncssh.import_authorized_keys("\n".join(authorized_keys))
        self._wanted = sparks
        self._mode = EngineMode(engine)
        self._pace = pace
        self._clock = clock or RealClock()
        self._port = port
        self._models = catalogue.chosen(None if models is None else tuple(models))
        self._user = user
        self._faults = faults
        self._services = services
        self._boards: dict[str, Board] = {}
        self._tasks = Tasks("lab")
        self._claim: Claim | None = None
        self._lock: FileIO | None = None
        self._alive = -1
        self._began = 0.0

    async def __aenter__(self) -> Self:
        self._take_folder()
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _take_folder(self) -> None:
        if not Path("/proc/self/environ").is_file():
            raise LabNeedsLinux("This system has no /proc with the environment of processes.")
        self.state_dir.mkdir(parents=True, exist_ok=True)
        lock = FileIO(self.state_dir / "lab.lock", "a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise LabBusy(f"{self.state_dir} is used by another lab.") from None
        self._lock = lock

    async def _start(self) -> None:
        # What a killed lab left behind goes first: it may hold ports and files.
        await asyncio.to_thread(procs.end_all, folder.mark(self.state_dir))
        alive = self.state_dir / "alive"
        alive.unlink(missing_ok=True)
        os.mkfifo(alive)
        self._alive = os.open(alive, os.O_RDWR)
        await self._settle()
        self._claim = net.claim(self._wanted)
        if self._claim.held is None:
            self.notes.append("This system has no 127.0.88.x; the Sparks share 127.0.0.1.")
        self._began = self._clock.monotonic()
        for number, host in enumerate(self._claim.hosts, 1):
            await self._add(number, host)
        for wanted in self._faults:
            await self.set_fault(wanted.spark, wanted.fault, wanted.param)
        _ = self._tasks.spawn(self._watch(), name="faults")
        _ = self._tasks.spawn(self._tick(), name="live files")

    async def _settle(self) -> None:
        found = await asyncio.to_thread(real.find, self._mode, self.state_dir / "cache")
        self.really = tuple(found)
        if self._mode is EngineMode.AUTO and not found:
            self.notes.append(
                "The packages of the small real models are missing; every engine is scripted."
            )
        settings = {"pace": self._pace, "real": found, "python": sys.executable}
        (self.state_dir / "lab.json").write_text(json.dumps(settings))
        folder.lay_commands(self.state_dir)

    async def _add(self, number: int, host: str) -> None:
        name = f"spark{number}"
        place = Place(
            folder=self.state_dir / name, name=name, number=number, host=host, user=self._user
        )
        serves = self._services and number == min(2, self._wanted)
        more = (played.IMAGE,) if serves else ()
        await asyncio.to_thread(place.lay, catalogue.held_by(number, self._models), more)
        files = Files(place=place)
        shell = Shell(
            home=place.home,
            env=place.env(),
            troubles=files,
            clock=self._clock,
            tasks=self._tasks,
        )
        sshd = Sshd(
            host=host,
            port=self._port or (net.PREFERRED_PORT if self._claim and self._claim.held else 0),
            key=_host_key(place.folder / "host_key"),
            authorized=self._keys,
            shell=shell,
        )
        await self._open(sshd)
        self._boards[name] = Board(files=files, sshd=sshd, clock=self._clock)
        self._live(place)
        self.sparks.append(
            LabSpark(
                name=name,
                host=host,
                port=sshd.port,
                user=self._user,
                home=place.home,
                root=place.root,
                host_key=sshd.key.export_public_key().decode().strip(),
                faults=place.faults,
            )
        )
        if serves:
            self.notes += await played.start(place)

    async def _open(self, sshd: Sshd) -> None:
        try:
            await sshd.open()
        except OSError as error:
            if self._port:
                raise LabAddress(f"{sshd.host}:{sshd.port} can't be used: {error}.") from error
            sshd.port = 0
            await sshd.open()

    async def set_fault(self, spark: str, fault: str, param: str = "") -> None:
        """Switch a fault on; it works when this returns. Raises LabFaultUnknown."""
        board = self._board(spark)
        board.files.write(named(fault), param)
        await board.apply()
        memory.refresh(board.files.place.box)

    async def clear_fault(self, spark: str, fault: str) -> None:
        """Switch a fault off; nothing happens when it is off. Raises LabFaultUnknown."""
        board = self._board(spark)
        board.files.clear(named(fault))
        await board.apply()
        memory.refresh(board.files.place.box)

    def _board(self, spark: str) -> Board:
        if spark not in self._boards:
            raise LabFaultUnknown(f"The lab has no Spark {spark!r}.", param=spark)
        return self._boards[spark]

    async def _watch(self) -> None:
        while True:
            for board in self._boards.values():
                await board.apply()
            await self._clock.sleep(_LOOK_S)

    async def _tick(self) -> None:
        pause = _TICK_S * max(1.0, len(self.sparks) / _SPARKS_A_TICK)
        while True:
            await self._clock.sleep(pause)
            for board in self._boards.values():
                self._live(board.files.place)
                await self._clock.sleep(0)

    def _live(self, place: Place) -> None:
        held = memory.engines(place.box)
        starved = Fault.OUT_OF_MEMORY in self._boards[place.name].files.all()
        free = memory.available_gib(held, starved=starved)
        seconds = self._clock.monotonic() - self._began
        busy = sum(1 for one in held if one.busy)
        now = machine.Now(seconds, len(held), busy, free, memory.TOTAL_GIB)
        place.write_root({**machine.live(now), "proc/meminfo": memory.meminfo(free)})
        nvidia_smi.renew(place.box, held)

    async def close(self) -> None:
        """End everything the lab started; safe to call twice."""
        await run_unless(self._tasks.close(), self._end_processes())
        boards = list(self._boards.values())
        self._boards.clear()
        for board in boards:
            await board.close()
        await asyncio.to_thread(procs.end_all, folder.mark(self.state_dir))
        for board in boards:
            await board.sshd.emptied()
        if self._alive >= 0:
            os.close(self._alive)
            self._alive = -1
        if self._claim:
            self._claim.release()
        if self._lock:
            self._lock.close()

    async def _end_processes(self) -> None:
        """End what runs, again and again: a start that is cut off waits for all it has started."""
        while True:
            await asyncio.to_thread(procs.end_all, folder.mark(self.state_dir))
            await self._clock.sleep(_ENDING_S)


def _host_key(path: Path) -> asyncssh.SSHKey:
    """Return the key in `path`; a new Spark gets a new one and keeps it."""
    if path.is_file():
        return asyncssh.read_private_key(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(path)
    path.chmod(0o600)
    return key
