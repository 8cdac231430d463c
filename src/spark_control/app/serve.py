"""`serve`: from the environment to a listening server."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import uvloop

from spark_control import __version__
from spark_control.app import boot as boots
from spark_control.app import logs
from spark_control.app.asgi import build
from spark_control.app.boot import Boot
from spark_control.app.compose import Parts, compose
from spark_control.app.server import listen, serve
from spark_control.settings.adapters.data_dir import InstanceLock
from spark_control.settings.load import environment


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line said of the start; None leaves it to the settings."""

    host: str | None = None
    port: int | None = None
    data_dir: str | None = None

    def over(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with what was given laid over them."""
        said = {"BIND": self.host, "PORT": self.port, "DATA_DIR": self.data_dir}
        return {
            **variables,
            **{name: str(text) for name, text in said.items() if text is not None},
        }


def run(given: Given) -> int:
    """Serve the fleet of the environment until stopped."""
    return start(boots.read(given.over(environment())), greet)


def start(boot: Boot, hello: Callable[[Parts, str], None]) -> int:
    """Serve `boot` until stopped; `hello` is called with the address once it listens.

    Raises AppError for what stops a start.
    """
    lock = InstanceLock(boot.data.root)
    try:
        logs.set_up(boot.data.logs)
        sock = listen(boot.started.text("BIND"), boot.started.number("PORT"))
        with sock:
            parts = compose(boot)
            host, port = sock.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            hello(parts, f"http://{shown}:{port}")
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve(build(parts), sock, parts.drain))
    finally:
        lock.release()
    return 0


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
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
