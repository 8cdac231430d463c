"""`serve` as a process of its own, and a client that costs little."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from bench.lab import Lab
from spark_control.settings.load import process_environment
from spark_control.settings.table import setting_of

CLI = ("-m", "spark_control")
SERVER = ("-P", "-m", "spark_control.app")
_END_S = 30.0
_LOOK_S = 0.002


class DidNotAnswer(Exception):
    """The server did not come up, or answered something else than 200."""


@dataclass(slots=True)
class Served:
    """A server that was started: `began` is the moment before its process was made."""

    process: "subprocess.Popen[bytes]"
    port: int
    began: float

    def first(self, path: str, *, within_s: float = 30.0) -> float:
        """Return the seconds from the start to the first answer 200 of `path`."""
        while time.perf_counter() - self.began < within_s and self.process.poll() is None:
            with suppress(OSError, http.client.HTTPException):
                if self.ask("GET", path)[0] == 200:
                    return time.perf_counter() - self.began
            Event().wait(_LOOK_S)
        raise DidNotAnswer(f"{path} did not answer.")

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, object]:
        """Return status and JSON of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def serving(
    lab: Lab, data: Path, *, words: tuple[str, ...] = SERVER, more: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Run `serve` over the lab; `more` are settings laid over those of the lab."""
    kept = {k: v for k, v in process_environment().items() if setting_of(k) is None}
    # A home of its own: keys and configuration of the person who measures stay out of it.
    env = {**kept, "HOME": str(lab.folder), **lab.variables(), **(more or {})}
    port = free_port()
    line = [sys.executable, *words, "serve", "--port", str(port), "--data-dir", str(data)]
    began = time.perf_counter()
    process = subprocess.Popen(
        line, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield Served(process, port, began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
