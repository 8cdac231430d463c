"""A gateway worker: `python -m spark_control.gateway.worker`. The control process starts it."""

import argparse
import asyncio
import fcntl
import gc
import logging
import os
import resource
import signal
import sys
from pathlib import Path

import msgspec
import uvloop

from spark_control.core import sockets
from spark_control.core.clock import RealClock
from spark_control.core.errors import AppError
from spark_control.core.ids import RandomIds
from spark_control.core.tasks import Tasks, run_unless
from spark_control.gateway.wire import Hello
from spark_control.gateway.worker.link import Link, config_line
from spark_control.gateway.worker.place import Place
from spark_control.gateway.worker.spool import Shelf
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.worker import Worker

FORMAT = "%(asctime)s %(levelname)-7s [%(process)d] %(message)s"

LEAVING = "leaving"
"""What stands for the options of a worker that has left its port, so that nobody takes it over."""


def options() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    parser = argparse.ArgumentParser(prog="spark-control gateway worker")
    parser.add_argument("--run", type=Path, required=True, help="folder of the sockets")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--release", required=True)
    parser.add_argument("--config", required=True)
    return parser


def note(folder: Path, hello: Hello) -> Path:
    """Write down who we are, with a lock on it that ends when we do."""
    path = folder / f"worker-{hello.pid}.json"
    new = path.with_suffix(".new")  # nobody sees the note before the lock is on it
    handle = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(handle, config_line(hello))
    return new.rename(path)


async def serve(given: argparse.Namespace, hello: Hello) -> None:
    """Serve until told to leave."""
    loop = asyncio.get_running_loop()
    clock, times = RealClock(), Times()
    known, leave, hurry = asyncio.Event(), asyncio.Event(), asyncio.Event()
    link = Link(sockets.reach(given.run / "link.sock"), hello, clock, times)
    control = Place(
        name="control", base_url="control", socket=sockets.reach(given.run / "control.sock")
    )
    worker = Worker(
        loop=loop, clock=clock, ids=RandomIds(), times=times, control=control, ledger=link,
        workers=given.workers, shelf=Shelf(folder=str(given.run)),
    )  # fmt: skip
    sock = sockets.bound(given.host, given.port, shared=True)

    def knows() -> None:
        """Take connections, not before: of those that share the port it would know nothing."""
        if not known.is_set():
            sock.listen(sockets.BACKLOG)
            known.set()

    def ends() -> None:
        known.set()
        leave.set()
        hurry.set()

    def relieved() -> None:
        known.set()  # it may never have been told by what to decide
        leave.set()

    link.serve(worker, ends, on_relief=relieved, on_state=knows)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ends)
    tasks = Tasks("link")
    _ = tasks.spawn(link.run(), name="talk")
    _ = tasks.spawn(link.report(), name="report")
    await known.wait()
    if not leave.is_set():
        await worker.listen(sock)
    await leave.wait()
    left = msgspec.structs.replace(hello, config=LEAVING)
    note(given.run, left)
    link.leaving(left)
    await _drained(worker, hurry)
    link.flush()
    await tasks.close()
    sock.close()


async def _drained(worker: Worker, hurry: asyncio.Event) -> None:
    """Let all that runs end, but for `hurry`."""

    async def told() -> None:
        await hurry.wait()

    times = worker.times
    if hurry.is_set() or not await run_unless(worker.drain(timeout_s=times.total), told()):
        await worker.drain(timeout_s=times.drain)


def main() -> int:
    """Serve until told to leave."""
    given = options().parse_args()
    logging.basicConfig(level=logging.INFO, format=FORMAT, stream=sys.stderr)
    hello = Hello(
        pid=os.getpid(), release=given.release, config=given.config, port=given.port
    )  # fmt: skip
    path = note(given.run, hello)
    # A stream takes two files, and the usual soft limit of 1024 is meant for programs with select.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # What a request leaves behind holds no cycles, so looking for them often is wasted.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(given, hello))
    except AppError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    finally:
        path.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
