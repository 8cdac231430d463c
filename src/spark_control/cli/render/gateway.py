"""The gateway: where names go, aliases, limits, workers."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import plain_table
from spark_control.cli.words import DASH, listed, one_line, time_of_day

NAMES = 8
STATES = {
    "serving": ("Serving", "green"),
    "leaving": ("Leaving for a swap", "yellow"),
    "loading": ("Loading", "blue"),
    "idle": ("No engine", "dim"),
    "silent": ("Not answering", "red"),
    "wedged": ("Makes no tokens", "red"),
    "off": ("Switched off", "dim"),
    "unknown": ("Not asked yet", "dim"),
}
TROUBLE = frozenset({"silent", "wedged"})
KINDS = {"engine": "engine", "service": "service", "outside": "outside server"}
LIMITS = (
    ("Requests at once, each engine", "engine_in_flight", ""),
    ("Requests at once, each speech service", "audio_in_flight", ""),
    ("Waiting, each engine", "queue_length", ""),
    ("Longest wait", "queue_wait_s", " s"),
    ("Of the queue for one client", "queue_share_percent", " %"),
    ("Largest body", "max_body_mb", " MB"),
    ("Largest upload", "max_upload_mb", " MB"),
)


def render(answer: Answer) -> RenderableType:
    """Return what `GET /api/gateway` says."""
    parts: list[RenderableType] = [_head(answer), Text(), _places(answer)]
    if answer["aliases"].items:
        parts += [Text(), _aliases(answer)]
    return Group(*parts, Text(), _limits(answer["limits"]), Text(), _workers(answer))


def _head(answer: Answer) -> Text:
    counts = f"{_whole(answer['running'])} running, {_whole(answer['waiting'])} waiting"
    return Text.assemble((one_line(answer["base_url"].text or DASH), "bold"), f"  {counts}")


def _places(answer: Answer) -> Table:
    table = plain_table("Model", "Goes to", "Kind", "State", "Running")
    for one in answer["places"].items:
        names = [one_line(name) for name in one["models"].texts]
        more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
        table.add_row(
            Text(", ".join(names[:NAMES]) + more or DASH, "bold"),
            one_line(one["name"].text or DASH),
            KINDS.get(one["kind"].text or "", DASH), _state(one), _whole(one["running"]),
        )  # fmt: skip
    return table


def _state(one: Answer) -> Text:
    state = one["state"].text or ""
    word, style = STATES.get(state, (one_line(state or DASH), ""))
    since = f" since {time_of_day(one['since'].text)}" if state in TROUBLE else ""
    return Text(word + since, style)


def _aliases(answer: Answer) -> Table:
    table = plain_table("Alias", "Model", "Answered by")
    for one in answer["aliases"].items:
        to = listed([one_line(name) for name in one["to"].texts])
        shadowed = one["shadowed"].flag
        table.add_row(
            one_line(one["name"].text or DASH), one_line(one["model"].text or DASH),
            Text("a model has this name and wins", "yellow") if shadowed else to,
        )  # fmt: skip
    return table


def _limits(limits: Answer) -> Table:
    table = plain_table("Limit", "Value")
    for words, name, unit in LIMITS:
        value = limits[name]
        table.add_row(words, f"{_whole(value)}{unit if value.given else ''}")
    return table


def _workers(answer: Answer) -> RenderableType:
    rows = answer["workers"].items
    if not rows:
        return Text("No worker has reported yet.")
    table = plain_table("Worker", "Connections", "Waiting", "Lag")
    for one in rows:
        lag = one["lag_ms"].number
        table.add_row(
            f"process {_whole(one['pid'])}", _whole(one["connections"]), _whole(one["waiting"]),
            DASH if lag is None else f"{lag:.1f} ms",
        )  # fmt: skip
    return table


def _whole(value: Answer) -> str:
    return DASH if value.number is None else f"{value.number:.0f}"
