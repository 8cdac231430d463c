"""The fleet at a glance: each Spark, what is loaded, the swap, and what needs a person."""

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render import lock as lock_view
from spark_control.cli.render.swap import SwapView
from spark_control.cli.render.tables import plain_table, warning
from spark_control.cli.words import (
    DASH,
    duration,
    listed,
    measure,
    of_disk,
    of_memory,
    one_line,
    past,
    time_of_day,
)

ENGINES = {
    "absent": ("No engine", "dim"),
    "loading": ("Loading", "blue"),
    "serving": ("Serving", "green"),
    "silent": ("Not answering", "yellow"),
    "wedged": ("Makes no tokens", "red"),
}
LATE = ("Answers late", "yellow")
PLAYED = {
    "scripted": "demo: scripted answers",
    "llama.cpp": "demo: tiny model on llama.cpp",
}
STALE_S = 10.0


@dataclass(frozen=True, slots=True)
class SparkView:
    """One Spark: what the status says of its engine, and its last hardware reading."""

    name: str
    engine: tuple[str, str]
    hardware: Answer
    error: Answer

    @classmethod
    def of(cls, spark: Answer, hardware: Answer) -> "SparkView":
        """Join one Spark of the status with its hardware. The newer look says if it answers."""
        reachable = hardware["reachable"].flag
        reachable = spark["reachable"].flag if reachable is None else reachable
        engine = _part(spark) or _engine(spark["engine"])
        return cls(
            name=one_line(spark["name"].text or DASH),
            engine=("Not reachable", "red") if reachable is False else engine,
            hardware=hardware,
            error=hardware["error"] if hardware.given else spark["error"],
        )

    @property
    def stale(self) -> bool:
        """Tell whether the numbers are of another time."""
        return (self.hardware["age_s"].number or 0.0) > STALE_S


def _engine(engine: Answer) -> tuple[str, str]:
    if engine["routed"].flag and engine["trouble_since"].given:
        return LATE
    return ENGINES.get(engine["state"].text or "", (DASH, "dim"))


def _part(spark: Answer) -> tuple[str, str] | None:
    """Return what a Spark does for an engine that another one answers for; None for any other."""
    part, alive = spark["part"], spark["part"]["alive"].flag
    model, head = one_line(part["model"].text or ""), one_line(part["head"].text or "")
    if not part.given or (part["head"].text == spark["name"].text and alive is not False):
        return None
    if alive is False:
        return f"Lost its part of {model}", "red"
    return f"Part of {model} on {head}", "green"


def render(status: Answer, hardware: Answer, url: str) -> RenderableType:
    """Return `GET /api/status` and `GET /api/hardware` as one page."""
    readings = {one["name"].text: one for one in hardware["sparks"].items}
    sparks = [
        SparkView.of(spark, readings.get(spark["name"].text, Answer()))
        for spark in status["sparks"].items
    ]
    parts: list[RenderableType] = [_head(status, url), Text(), _fleet(sparks)]
    parts += [_trouble(spark) for spark in sparks if spark.error.given]
    parts += [
        _late(spark) for spark in status["sparks"].items if spark["engine"]["trouble_since"].given
    ]
    parts += [Text(), *_loaded(status)]
    if status["swap"].given:
        parts += [Text(), swap_line(SwapView.of(status["swap"]))]
    if status["lock"]["holder"].given:
        parts += [Text(), warning(lock_view.render(status["lock"]).plain)]
    notices = [_notice(notice) for notice in status["notices"].items]
    return Group(*parts, *([Text(), *notices] if notices else []))


def _head(status: Answer, url: str) -> Text:
    version = f" {one_line(status['version'].text or '')}".rstrip()
    text = Text.assemble(("Spark Control", "bold"), (f"{version} at {url}", "dim"))
    return text.append("  Demo: simulated Sparks", "yellow") if status["demo"].flag else text


def _fleet(sparks: list[SparkView]) -> RenderableType:
    if not sparks:
        return Text("No Sparks yet: add one with `spark-control hosts add ADDRESS`.")
    table = plain_table("Spark", "Engine", "Memory", "GPU", "Temp", "Power", "Disk free")
    for column in table.columns[2:]:
        column.no_wrap = True
    for spark in sparks:
        style = "dim" if spark.stale else ""
        cells = (Text(cell, "dim" if cell == DASH else style) for cell in numbers(spark.hardware))
        table.add_row(Text(spark.name, "bold"), Text(*spark.engine), *cells)
    return table


def numbers(hardware: Answer) -> list[str]:
    """Return memory, GPU load, temperature, power and disk as texts; a dash where not known."""
    memory, gpus = hardware["memory"], hardware["gpus"].items
    disk = _disk(hardware["disks"].items)
    used, total = memory["used_bytes"].number, memory["total_bytes"].number
    temperatures = _known(gpus, "temperature_c")
    temperature = max(temperatures) if temperatures else hardware["temperature_c"].number
    busy, power = _known(gpus, "utilisation_percent"), _known(gpus, "power_w")
    free, room = disk["free_bytes"].number, disk["total_bytes"].number
    return [
        of_memory(used, total),
        measure(max(busy, default=None), "%"),
        measure(temperature, "°C"),
        measure(sum(power) if power else None, "W"),
        of_disk(free, room),
    ]


def _known(items: list[Answer], key: str) -> list[float]:
    return [value for item in items if (value := item[key].number) is not None]


def _disk(disks: list[Answer]) -> Answer:
    """Return the disk that the models are on, else the first."""
    models = (disk for disk in disks if "models" in disk["uses"].texts)
    return next(models, disks[0] if disks else Answer())


def _trouble(spark: SparkView) -> Text:
    age = spark.hardware["age_s"].number
    message = one_line(spark.error["message"].text or "No answer.")
    text = warning((spark.name, "bold"), f": {message}", style="red")
    if age is not None and spark.stale:
        text.append(f" Its numbers were read {past(age)}.")
    return text.append(_hint(spark.error), "dim")


def _late(spark: Answer) -> Text:
    """Return since when an engine is in trouble, and whether requests go there."""
    engine, name = spark["engine"], one_line(spark["name"].text or DASH)
    why = one_line(engine["detail"].text or "it does not answer")
    goes = "still get there" if engine["routed"].flag else "do not go there"
    since = time_of_day(engine["trouble_since"].text)
    return warning((name, "bold"), f": engine in trouble since {since}: {why}. Requests {goes}.")


def _hint(error: Answer) -> str:
    hint = error["hint"].text
    return f" {one_line(hint)}" if hint else ""


def _loaded(status: Answer) -> list[Text]:
    loaded = status["loaded"].items
    if not loaded:
        return [Text("No model is loaded. `spark-control models` lists what there is.")]
    lines = []
    for one in loaded:
        sparks = one["sparks"].texts or [one["spark"].text or DASH]
        model, place = one_line(one["model"].text or DASH), one_line(listed(list(sparks)))
        text = Text.assemble("Loaded: ", (model, "bold green"), f" on {place}")
        lines.append(text.append(f"  {note}", "yellow") if (note := played(one)) else text)
    if base := status["base_url"].text:
        lines.append(Text(f"Ask it at {one_line(base)}"))
    return lines


def played(engine: Answer) -> str | None:
    """Return how the demo plays an engine; None for a real one."""
    how = engine["played"].text
    return PLAYED.get(how, f"demo: {one_line(how)}") if how else None


def swap_line(swap: SwapView) -> Text:
    """Return the running swap, or how the newest one ended."""
    if not swap.ended:
        percent = "" if swap.progress is None else f", {swap.progress:.0f} %"
        now = f"{one_line(swap.phase or swap.state)}{percent}"
        return Text.assemble(
            ("Switching to ", "blue"), (swap.model, "bold blue"), (f"{swap.place}: {now}", "blue")
        )
    took = "" if swap.elapsed_s is None else f" after {duration(swap.elapsed_s)}"
    style = {"ready": "", "failed": "red"}.get(swap.state, "yellow")
    text = Text(f"Last swap: {swap.model}{swap.place} ").append(f"{swap.state}{took}", style)
    if swap.state == "failed" and (message := swap.error["message"].text):
        text.append(f". {one_line(message)}{_hint(swap.error)}")
    return text


def _notice(notice: Answer) -> Text:
    return warning(one_line(notice["message"].text or DASH), (_hint(notice), "dim"))
