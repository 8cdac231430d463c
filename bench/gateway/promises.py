"""What the gateway promises, and whether a run has shown it."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.gateway.samples import Samples, added, ratio
from bench.gateway.way import DIRECT, LITELLM, NGINX, OURS, ROUTER
from bench.table import Table, shown

HEADS = ("what", "measured", "unit", "must", "aim", "")


@dataclass(frozen=True, slots=True)
class Promise:
    """A number with the bound it must hold and the one it aims at; None: not measured."""

    what: str
    unit: str
    value: float | None
    must: float
    aim: float | None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Tell which of the bounds is held."""
        if self.value is None:
            return "not measured"
        if not self._held(self.value, self.must):
            return "MISSED"
        return "aim" if self.aim is not None and self._held(self.value, self.aim) else "must"

    def _held(self, value: float, bound: float) -> bool:
        return value >= bound if self.at_least else value <= bound

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of `HEADS`."""
        sign = "≥" if self.at_least else "≤"
        return (
            self.what,
            "" if self.value is None else shown(self.value),
            self.unit,
            f"{sign} {shown(self.must)}",
            "" if self.aim is None else f"{sign} {shown(self.aim)}",
            self.verdict,
        )


def table(found: Samples) -> Table:
    """Return the promises of a run."""
    rows = [one.cells() for one in (*_rates(found), *_streams(found), *_own(found))]
    return Table(HEADS, tuple(rows), right=frozenset({1, 3, 4}))


def _rates(found: Samples) -> Iterator[Promise]:
    mine = found.get("many", OURS, "per_s")
    for way, must, aim in ((ROUTER, 1.5, 2.2), (NGINX, 0.45, 0.7), (LITELLM, 200.0, 400.0)):
        what = f"req/s, 1 KB, 32 connections, by {way}'s"
        value = ratio(mine, found.get("many", way, "per_s"))
        yield Promise(what, "", value, must, aim, at_least=True)
    big = [found.get("big", way, "per_s") for way in (OURS, ROUTER)]
    what = f"req/s, 100 KB prompt, by {ROUTER}'s"
    yield Promise(what, "", ratio(*big), 1.3, 2.0, at_least=True)


def _streams(found: Samples) -> Iterator[Promise]:
    for share, must in (("p50", 30.0), ("p99", 500.0)):
        mine, nginx = (_later(found, way, f"delay_{share}_us") for way in (OURS, NGINX))
        yield Promise(f"256 streams x 50 chunks/s, added delay {share}", "µs", mine, must, nginx)
    cpu = [found.get("rate", way, "cpu_us") for way in (OURS, NGINX)]
    yield Promise(f"worker CPU per chunk, by {NGINX}'s", "", ratio(*cpu), 1.5, 1.0)


def _later(found: Samples, way: str, number: str) -> float | None:
    return added(found.get("rate", way, number), found.get("rate", DIRECT, number))


def _own(found: Samples) -> Iterator[Promise]:
    seen = found.get("abort", OURS, "seen")
    yield Promise("aborts seen by the upstream", "of 20", seen, 20, 20, at_least=True)
    late = found.get("abort", OURS, "late_ms")
    yield Promise("until the upstream saw the last abort", "ms", late, 50, 5)
    yield Promise(
        "PSS of a worker with 256 streams", "MB", found.get("rate", OURS, "pss_mb"), 64, 30
    )
    for what in ("page", "api"):
        value = found.get("relay", OURS, f"{what}_added_ms")
        yield Promise(
            f"a request to the {what} through the relay, added p50", "ms", value, 0.3, 0.1
        )
    busy = found.get("saturated", OURS, "p99_ms")
    yield Promise("control API p99 while the worker is saturated", "ms", busy, 100, 30)
