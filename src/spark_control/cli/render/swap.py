"""A swap while it runs: the rail of its phases, and what is left of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.words import DASH, duration, listed, one_line, roughly

MARKS = {"done": ("✓", "green"), "current": ("●", "blue"), "stopped": ("✗", "red")}
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
NEWEST = 3


@dataclass(frozen=True, slots=True)
class PhaseView:
    """One phase; `usual_s` is what it took before."""

    name: str
    state: str
    seconds: float | None
    usual_s: float | None


@dataclass(frozen=True, slots=True)
class SwapView:
    """What is shown of a swap."""

    id: str
    model: str
    state: str
    phase: str | None
    spark: str | None
    sparks: tuple[str, ...]
    replaces: tuple[str, ...]
    progress: float | None
    activity: str | None
    eta_s: float | None
    elapsed_s: float | None
    phases: tuple[PhaseView, ...]
    error: Answer

    @classmethod
    def of(cls, answer: Answer) -> "SwapView":
        """Read a swap of the API."""
        phases = (
            PhaseView(
                name=one_line(phase["phase"].text or DASH),
                state=phase["state"].text or "coming",
                seconds=phase["seconds"].number,
                usual_s=phase["usual_s"].number,
            )
            for phase in answer["phases"].items
        )
        return cls(
            id=answer["id"].text or "",
            model=one_line(answer["model"].text or DASH),
            state=answer["state"].text or "",
            phase=answer["phase"].text,
            spark=answer["spark"].text,
            sparks=tuple(answer["sparks"].texts),
            replaces=tuple(answer["replaces"].texts),
            progress=answer["progress"].number,
            activity=answer["activity"].text,
            eta_s=answer["eta_s"].number,
            elapsed_s=answer["elapsed_s"].number,
            phases=tuple(phases),
            error=answer["error"],
        )

    @property
    def ended(self) -> bool:
        """Tell whether nothing will happen to it any more."""
        return self.state in {"ready", "failed", "cancelled"}

    @property
    def place(self) -> str:
        """Return ` on spark1`, or nothing when that is not known."""
        if len(self.sparks) > 1:
            return f" on {one_line(listed(list(self.sparks)))}"
        return f" on {one_line(self.spark)}" if self.spark else ""


def title(swap: SwapView) -> Text:
    """Return what the swap does, in one line."""
    text = Text("Switching to ").append(swap.model, "bold").append(swap.place)
    if swap.replaces:
        text.append(f", in place of {one_line(listed(list(swap.replaces)))}")
    return text


def rail(swap: SwapView, lines: Iterable[str], *, since: float, lost: bool) -> RenderableType:
    """Return the running swap, `since` seconds after it was last heard of."""
    grid = Table.grid(padding=(0, 2))
    for phase in swap.phases:
        grid.add_row(*_phase_row(swap, phase, since))
    parts: list[RenderableType] = [title(swap), Text(), Padding(grid, (0, 0, 0, 2)), Text()]
    if not swap.ended:
        parts.append(Text("  ").append(time_left(swap, since=since, lost=lost)))
        newest = [one_line(line) for line in lines if line.strip()][-NEWEST:]
        parts += [Text(f"  {line}", "dim", no_wrap=True, overflow="ellipsis") for line in newest]
    return Group(*parts)


def _phase_row(swap: SwapView, phase: PhaseView, since: float) -> tuple[RenderableType, ...]:
    mark, style = MARKS.get(phase.state, ("○", "dim"))
    name = phase.name.capitalize()
    if phase.state == "coming":
        usual = f"~{roughly(phase.usual_s)}" if phase.usual_s is not None else ""
        return Text(mark, style), Text(name, "dim"), Text(usual, "dim"), Text(), Text()
    if phase.state != "current":
        return Text(mark, style), Text(name), Text(duration(phase.seconds)), Text(), Text()
    seconds = (phase.seconds or 0.0) + since
    spin = SPINNER[int(((swap.elapsed_s or 0.0) + since) * 8) % len(SPINNER)]
    return (
        Text(spin, style),
        Text(name, "bold"),
        Text(duration(seconds)),
        _bar(swap.progress),
        _activity(swap),
    )


def _bar(percent: float | None) -> RenderableType:
    """Return a bar only where the engine itself gave a percentage."""
    if percent is None:
        return Text()
    return ProgressBar(total=100, completed=percent, width=20, complete_style="blue")


def _activity(swap: SwapView) -> Text:
    percent = "" if swap.progress is None else f"{swap.progress:.0f} %  "
    activity = one_line(swap.activity or "")
    return Text(f"{percent}{activity}", no_wrap=True, overflow="ellipsis")


def time_left(swap: SwapView, *, since: float, lost: bool) -> Text:
    """Return elapsed time and what is left of it, as far as anybody knows."""
    if lost:
        return Text("Connection lost, trying again", "yellow")
    text = Text()
    if swap.elapsed_s is not None:
        text.append(f"{duration(swap.elapsed_s + since)} elapsed, ", "dim")
    if swap.eta_s is None:
        return text.append("no estimate yet", "dim")
    left = swap.eta_s - since
    if left <= 0:
        return text.append("longer than usual", "yellow")
    return text.append(f"about {roughly(left)} left", "bold")


def entered(swap: SwapView) -> Text:
    """Return one line for the phase that was entered just now, for plain output."""
    usual = next((p.usual_s for p in swap.phases if p.name == swap.phase), None)
    hint = "" if usual is None else f" (usually {roughly(usual)})"
    return Text(f"{duration(swap.elapsed_s):>12}  {(swap.phase or '').capitalize()}{hint}")
