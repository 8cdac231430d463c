"""The machine Spark Control runs on, as a host."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from secrets import token_hex

from spark_control.core.clock import Clock
from spark_control.core.shell import Command, RemotePath, render
from spark_control.core.tasks import Tasks
from spark_control.fleet import commands
from spark_control.fleet.errors import HostUnreachable
from spark_control.fleet.lines import Lines
from spark_control.fleet.ports import Result

_CHUNK = 65536
_GRACE_S = 5.0
_END_S = 3.0


class LocalHost:
    """The `Host` port by child processes, each the head of a group that ends as a whole.

    Without `env` the commands get our own environment.
    """

    def __init__(self, name: str, *, clock: Clock, env: Mapping[str, str] | None = None) -> None:
        self._name = name
        self._clock = clock
        self._env = env
        self._tasks = Tasks(name)

    @property
    def name(self) -> str:
        return self._name

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        begun = self._clock.monotonic()
        async with self._process(render(command, limit_s=timeout_s), stdin=stdin) as process:
            out, err = bytearray(), bytearray()
            try:
                async with asyncio.timeout(timeout_s + _GRACE_S):
                    await _talk(process, stdin, out, err)
            except TimeoutError:
                # What it started may hold its output open; the command itself has ended.
                if process.returncode is None:
                    raise commands.too_slow(command, timeout_s) from None
            result = Result(_status(process), _text(out), _text(err))
        took = self._clock.monotonic() - begun
        return commands.in_time(command, result, took_s=took, limit_s=timeout_s)

    @asynccontextmanager
    async def stream(
        self, command: Command, *, timeout_s: float
    ) -> AsyncIterator[AsyncIterator[str]]:
        begun = self._clock.monotonic()
        async with (
            self._process(render(command, limit_s=timeout_s), merged=True) as process,
            aclosing(self._lines(process, command, timeout_s, begun)) as lines,
        ):
            yield lines

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        command = commands.put_command(path, len(content), mode=mode, tag=token_hex(6))
        limit_s = commands.put_limit_s(len(content))
        commands.put_done(path, await self.run(command, timeout_s=limit_s, stdin=content))

    async def close(self) -> None:
        """Nothing is held between commands."""

    @asynccontextmanager
    async def _process(
        self, line: str, *, stdin: bytes | None = None, merged: bool = False
    ) -> AsyncIterator[Process]:
        begun: list[Process | HostUnreachable] = []
        pipe = DEVNULL if stdin is None else PIPE
        start = self._start(line, pipe, STDOUT if merged else PIPE, begun)
        # Half a start can't be taken back: it is a task of ours, and a caller that is cancelled
        # waits for it and ends what it started.
        starting = self._tasks.spawn(start, name="start")
        try:
            await asyncio.shield(starting)
            (process,) = begun
            if isinstance(process, HostUnreachable):
                raise process
            yield process
        finally:
            await asyncio.wait({starting})
            for process in begun:
                if not isinstance(process, HostUnreachable):
                    await _end(process)

    async def _start(
        self, line: str, stdin: int, stderr: int, begun: list[Process | HostUnreachable]
    ) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                "sh",
                "-c",
                line,
                stdin=stdin,
                stdout=PIPE,
                stderr=stderr,
                env=self._env,
                start_new_session=True,
            )
        except OSError as error:
            reason = {"reason": str(error)[:200]}
            begun.append(HostUnreachable(f"{self._name} starts no process.", detail=reason))
        else:
            begun.append(process)

    async def _lines(
        self, process: Process, command: Command, limit_s: float, begun: float
    ) -> AsyncGenerator[str, None]:
        lines = Lines()
        deadline = asyncio.get_running_loop().time() + limit_s + _GRACE_S
        try:
            while data := await _read(process, deadline):
                for line in lines.feed(data):
                    yield line
        except TimeoutError:
            raise commands.too_slow(command, limit_s) from None
        for line in lines.end():
            yield line
        result = Result(_status(process), "", "")
        took = self._clock.monotonic() - begun
        commands.in_time(command, result, took_s=took, limit_s=limit_s)


async def _read(process: Process, deadline: float) -> bytes:
    """Return the next bytes; none when the command has ended and its status is known."""
    async with asyncio.timeout_at(deadline):
        if process.stdout is None:
            return b""
        data = await process.stdout.read(_CHUNK)
        if not data:
            await process.wait()
        return data


async def _talk(process: Process, stdin: bytes | None, out: bytearray, err: bytearray) -> None:
    await asyncio.gather(
        _feed(process.stdin, stdin or b""),
        _drain(process.stdout, out),
        _drain(process.stderr, err),
    )
    await process.wait()


async def _feed(stdin: asyncio.StreamWriter | None, data: bytes) -> None:
    if stdin is None:
        return
    # A command that reads nothing may be over before its input is written.
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(data)
        await stdin.drain()
    stdin.close()


async def _drain(stream: asyncio.StreamReader | None, into: bytearray) -> None:
    while stream is not None and (data := await stream.read(_CHUNK)):
        into.extend(data)


async def _end(process: Process) -> None:
    """Have the whole group end, gently first."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None and (not process.stdout or process.stdout.at_eof()):
            return
        # Gone already, perhaps, and we have not been told yet: so wait for it all the same.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                # Read on meanwhile: with a full pipe it can't finish.
                await _talk(process, None, bytearray(), bytearray())


def _status(process: Process) -> int:
    return commands.exit_status(process.returncode or 0)


def _text(data: bytearray) -> str:
    return data.decode("utf-8", "replace")
