"""`serve`: from the environment to a listening server."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spark_control import __version__
from spark_control.app import backup, logs
from spark_control.app import boot as boots
from spark_control.app.asgi import build
from spark_control.app.boot import Boot
from spark_control.app.compose import Parts, compose
from spark_control.app.server import DRAIN_S, serve
from spark_control.app.wire_gateway import wire_workers
from spark_control.core.errors import AppError, BadInput
from spark_control.core.sockets import bound, check_free, listen_at
from spark_control.core.tasks import Tasks
from spark_control.gateway.adapters.worker_processes import there
from spark_control.settings.adapters.data_dir import InstanceLock
from spark_control.settings.domain import read_value
from spark_control.settings.errors import SettingInvalid
from spark_control.settings.load import environment
from spark_control.settings.table import TABLE

PRIVATE = 0o077


class OptionInvalid(BadInput):
    """The command line gives a start a value that it cannot take."""

    code = "option_invalid"
    hint = "Correct it and start again."


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line said of the start; None leaves it to the settings."""

    host: str | None = None
    port: int | None = None
    data_dir: str | None = None
    workers: int | None = None

    @property
    def folder(self) -> Path | None:
        """Return the data directory as an absolute path."""
        return Path(self.data_dir).expanduser().absolute() if self.data_dir else None

    def over(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with what was given laid over them. Raises OptionInvalid."""
        said = (
            ("--host", "BIND", self.host),
            ("--port", "PORT", self.port),
            ("--data-dir", "DATA_DIR", self.folder or self.data_dir),
            ("--workers", "GATEWAY_WORKERS", self.workers),
        )
        given = {name: _fit(word, name, str(v)) for word, name, v in said if v is not None}
        return {**variables, **given}


def _fit(word: str, name: str, text: str) -> str:
    try:
        return read_value(TABLE[name], text)
    except SettingInvalid as error:
        raise OptionInvalid(f"{word}: {error.message.removeprefix(f'{name}: ')}") from error


@dataclass(slots=True)
class Starting:
    """Around the application: says hello once its start has succeeded, keeps why it has not."""

    app: ASGIApp
    hello: Callable[[], None]
    up: bool = field(init=False, default=False)
    failed: AppError | None = field(init=False, default=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, lambda message: self._tell(message, send))
        except AppError as error:
            if self.up:
                raise
            self.failed = error
            await send({"type": "lifespan.startup.failed"})

    async def _tell(self, message: Message, send: Send) -> None:
        if message["type"] == "lifespan.startup.complete":
            self.up = True
            self.hello()
        if message["type"] != "lifespan.startup.failed":  # its words are a traceback
            await send(message)


def run(given: Given) -> int:
    """Serve the fleet of the environment until stopped."""
    return start(boots.read(given.over(environment())), greet)


def start(boot: Boot, hello: Callable[[Parts, str], None]) -> int:
    """Serve `boot` until stopped; `hello` is called with the address once all is up.

    Raises AppError for what stops a start.
    """
    os.umask(PRIVATE)
    lock = InstanceLock(boot.data.root)
    try:
        backup.sweep(boot.data.root)
        logs.set_up(boot.data.logs)
        host = boot.started.text("BIND")
        with reserved(host, boot.started.number("PORT"), boot.data.run) as port:
            parts = compose(boot)
            shown = f"[{host}]" if ":" in host else host
            app = Starting(build(parts), parts.started.set)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_both(app, parts, port, lambda: hello(parts, f"http://{shown}:{port}")))
    finally:
        lock.release()
    if app.failed is not None:
        raise app.failed
    return 0 if app.up else 1


@contextmanager
def reserved(host: str, port: int, run: Path) -> Iterator[int]:
    """Hold the address for the workers and give its port; those that live have it already.

    Raises AddressTaken.
    """
    alive = [hello.port for hello in there(run) if port in {0, hello.port}]
    if alive:
        port = alive[0]
    elif port:
        check_free(host, port)
    with bound(host, port, shared=True) as sock:
        yield int(sock.getsockname()[1])


async def _both(app: Starting, parts: Parts, port: int, hello: Callable[[], None]) -> None:
    """Serve behind the workers, and keep those running."""
    tasks = Tasks("gateway workers")
    workers = wire_workers(parts.boot, parts.link, parts.clock, tasks, port=port, drain_s=DRAIN_S)

    async def greeting() -> None:
        await parts.started.wait()
        try:
            await workers.ready()
        except AppError as error:
            app.failed = error
            os.kill(os.getpid(), signal.SIGTERM)
            return
        hello()

    def stop() -> None:
        workers.dismiss()
        parts.drain()

    workers.start()
    _ = tasks.spawn(greeting(), name="greeting")
    with listen_at(parts.boot.data.run / "control.sock") as sock:
        try:
            await serve(app, sock, stop)
        finally:
            await workers.stop()
            await tasks.close()


def greet(parts: Parts, url: str) -> None:
    """Say where the page is, and print a token that was made just now: only this once."""
    sparks = len(parts.configuration.current.sparks)
    lines = [f"Spark Control {__version__} listens on {url}"]
    if not sparks:
        lines.append("No Spark yet: set SPARK1_HOST and SPARK1_USER and start again.")
    if (fresh := parts.owner.fresh) is not None:
        lines += ["", "Owner token, shown only now:", f"  {fresh.reveal()}", ""]
    elif parts.owner.required:
        lines.append("The owner token is asked for.")
    if parts.owner.required and parts.owner.keys.keyless_outside:
        lines.append("Apps may use /v1 without a token, as with the older system.")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
