"""What every kind of host does alike: how a file is put, and what an exit status means."""

import re
import shlex

from spark_control.core.shell import Command, RemotePath
from spark_control.fleet.errors import CommandFailed, CommandTimeout
from spark_control.fleet.ports import Result

# A cut connection ends `cat` like the end of the file does: only the size tells the two apart.
_PUT = """\
set -eu
umask 077
mkdir -p -- "$1"
trap 'rm -f -- "$2"' EXIT
trap 'exit 1' HUP INT TERM
cat > "$2"
[ "$(wc -c < "$2")" -eq "$5" ]
chmod "$4" "$2"
mv -fT -- "$2" "$3"
"""
_ENDED_BY_TIMEOUT = (124, 128 + 9)
_PID = re.compile(r"spark-control-pid (\d+)\n")


def put_command(path: RemotePath, size: int, *, mode: int, tag: str) -> Command:
    """Return the command that writes `size` bytes of its input to `path`, whole or not at all."""
    part = path.parent / f".{tag}.part"
    return Command.of("sh", "-c", _PUT, "put", path.parent, part, path, f"{mode:o}", str(size))


def put_limit_s(size: int) -> float:
    """Return the seconds that writing `size` bytes may take: half a minute and 1 MB/s."""
    return 30.0 + size / 1e6


def put_done(path: RemotePath, result: Result) -> None:
    """Raise CommandFailed unless the file was written."""
    if result.exit_status != 0:
        raise CommandFailed(
            f"{path} could not be written.",
            detail={"exit_status": result.exit_status, "stderr": result.stderr[-500:]},
        )


def exit_status(returncode: int) -> int:
    """Return the status as a shell tells it: ended by signal n is 128 + n."""
    return returncode if returncode >= 0 else 128 - returncode


def in_time(command: Command, result: Result, *, took_s: float, limit_s: float) -> Result:
    """Return `result`. Raises CommandTimeout when `timeout` on the far side ended the command.

    124 is also a status a command may have of its own accord, hence the look at the time.
    """
    if took_s >= limit_s and result.exit_status in _ENDED_BY_TIMEOUT:
        raise too_slow(command, limit_s, result.stderr or result.stdout)
    return result


def too_slow(command: Command, limit_s: float, printed: str = "") -> CommandTimeout:
    """Return the error for a command that did not end in time."""
    name = str(command.words[0]) if command.words else ""
    return CommandTimeout(
        f"`{name}` did not end within {limit_s:g} s.", detail={"printed": printed[-500:]}
    )


def announced(line: str, *, merged: bool) -> str:
    """Return the line that tells the process id of `line` on its stderr, then becomes `line`.

    With `merged` all that follows goes to stdout. Whatever the login shell is, `sh` reads it.
    """
    merge = "exec 2>&1; " if merged else ""
    return f"exec sh -c {shlex.quote(f'echo spark-control-pid $$ >&2; {merge}{line}')}"


def announced_pid(stderr: str) -> int | None:
    """Return the process id that an announced command told."""
    found = _PID.search(stderr)
    return int(found[1]) if found else None


def unannounced(stderr: str) -> str:
    """Return what the command itself printed."""
    return _PID.sub("", stderr, count=1)


def ending(pid: int) -> str:
    """Return the line that has an announced command and all of its group end."""
    return f"exec sh -c 'kill -TERM -- -{pid} || kill -TERM {pid}' 2>/dev/null"
