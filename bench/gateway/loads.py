"""What asks: wrk for whole answers, our own program for streams."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.gateway.process import LOAD_CORE, on_core
from bench.gateway.programs import Programs
from bench.gateway.way import MODEL, Way
from bench.serving import DidNotAnswer

_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_COUNT = re.compile(r"(\d+) requests in")
_WRONG = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.+)")
_TIME = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m) *$", re.MULTILINE)
_US = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}
_TEXT = "The quick brown fox jumps over the lazy dog. "


@dataclass(frozen=True, slots=True)
class Whole:
    """What wrk saw; times in microseconds."""

    per_s: float
    count: int
    p50_us: float
    p99_us: float
    wrong: int


@dataclass(frozen=True, slots=True)
class Streamed:
    """What our load saw; times in microseconds, `left_at` in nanoseconds of the clock."""

    ok: int
    wrong: int
    chunks: int
    elapsed_s: float
    delay_p50_us: float
    delay_p99_us: float
    first_p50_us: float
    left_at: tuple[int, ...]


def body(size: int) -> str:
    """Return a request of that many bytes."""
    text: dict[str, object] = {"model": MODEL, "max_tokens": 160, "temperature": 0.7}
    bare = json.dumps({**text, "messages": [{"role": "user", "content": ""}]})
    room = max(0, size - len(bare))
    filled = (_TEXT * (room // len(_TEXT) + 1))[:room]
    return json.dumps({**text, "messages": [{"role": "user", "content": filled}]})


def script(way: Way, size: int) -> str:
    """Return the Lua that tells wrk what to send."""
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in way.headers.items()]
    return "\n".join(['wrk.method = "POST"', *lines, f"wrk.body = [==[{body(size)}]==]", ""])


def wrk(
    programs: Programs, way: Way, folder: Path, *, connections: int, size: int, seconds: int
) -> Whole:
    """Ask on so many connections, each as fast as it is answered."""
    path = folder / f"{way.name}-{size}.lua"
    path.write_text(script(way, size), encoding="utf-8")
    words = on_core(LOAD_CORE, [
        programs.wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s",
        "-s", path, f"http://127.0.0.1:{way.port}/v1/chat/completions",
    ])  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 30, check=False)
    return read_wrk(done.stdout)


def read_wrk(text: str) -> Whole:
    """Read what wrk prints. Raises DidNotAnswer."""
    rate, count = _RATE.search(text), _COUNT.search(text)
    times = {share: float(value) * _US[unit] for share, value, unit in _TIME.findall(text)}
    if rate is None or count is None or int(count[1]) == 0 or len(times) < 2:
        raise DidNotAnswer("wrk: " + " ".join(text.split())[-160:])
    wrong = sum(
        int(bad or 0) + sum(int(number) for number in re.findall(r"\d+", failed))
        for bad, failed in _WRONG.findall(text)
    )
    return Whole(float(rate[1]), int(count[1]), times["50"], times["99"], wrong)


@dataclass(frozen=True, kw_only=True, slots=True)
class Streams:
    """How many streams, how long, how fast; 0 a second is all at once."""

    streams: int
    chunks: int
    rate: int
    seconds: int = 0
    stagger_ms: int = 0
    leave_after: int = 0


def streamed(programs: Programs, way: Way, asked: Streams) -> Streamed:
    """Read the streams to their end, or leave them."""
    words = on_core(LOAD_CORE, [
        programs.load, str(way.port), MODEL, way.key or "-", str(asked.streams),
        str(asked.chunks), str(asked.rate), "--seconds", str(asked.seconds),
        "--stagger", str(asked.stagger_ms), "--leave-after", str(asked.leave_after),
    ])  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise DidNotAnswer(f"load: {done.returncode} {done.stderr[-200:]}")
    return read_load(json.loads(done.stdout))


def read_load(said: Mapping[str, object]) -> Streamed:
    """Read what our load prints."""
    return Streamed(
        ok=_int(said, "ok"),
        wrong=sum(_int(said, name) for name in ("bad", "unfinished", "disorder")),
        chunks=_int(said, "chunks"),
        elapsed_s=float(str(said["elapsed_s"])),
        delay_p50_us=_share(said, "delay_us", "p50"),
        delay_p99_us=_share(said, "delay_us", "p99"),
        first_p50_us=_share(said, "first_us", "p50"),
        left_at=_numbers(said["left_at"]),
    )


def _int(said: Mapping[str, object], name: str) -> int:
    return int(str(said[name]))


def _share(said: Mapping[str, object], name: str, share: str) -> float:
    found = said[name]
    return float(found[share]) if isinstance(found, dict) else 0.0


def _numbers(found: object) -> tuple[int, ...]:
    return tuple(int(one) for one in found) if isinstance(found, list) else ()
