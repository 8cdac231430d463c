"""How long a user waits from the command to the first answer."""

from pathlib import Path

from bench import lab
from bench.lab import Lab
from bench.machine import cpu_s
from bench.serving import CLI, SERVER, serving
from bench.table import Outcome, Row, spread
from bench.wish import Wish

MUST_S = 2.0
NOTES = (
    "From just before the process is made to the first 200; two lab Sparks are configured. "
    "`/api/status` is asked after `/healthz`, so it is the later of the two.",
    "Fresh: an empty data directory; key, database and access keys are made. "
    "Again: the second start in it.",
    "CLI: `spark-control serve`, which reads its options with Typer and then becomes the server.",
)


def measure(wish: Wish) -> Outcome:
    """Start the server again and again."""
    rows: list[Row] = []
    runs = wish.times(10, 3)
    with lab.running(wish.folder / "lab", 2) as played:
        _one(played, wish.folder / "warm-up", SERVER)
        for name, words in (("server", SERVER), ("CLI", CLI)):
            folders = [wish.folder / f"{name}{number}" for number in range(runs)]
            fresh = [_one(played, folder, words) for folder in folders]
            again = [_one(played, folder, words) for folder in folders]
            for when, found in (("fresh", fresh), ("again", again)):
                label = f"{name}, {when}"
                for place, path in enumerate(("/healthz", "/api/status")):
                    times = [one[place] for one in found]
                    rows.append(spread(f"{label}: {path}", "s", times, must=MUST_S))
                rows.append(spread(f"{label}: CPU until then", "s", [one[2] for one in found]))
    return Outcome(tuple(rows), NOTES)


def _one(played: Lab, data: Path, words: tuple[str, ...]) -> tuple[float, float, float]:
    with serving(played, data, words=words) as served:
        health, status = served.first("/healthz"), served.first("/api/status")
        return health, status, cpu_s(served.process.pid)
