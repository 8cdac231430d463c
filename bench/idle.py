"""What `serve` takes from the machine while nothing is asked of it."""

import http.client
import time
from collections.abc import Callable
from threading import Event, Thread

from bench import lab
from bench.gateway.process import family
from bench.machine import cpu_s, pss_mb
from bench.serving import Served, serving
from bench.table import Outcome, Row, single
from bench.wish import Wish

MUST_MB = 120.0
MUST_PERCENT = 2.0
SETTLE_S = 5.0


def measure(wish: Wish) -> Outcome:
    """Watch one server, first alone, then with a page open."""
    seconds = wish.times(60, 15)
    with lab.running(wish.folder / "lab", 2) as played, serving(
        played, wish.folder / "data"
    ) as served:  # fmt: skip
        served.first("/api/status")
        Event().wait(SETTLE_S)
        rows = _watched(served, seconds, "nobody looks")
        page = _Page(served.port)
        page.open()
        served.ask("GET", "/api/models")
        Event().wait(SETTLE_S)
        rows += _watched(served, seconds, "a page is open")
        sent, rate = page.bytes_seen, page.bytes_seen / (seconds + SETTLE_S)
    notes = (
        f"Two lab Sparks, {seconds} s each; control and one gateway worker together. Private is "
        "what only these processes hold; the PSS of a process with no neighbour of the same "
        "Python is nearer to its resident size.",
        f"The page was sent {sent} bytes of events, {rate:.0f} a second.",
    )
    return Outcome(tuple(rows), notes)


def _watched(served: Served, seconds: float, when: str) -> list[Row]:
    pids = family(served.process.pid)
    used = _rate(lambda: sum(cpu_s(pid) for pid in pids), seconds)
    parts = [pss_mb(pid) for pid in pids]
    memory = {name: sum(part[name] for part in parts) for name in parts[0]}
    return [
        single(f"{when}: memory, PSS", "MB", memory["Pss"], must=MUST_MB),
        single(f"{when}: memory, private", "MB", memory["Private"]),
        single(f"{when}: memory, resident", "MB", memory["Rss"]),
        single(f"{when}: CPU", "% of a core", used * 100, must=MUST_PERCENT),
    ]


def _rate(read: Callable[[], float], seconds: float) -> float:
    before, began = read(), time.perf_counter()
    Event().wait(seconds)
    return (read() - before) / (time.perf_counter() - began)


class _Page:
    """Reads `/api/events` as a page does, until the server ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.bytes_seen = 0

    def open(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("GET", "/api/events")
        answer = connection.getresponse()
        Thread(target=self._read, args=(answer,), daemon=True).start()

    def _read(self, answer: http.client.HTTPResponse) -> None:
        while data := answer.read1(65536):
            self.bytes_seen += len(data)
