"""One command over SSH: a real shell in a process group of its own.

As with OpenSSH, a command outlives a connection that breaks (its pipes close); a channel that
the client closes, and a signal request, end the whole group.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import asyncssh
from typing_extensions import override

from spark_control.core.clock import Clock
from spark_control.core.tasks import Tasks
from spark_control.lab.faults import Fault

# The nearest thing to a full disk that needs no root: no file may grow, and programs see an error.
_DISK_FULL = ("/bin/sh", "-c", "ulimit -f 0; trap '' XFSZ; exec /bin/sh -c \"$1\"", "sh")
_SHELL = ("/bin/sh", "-c")
_MID_COMMAND_S = 0.1


class Troubles(Protocol):
    """Which faults are on, asked when a command starts."""

    def param(self, fault: Fault) -> str | None:
        """Return the parameter of `fault`, or None when it is off."""

    def clear(self, fault: Fault) -> None:
        """Switch `fault` off; nothing happens when it is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What every session of one Spark shares."""

    home: Path
    env: Mapping[str, str]
    troubles: Troubles
    clock: Clock
    tasks: Tasks
    running: "set[Session]" = field(default_factory=set)
    """The sessions whose process has not ended."""


@dataclass(slots=True)
class Cut:
    """A connection that will break: after `left` bytes of output, or soon when that is None."""

    left: int | None = None

    @classmethod
    def of(cls, param: str, command: str) -> "Cut | None":
        """Return the cut `param` asks for, or None when it does not mean this command."""
        kind, _, count = param.partition(" ")
        if kind == "bytes" and count.isdecimal():
            return cls(int(count))
        return cls() if param in command else None


class Session(asyncssh.SSHServerSession[bytes]):
    """A channel of a client and the process behind it."""

    def __init__(self, shell: Shell, reset: Callable[[], None], done: Callable[[], None]) -> None:
        self._shell = shell
        self._reset = reset
        self._done = done
        self._command = ""
        self._cut: Cut | None = None
        self._chan: asyncssh.SSHServerChannel[bytes] | None = None
        self._process: asyncio.SubprocessTransport | None = None
        self._early: list[bytes] = []
        self._eof = False
        self._ended = False

    @override
    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._chan = chan

    @override
    def exec_requested(self, command: str) -> bool:
        self._command = command
        return True

    @override
    def shell_requested(self) -> bool:
        self._command = "exec sh"
        return True

    @override
    def session_started(self) -> None:
        _ = self._shell.tasks.spawn(self._start(), name="session")

    async def _start(self) -> None:
        troubles = self._shell.troubles
        if (slow := troubles.param(Fault.SLOW)) is not None:
            await self._shell.clock.sleep(float(slow or 3))
        if (cut := troubles.param(Fault.CUT)) is not None:
            self._cut = Cut.of(cut, self._command)
        if self._cut:
            troubles.clear(Fault.CUT)
        if self._chan is None:
            return
        full = troubles.param(Fault.DISK_FULL) is not None
        loop = asyncio.get_running_loop()
        process, _ = await loop.subprocess_exec(
            lambda: _Pipes(self),
            *(_DISK_FULL if full else _SHELL),
            self._command,
            env=self._environment(),
            cwd=self._shell.home,
            start_new_session=True,
        )
        self._process = process
        self._shell.running.add(self)
        self._feed()
        if self._cut and self._cut.left is None:
            loop.call_later(_MID_COMMAND_S, self._reset)

    def _environment(self) -> dict[str, str]:
        env = dict(self._shell.env)
        if self._chan and (user := self._chan.get_extra_info("username")):
            env["USER"] = env["LOGNAME"] = user
        return env

    def _stdin(self) -> asyncio.WriteTransport | None:
        pipe = self._process.get_pipe_transport(0) if self._process else None
        return pipe if isinstance(pipe, asyncio.WriteTransport) else None

    def _feed(self) -> None:
        if self._chan is None:
            self._hang_up()
        elif stdin := self._stdin():
            stdin.writelines(self._early)
            self._early.clear()
            if self._eof:
                stdin.write_eof()

    @override
    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if stdin := self._stdin():
            stdin.write(data)
        elif self._process is None:
            self._early.append(data)

    @override
    def eof_received(self) -> bool:
        self._eof = True
        if stdin := self._stdin():
            stdin.write_eof()
        return True

    def crowded(self, *, full: bool) -> None:
        """Stop or resume taking input: the command reads slower than the client writes."""
        if full and self._chan:
            self._chan.pause_reading()
        elif not full:
            # Not from inside the pipe's own callback: the end of the input, when it comes with
            # the last data, would close the pipe before that is written.
            asyncio.get_running_loop().call_soon(self._take_more)

    def _take_more(self) -> None:
        if self._chan:
            self._chan.resume_reading()

    @override
    def pause_writing(self) -> None:
        self._outputs("pause_reading")

    @override
    def resume_writing(self) -> None:
        self._outputs("resume_reading")

    def _outputs(self, method: str) -> None:
        for number in (1, 2):
            pipe = self._process.get_pipe_transport(number) if self._process else None
            if isinstance(pipe, asyncio.ReadTransport) and not pipe.is_closing():
                getattr(pipe, method)()

    def output(self, fd: int, data: bytes) -> None:
        """Pass on what the command printed, as far as a cut lets it."""
        if self._chan is None:
            return
        if self._cut and self._cut.left is not None:
            data, rest = data[: self._cut.left], data[self._cut.left :]
            self._cut.left -= len(data)
            if rest:
                self._write(fd, data)
                self._reset()
                return
        self._write(fd, data)

    def _write(self, fd: int, data: bytes) -> None:
        if self._chan and data:
            self._chan.write(data, asyncssh.EXTENDED_DATA_STDERR if fd == 2 else None)

    def finished(self, status: int) -> None:
        """Tell the client how the command ended; a cut connection ends without that."""
        self._shell.running.discard(self)
        if self._cut:
            self._reset()
        elif self._chan and status < 0:
            self._chan.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
        elif self._chan:
            self._chan.exit(status)

    @override
    def signal_received(self, signal: str) -> None:
        self._signal(f"SIG{signal}")

    @override
    def break_received(self, msec: int) -> bool:
        self._signal("SIGINT")
        return True

    def _signal(self, name: str) -> None:
        number = getattr(signal, name, None)
        if self._process and self._process.get_returncode() is None and number:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.get_pid(), number)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        chan, self._chan = self._chan, None
        self._ended = chan is not None and chan.get_extra_info("socket") is not None
        self._hang_up()
        self._done()

    def _hang_up(self) -> None:
        """Close the command's pipes; end it too when the client closed the channel."""
        if self._ended:
            self._signal("SIGKILL")
        for number in (0, 1, 2):
            if pipe := self._process.get_pipe_transport(number) if self._process else None:
                pipe.close()


class _Pipes(asyncio.SubprocessProtocol):
    """Hands what a process does to its session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._process: asyncio.SubprocessTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - asyncio's promise
        self._process = transport

    @override
    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)  # noqa: S101 - the pipes are binary
        self._session.output(fd, data)

    @override
    def pause_writing(self) -> None:
        self._session.crowded(full=True)

    @override
    def resume_writing(self) -> None:
        self._session.crowded(full=False)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        assert self._process is not None  # noqa: S101 - made before it can be lost
        self._session.finished(self._process.get_returncode() or 0)
        self._process.close()
