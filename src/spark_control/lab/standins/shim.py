"""Holds one container: starts its process 1, keeps its log, and cleans up when it ends.

It watches the lab too: when the lab is gone, however it went, the container goes with it.
"""

import os
import select
import subprocess
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from spark_control.lab.standins import box as boxes
from spark_control.lab.standins import containers, memory, procs

# Docker hands a line to the log when it ends or has grown to this size, so progress bars that
# use \r alone arrive late there too.
_LONGEST = 16 * 1024


class Log:
    """Writes lines with the time they came."""

    def __init__(self, path: Path) -> None:
        self._file = FileIO(path, "a")
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take output; whole lines go to the file."""
        *whole, rest = (self._rest + data).split(b"\n")
        while len(rest) > _LONGEST:
            whole.append(rest[:_LONGEST])
            rest = rest[_LONGEST:]
        self._rest = rest
        stamp = f"{now()} ".encode()
        self._file.write(b"".join(stamp + line + b"\n" for line in whole))

    def close(self) -> None:
        """Write what waits and end."""
        if self._rest:
            self.feed(b"\n")
        self._file.close()


def now() -> str:
    """Return the time as docker writes it."""
    moment = datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def _drain(pipe: int, log: Log) -> None:
    try:
        while data := os.read(pipe, 65536):
            log.feed(data)
    except BlockingIOError:
        return


def _start(one: containers.Container) -> "subprocess.Popen[bytes]":
    with one.pipe.open("wb", buffering=0) as output:
        process = subprocess.Popen(
            one.texts("words"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(pair.split("=", 1) for pair in one.texts("full_env")),
            cwd=one.files,
            start_new_session=True,
        )
    containers.update(one, state="running", pid=process.pid, started=now())
    return process


def _keep(one: containers.Container, process: "subprocess.Popen[bytes]", pipe: int) -> bool:
    """Return when process 1 ended (True) or the lab did (False)."""
    log = Log(one.log)
    life = os.open(one.box.state / "alive", os.O_RDONLY | os.O_NONBLOCK)
    watch = select.poll()
    for handle in (pipe, life, child := os.pidfd_open(process.pid)):
        watch.register(handle, select.POLLIN)
    while True:
        ready = {handle for handle, _ in watch.poll()}
        if pipe in ready:
            _drain(pipe, log)
        if life in ready or child in ready:
            _drain(pipe, log)
            log.close()
            return child in ready


def main(_name: str, words: list[str]) -> int:
    """Run the shim of the container `words[0]`; `words[1]` is a descriptor to say it started."""
    box = boxes.here()
    one = containers.load(box, box.containers / words[0])
    if one is None:
        return 1
    pipe = os.open(one.pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        process = _start(one)
    except OSError as error:
        os.write(int(words[1]), str(error.strerror).encode())
        containers.drop(one)
        return 1
    os.close(int(words[1]))
    natural = _keep(one, process, pipe)
    procs.end_all(one.mark)
    code = process.wait()
    containers.update(
        one, state="exited", exit_code=code if code >= 0 else 128 - code, finished=now()
    )
    if one.meta.get("remove") or (one.folder / "remove").exists():
        containers.drop(one)
    if natural:
        memory.refresh(box)
    return 0
