"""A Spark over SSH: commands on channels of one held connection.

Traps that are closed here. A command on a connection that breaks *returns*, with no exit status:
that is ConnectionLost. A command given up on runs on over there, and OpenSSH takes no signal for
it where the user is root: so it tells its process id, a second channel ends it, and `timeout`
does when we can't. A caller cancelled while a channel opens would leave the channel behind: so a
task of our own owns it, from before it opens until it is closed.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from secrets import token_hex

import asyncssh

from spark_control.core.clock import Clock
from spark_control.core.errors import AppError
from spark_control.core.shell import Command, RemotePath, render
from spark_control.core.tasks import Tasks
from spark_control.fleet import commands
from spark_control.fleet.adapters.ssh_errors import ssh_errors
from spark_control.fleet.adapters.ssh_link import SshAccess, SshLimits, SshLink
from spark_control.fleet.errors import ConnectionLost
from spark_control.fleet.lines import Lines
from spark_control.fleet.ports import Result
from spark_control.settings.domain import Spark

_CHUNK = 65536
_NO_ROOM = (asyncssh.OPEN_CONNECT_FAILED, asyncssh.OPEN_RESOURCE_SHORTAGE)
_ROOM_WAITS_S = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
Process = asyncssh.SSHClientProcess[bytes]


class _Session:
    """One command on one channel, alive until `leave` is set."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.started: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self.leave = asyncio.Event()
        self.begun = 0.0
        """When it was sent; the clock of `timeout` over there starts no earlier."""
        self.ended_by_us = False


class SshHost:
    """The `Host` port over SSH. An end by signal n is told as exit status 128 + n."""

    def __init__(
        self,
        spark: Spark,
        *,
        access: SshAccess,
        clock: Clock,
        limits: SshLimits | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._spark = spark
        self._clock = clock
        self._limits = limits or SshLimits()
        self._link = SshLink(spark, access, self._limits, clock, chance)
        self._tasks = Tasks(spark.name)
        self._channels = asyncio.Semaphore(self._limits.channels)
        self._streams = asyncio.Semaphore(self._limits.streams)
        self._ending = asyncio.Lock()  # one channel beside those of the commands
        self._sessions: dict[_Session, asyncio.Task[None]] = {}

    @property
    def name(self) -> str:
        return self._spark.name

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        line = commands.announced(render(command, limit_s=timeout_s), merged=False)
        async with self._process(line) as (session, process):
            try:
                async with asyncio.timeout(timeout_s + self._limits.grace_s):
                    out, err = await self._talk(process, stdin)
            except TimeoutError:
                # What it started may hold its output open; the command itself has ended.
                if process.returncode is None:
                    raise commands.too_slow(command, timeout_s) from None
                out, err = process.collect_output()
            result = Result(
                self._status(session, process), _text(out), commands.unannounced(_text(err))
            )
            took = self._clock.monotonic() - session.begun
        return commands.in_time(command, result, took_s=took, limit_s=timeout_s)

    @asynccontextmanager
    async def stream(
        self, command: Command, *, timeout_s: float
    ) -> AsyncIterator[AsyncIterator[str]]:
        line = commands.announced(render(command, limit_s=timeout_s), merged=True)
        async with (
            self._streams,
            self._process(line) as (session, process),
            aclosing(self._lines(session, process, command, timeout_s)) as lines,
        ):
            yield lines

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        command = commands.put_command(path, len(content), mode=mode, tag=token_hex(6))
        limit_s = commands.put_limit_s(len(content))
        commands.put_done(path, await self.run(command, timeout_s=limit_s, stdin=content))

    async def close(self) -> None:
        for session in self._sessions:
            session.ended_by_us = True
            session.leave.set()
        if living := [task for session, task in self._sessions.items() if session.started.done()]:
            await asyncio.wait(living)
        await self._link.close()
        await self._tasks.close()

    @asynccontextmanager
    async def _process(self, line: str) -> AsyncIterator[tuple[_Session, Process]]:
        session = _Session(line)
        living = self._tasks.spawn(self._live(session), name="channel")
        self._sessions[session] = living
        try:
            yield session, await asyncio.shield(session.started)
        finally:
            session.leave.set()
            # What has not begun yet sees `leave` and ends by itself; it may wait for a connection.
            if session.started.done():
                await asyncio.shield(living)

    async def _live(self, session: _Session) -> None:
        try:
            async with self._channels:
                if not session.leave.is_set():
                    connection = await self._link.get()
                    session.begun = self._clock.monotonic()
                    with ssh_errors(self.name):
                        process = await self._open(connection, session.line)
                    session.started.set_result(process)
                    await session.leave.wait()
                    await self._end(connection, process)
        except AppError as error:
            session.started.set_exception(error)
        finally:
            del self._sessions[session]
            if not session.started.done():
                session.started.set_exception(ConnectionLost(f"{self.name} was let go of."))
            session.started.exception()  # nobody may be left to read it

    async def _open(self, connection: asyncssh.SSHClientConnection, line: str) -> Process:
        """Start a command. The server may still count a session that has just ended as one."""
        for wait_s in _ROOM_WAITS_S:
            try:
                return await connection.create_process(line, encoding=None)
            except asyncssh.ChannelOpenError as error:
                if connection.is_closed() or error.code not in _NO_ROOM:
                    raise
            await self._clock.sleep(wait_s)
        return await connection.create_process(line, encoding=None)

    async def _talk(self, process: Process, stdin: bytes | None) -> tuple[bytes, bytes]:
        with ssh_errors(self.name):
            _feed(process, stdin or b"")
            return await process.communicate()

    async def _lines(
        self, session: _Session, process: Process, command: Command, limit_s: float
    ) -> AsyncGenerator[str, None]:
        lines = Lines()
        deadline = asyncio.get_running_loop().time() + limit_s + self._limits.grace_s
        _feed(process, b"")
        try:
            while data := await self._read(process, deadline):
                for line in lines.feed(data):
                    yield line
        except TimeoutError:
            raise commands.too_slow(command, limit_s) from None
        for line in lines.end():
            yield line
        result = Result(self._status(session, process), "", "")
        took = self._clock.monotonic() - session.begun
        commands.in_time(command, result, took_s=took, limit_s=limit_s)

    async def _read(self, process: Process, deadline: float) -> bytes:
        """Return the next bytes; none when the command has ended and its status is known."""
        async with asyncio.timeout_at(deadline):
            with ssh_errors(self.name):
                data = await process.stdout.read(_CHUNK)
                if not data:
                    await process.wait_closed()
                return data

    def _status(self, session: _Session, process: Process) -> int:
        if process.returncode is None or session.ended_by_us:
            raise ConnectionLost(f"The connection to {self.name} was lost.")
        self._link.answered()
        return commands.exit_status(process.returncode)

    async def _end(self, connection: asyncssh.SSHClientConnection, process: Process) -> None:
        """Have the command end over there, if it has not; give up after a while."""
        with suppress(asyncssh.Error, OSError):
            if process.returncode is None:
                async with asyncio.timeout(self._limits.end_s), self._ending:
                    if pid := await _pid(process):
                        await (await self._open(connection, commands.ending(pid))).communicate()
                    # Read on meanwhile: with a full window the far side can't finish.
                    await process.communicate()
        process.close()


async def _pid(process: Process) -> int | None:
    while line := await process.stderr.readline():
        if pid := commands.announced_pid(_text(line)):
            return pid
    return None


def _feed(process: Process, data: bytes) -> None:
    # A command that reads nothing may be over before its input is sent.
    with suppress(BrokenPipeError):
        process.stdin.write(data)
        process.stdin.write_eof()


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
