"""Pages and the API: asked through the worker, and straight at the control process."""

import http.client
import socket
import time
from pathlib import Path
from threading import Event

from typing_extensions import override

from bench.gateway.stage import Stage
from bench.gateway.way import Way
from bench.serving import DidNotAnswer

PATHS = {"page": "/", "api": "/api/status"}
BLOCK = 25
_BETWEEN_S = 0.005


class Straight(http.client.HTTPConnection):
    """A connection to a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("127.0.0.1", timeout=10)
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def added(stage: Stage, *, blocks: int) -> dict[str, float]:
    """Return the milliseconds at the median that the way through the worker adds."""
    way = stage.ours.way
    through = http.client.HTTPConnection("127.0.0.1", way.port, timeout=10)
    straight = Straight(stage.ours.socket)
    numbers: dict[str, float] = {}
    for what, path in PATHS.items():
        near, far = list[float](), list[float]()
        for _ in range(blocks + 1):
            near += [_took(straight, path, way) for _ in range(BLOCK)]
            far += [_took(through, path, way) for _ in range(BLOCK)]
        del near[:BLOCK], far[:BLOCK]  # the first block warms up
        numbers[f"{what}_added_ms"] = max(0.0, _median(far) - _median(near))
        numbers[f"{what}_ms"] = _median(far)
    through.close()
    straight.close()
    return numbers


def api_times(way: Way, seconds: float) -> list[float]:
    """Ask the API for a while and return the milliseconds, sorted."""
    connection = http.client.HTTPConnection("127.0.0.1", way.port, timeout=10)
    took, until = list[float](), time.monotonic() + seconds
    while time.monotonic() < until:
        took.append(_took(connection, PATHS["api"], way))
        Event().wait(_BETWEEN_S)
    connection.close()
    return sorted(took)


def _took(connection: http.client.HTTPConnection, path: str, way: Way) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers=way.headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise DidNotAnswer(f"{path}: {answer.status}")
    return (time.perf_counter() - began) * 1000


def _median(found: list[float]) -> float:
    return sorted(found)[len(found) // 2]
