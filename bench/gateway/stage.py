"""Everything that a run needs, up at once: the upstream, ours, and the gateways of others."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeVar

from bench.gateway.peers import peers
from bench.gateway.process import GATEWAY_CORE, LOAD_CORE, move, running
from bench.gateway.programs import Programs
from bench.gateway.way import DIRECT, MODEL, OURS, UP_S, Way
from bench.serving import DidNotAnswer, free_port
from spark_control.settings.load import process_environment
from spark_control.settings.table import setting_of

TOKEN = "a-token-of-this-bench-only"  # noqa: S105 - of a server that lives for a minute
T = TypeVar("T")
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Ours:
    """The way through our worker, and the control process behind it."""

    way: Way
    control: int
    socket: Path


@dataclass(frozen=True, slots=True)
class Stage:
    """All ways, `direct` first; `ours` is one of them."""

    programs: Programs
    folder: Path
    direct: Way
    ours: Ours
    others: tuple[Way, ...]

    @property
    def ways(self) -> tuple[Way, ...]:
        """Return every way."""
        return (self.direct, self.ours.way, *self.others)


@contextmanager
def staged(programs: Programs, folder: Path) -> Iterator[Stage]:
    """Start all that is here; it is gone when this is left. Raises DidNotAnswer."""
    log = folder / "upstream.log"
    with ExitStack() as stack:
        upstream = stack.enter_context(
            running([programs.upstream, MODEL], core=LOAD_CORE, log=log)
        )
        port = int(_seen("the upstream", lambda: log.read_text(encoding="ascii").strip() or None))
        ours = stack.enter_context(_ours(folder, port))
        others = []
        for peer in peers(programs, folder, port):
            process = stack.enter_context(
                running(
                    peer.words, core=GATEWAY_CORE, log=folder / f"{peer.name}.log",
                    more=peer.environment,
                )
            )  # fmt: skip
            others.append(Way(peer.name, peer.port, pid=process.pid))
        for way in others:
            way.wait()
        direct = Way(DIRECT, port, pid=upstream.pid)
        yield Stage(programs, folder, direct, ours, tuple(others))


@contextmanager
def _ours(folder: Path, upstream: int) -> Iterator[Ours]:
    """Run `serve` with its token, its limits and its records, and one outside server."""
    data, port = folder / "data", free_port()
    server = {"name": "bench", "base_url": f"http://127.0.0.1:{upstream}", "models": [MODEL]}
    unset = {name: "" for name in process_environment() if setting_of(name) is not None}
    more = {
        **unset, "HOME": str(folder), "DATA_DIR": str(data), "AUTH": "token",
        "AUTH_TOKEN": TOKEN, "UPSTREAMS": json.dumps([server]), "ENGINE_IN_FLIGHT": "1024",
    }  # fmt: skip
    words = [sys.executable, "-P", "-m", "spark_control.app", "serve", "--port", str(port)]
    with running(words, core=GATEWAY_CORE, log=folder / "ours.log", more=more) as process:
        run = data / "run"
        note = _seen("the gateway worker", lambda: next(run.glob("worker-*.json"), None))
        worker = int(json.loads(note.read_text(encoding="utf-8"))["pid"])
        way = Way(OURS, port, key=TOKEN, pid=worker)
        way.wait()
        move(process.pid, {LOAD_CORE})  # the worker has inherited its core, and has it for itself
        yield Ours(way, process.pid, run / "control.sock")


def _seen(what: str, look: Callable[[], T | None]) -> T:
    """Look until there is something. Raises DidNotAnswer."""
    until = time.monotonic() + UP_S
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
        Event().wait(_LOOK_S)
    raise DidNotAnswer(f"{what} did not start")
