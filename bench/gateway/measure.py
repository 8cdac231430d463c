"""The run: every test on every way, several times over, neighbours in time side by side."""

import os
from collections.abc import Iterable

from bench.gateway import plot, promises, tables
from bench.gateway.cells import Cells
from bench.gateway.peers import VERSIONS
from bench.gateway.process import LOAD_CORE
from bench.gateway.programs import Programs, built
from bench.gateway.samples import Samples
from bench.gateway.stage import Stage, staged
from bench.serving import DidNotAnswer
from bench.table import Outcome
from bench.wish import NotHere, Wish

PICTURE = "gateway.svg"
NOTES = (
    "Loopback only. Every gateway is one worker on core 0, all are up at once and take turns test "
    "by test; the upstream (C, epoll) and the load (wrk, and a reader of streams in C) share core "
    "1. Medians over the quiet samples.",
    "Ours is a real `serve` with the owner token, limits, records and metrics on. Its worker has "
    "core 0; its control process, which keeps the records, shares core 1 with the load, and what "
    "it uses for each request stands behind a plus. Where control itself is asked (page, API) it "
    "runs where the kernel puts it.",
    f"Others: {VERSIONS}, without keys, limits or records of their own.",
    "A delay is added where a chunk comes later than from the upstream directly at the same load. "
    "LiteLLM does not keep up with these streams and is left out there.",
)


def measure(wish: Wish) -> Outcome:
    """Measure ours and the peers that are here. Raises NotHere."""
    if (os.cpu_count() or 1) <= LOAD_CORE:
        raise NotHere("needs two cores")
    programs = built(wish.folder)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {LOAD_CORE})
    try:
        with staged(programs, wish.folder) as stage:
            found, failed = _run(stage, wish)
    finally:
        os.sched_setaffinity(0, before)
    return Outcome(
        rows=(),
        notes=(*NOTES, *_missing(programs), *failed, f"{found.noise()}."),
        tables=(promises.table(found), tables.whole(found), tables.streams(found)),
        pictures={PICTURE: plot.picture(found)},
    )


def _run(stage: Stage, wish: Wish) -> tuple[Samples, list[str]]:
    chunks, seconds = wish.times(150, 60), wish.times(2, 1)
    warm = Cells(stage=stage, seconds=1, stream_chunks=10, patience_s=0)
    _each(warm, ("many", "rate"))
    cells = Cells(stage=stage, seconds=seconds, stream_chunks=chunks, patience_s=wish.times(5, 0))
    for _ in range(wish.times(5, 1)):
        _each(cells, cells.tests())
    return Samples(tuple(cells.found)), cells.failed


def _each(cells: Cells, tests: Iterable[str]) -> None:
    for test in tests:
        for way in cells.ways(test):
            try:
                cells.run(test, way)
            except DidNotAnswer as error:
                cells.failed.append(f"Failed once and left out: {test}, {way.name} ({error}).")


def _missing(programs: Programs) -> list[str]:
    peers = {
        "nginx": programs.nginx, "vllm-router": programs.router, "LiteLLM": programs.litellm,
    }  # fmt: skip
    absent = [name for name, path in peers.items() if path is None]
    return [f"Not here and left out: {', '.join(absent)}."] if absent else []
