"""What the way through Spark Control adds to a request, against asking the engine directly."""

import http.client
import json
import time
from dataclasses import dataclass, field
from threading import Event

from bench import lab
from bench.lab import ENGINE_PORT
from bench.serving import DidNotAnswer, Served, serving
from bench.table import Outcome, Row, quantile, single, spread
from bench.wish import Wish

MODEL = "smollm2"
BLOCK = 25
TOKENS = 200
LOAD_S = 60.0
NOTES = (
    "One client, one kept connection each; direct and through Spark Control take turns in blocks "
    f"of {BLOCK}. The engine is the scripted one, without its pauses.",
    f"A burst is a stream of {TOKENS} tokens, all at once; its time per chunk is that of all of "
    "them, divided. No promise yet: the gateway becomes a process of its own later.",
)


@dataclass(slots=True)
class Way:
    """One way to the engine, and the milliseconds that were seen on it."""

    name: str
    connection: http.client.HTTPConnection
    whole: list[float] = field(default_factory=list)
    short: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    chunk: list[float] = field(default_factory=list)


def measure(wish: Wish) -> Outcome:
    """Load the scripted engine by a swap, then ask it on both ways."""
    data = wish.folder / "data"
    with lab.running(wish.folder / "lab", 1, models=MODEL) as played:
        played.recipes(data)
        with serving(played, data) as served:
            served.first("/api/status")
            _load(served)
            ways = (
                Way("direct", _connection(played.sparks[0].host, ENGINE_PORT)),
                Way("through", _connection("127.0.0.1", served.port)),
            )
            _requests(ways, wish.times(40, 8))
            _streams(ways, wish.times(100, 20))
            for way in ways:
                way.connection.close()
    return Outcome(tuple(_rows(*ways)), NOTES)


def _load(served: Served) -> None:
    status, swap = served.ask("POST", "/api/swap", {"model": MODEL})
    for _ in range(int(LOAD_S * 10)):
        if status >= 300 or not isinstance(swap, dict) or swap["state"] in {"failed", "cancelled"}:
            break
        if swap["state"] == "ready":
            return
        Event().wait(0.1)
        status, swap = served.ask("GET", f"/api/swap/{swap['id']}")
    raise DidNotAnswer(f"the engine was not loaded: {swap}")


def _connection(host: str, port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(host, port, timeout=30)


def _body(**more: object) -> bytes:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "?"}], **more}
    padding = "x " * ((1024 - len(json.dumps(body))) // 2)
    body["messages"] = [{"role": "user", "content": padding + "?"}]
    return json.dumps(body).encode()


def _ask(way: Way, body: bytes) -> http.client.HTTPResponse:
    headers = {"Content-Type": "application/json"}
    way.connection.request("POST", "/v1/chat/completions", body, headers)
    answer = way.connection.getresponse()
    if answer.status != 200:
        raise DidNotAnswer(f"{way.name}: {answer.status} {answer.read()[:200]!r}")
    return answer


def _requests(ways: tuple[Way, ...], blocks: int) -> None:
    body = _body(max_tokens=16)
    for _ in range(blocks):
        for way in ways:
            for _ in range(BLOCK):
                began = time.perf_counter()
                _ask(way, body).read()
                way.whole.append((time.perf_counter() - began) * 1000)


def _streams(ways: tuple[Way, ...], count: int) -> None:
    short = _body(stream=True, max_tokens=1)
    burst = _body(stream=True, max_tokens=TOKENS, ignore_eos=True)
    for _ in range(count):
        for way in ways:
            way.short.append(_stream(way, short, 1)[0])
            first, whole = _stream(way, burst, TOKENS)
            way.first.append(first)
            way.chunk.append(whole / TOKENS)


def _stream(way: Way, body: bytes, tokens: int) -> tuple[float, float]:
    """Return the milliseconds to the first bytes and to the end."""
    began = time.perf_counter()
    answer = _ask(way, body)
    data = answer.read1(65536)
    first = time.perf_counter()
    data += answer.read()
    if data.count(b"data: ") < tokens:
        raise DidNotAnswer(f"{way.name}: {data.count(b'data: ')} chunks")
    return (first - began) * 1000, (time.perf_counter() - began) * 1000


def _rows(direct: Way, through: Way) -> list[Row]:
    rows = []
    for label, near, far in (
        ("1 KB request, whole answer", direct.whole, through.whole),
        ("stream of one token, first bytes", direct.short, through.short),
        ("burst, first bytes", direct.first, through.first),
        ("burst, per chunk", direct.chunk, through.chunk),
    ):
        rows += [spread(f"{label}: direct", "ms", near), spread(f"{label}: through", "ms", far)]
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            added = quantile(sorted(far), share) - quantile(sorted(near), share)
            rows.append(single(f"{label}: added at {name}", "ms", added))
    return rows
