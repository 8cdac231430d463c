"""What a swap takes besides the engine's own stop and load, and where it goes."""

from collections.abc import Callable, Iterable, Iterator

from bench import lab
from bench.lab import Lab
from bench.swapping import One, staged
from bench.table import Outcome, Row, spread
from bench.wish import Wish, on_a_loop
from spark_control.swap.domain import Phase

MODELS = ("smollm2", "gemma3-270m")
MUST_S = 2.0
NOTES = (
    "Overhead is all from the request to the end of the job, less the engine's own load (birth of "
    "its process to its line `Application startup complete`) and its own stop (its port closes "
    "until its process is gone). The work of launcher and docker counts as overhead.",
    "The first swap finds nothing running, each later one replaces the model before; all but the "
    "first row is of these. Launcher, docker and engine are the lab's, on the same cores.",
)


def measure(wish: Wish) -> Outcome:
    """Swap to and fro between two models, scripted and real."""
    rows: list[Row] = []
    notes = list(NOTES)
    for engine, name in (("scripted", "scripted"), ("auto", "llama.cpp")):
        folder, models = wish.folder / engine, ",".join(MODELS)
        with lab.running(folder, 1, engine=engine, models=models) as played:
            if engine == "auto" and not played.real:
                notes.append("The real models are not installed; `make venv` installs them.")
                continue
            swaps = on_a_loop(_swaps(played, wish.times(8, 2)))
        rows += _rows(name, swaps[:1], swaps[1:])
    return Outcome(tuple(rows), tuple(notes))


async def _swaps(played: Lab, count: int) -> list[One]:
    async with staged(played) as stage:
        return [await stage.swap(MODELS[number % 2]) for number in range(count + 1)]


def _rows(engine: str, first: list[One], later: list[One]) -> Iterator[Row]:
    def row(what: str, swaps: Iterable[One], value: Callable[[One], float], *, unit: str = "s",
            must: float | None = None) -> Row:  # fmt: skip
        return spread(f"{engine}: {what}", unit, map(value, swaps), must=must)

    yield row("first swap, overhead", first, lambda one: one.overhead_s, must=MUST_S)
    yield row("later swaps, overhead", later, lambda one: one.overhead_s, must=MUST_S)
    yield row("in all", later, lambda one: one.total_s)
    yield row("the engine's own stop", later, lambda one: one.stop_s)
    yield row("the engine's own load", later, lambda one: one.load_s)
    for phase in Phase:
        yield spread(f"{engine}: phase {phase}", "s", [one.phase(phase) for one in later])
    yield row("in the launcher", later, lambda one: one.called(launcher=True))
    yield row("in other commands", later, lambda one: one.called(launcher=False))
    yield row("commands over SSH", later, lambda one: len(one.calls), unit="")
