"""The Sparks as they are configured, and how a test of one went."""

from rich.console import Group, RenderableType
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import plain_table
from spark_control.cli.words import DASH, one_line

MARKS = {
    "ok": ("✓", "green"),
    "attention": ("!", "yellow"),
    "failed": ("✗", "red"),
    "skipped": ("-", "dim"),
}
NAMES = {
    "name": "Name",
    "port": "Port",
    "host_key": "Host key",
    "login": "Login",
    "python3": "Python",
    "docker": "Docker",
    "launch_scripts": "Scripts",
    "nvidia_smi": "GPU",
    "disk": "Disk",
}
NOBODY = "There is no Spark yet. Add one with `spark-control hosts add ADDRESS --user USER`."


def render(answer: Answer) -> RenderableType:
    """Return `GET /api/hosts` as a table."""
    rows = answer["hosts"].items
    if not rows:
        return Text(NOBODY)
    table = plain_table("Spark", "Address", "User", "Set in", "Host key")
    for row in rows:
        name = Text(one_line(row["name"].text or DASH), "bold")
        table.add_row(name, _address(row), one_line(row["user"].text or DASH),
                      one_line(row["source"].text or DASH), _keys(row))  # fmt: skip
    return table


def _address(row: Answer) -> str:
    if row["here"].flag:
        return "this machine"
    port = row["port"].number
    host = one_line(row["host"].text or DASH)
    return host if port in {22, None} else f"{host} port {port:.0f}"


def _keys(row: Answer) -> Text:
    if row["error"]["code"].text == "host_key_changed":
        return Text("changed", "red")
    shown = [one_line(key["fingerprint"].text or DASH) for key in row["keys"].items]
    return Text("\n".join(shown) or DASH)


def tested(answer: Answer) -> Group:
    """Return the lines of a test, with what to do below those that need it."""
    lines: list[Text] = []
    for line in answer["lines"].items:
        mark, style = MARKS.get(line["state"].text or "", ("?", ""))
        check = line["check"].text or ""
        name = f"{NAMES.get(check, one_line(check)):<9}"
        message = one_line(line["message"].text or "")
        words = "dim" if style == "dim" else ""
        lines.append(Text.assemble((f"{mark} ", style), (name, "bold"), (message, words)))
        if hint := line["hint"].text:
            lines.append(Text(f"{'':11}{one_line(hint)}", "dim"))
    return Group(*lines)


def key(answer: Answer) -> Group:
    """Return our key and how to let it in."""
    command = one_line(answer["command"].text or DASH)
    return Group(
        Text(one_line(answer["public_key"].text or DASH)),
        Text("\nTo let Spark Control in, run this on the Spark as the user it shall use:", "dim"),
        Text(command),
    )
