"""Write docs/settings.md, docs/errors.md and the gateway's errors; `--check` only compares."""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import spark_control
from spark_control.core.errors import AppError
from spark_control.core.http_errors import row_of
from spark_control.settings.table import TABLE, Setting, spark_setting

MADE = "<!-- Made by `make docs`; change the code, not this file. -->"
PROGRAMS = re.compile(r"\.(__main__|migrations|remote|stand_ins|standins)(\.|$)")
"""What is run and not imported."""
GROUPS = {
    "sparks": "Sparks",
    "start": "Start",
    "access": "Who gets in",
    "engine": "Engine",
    "services": "Services",
    "limits": "Limits",
    "webhooks": "Webhooks",
    "redaction": "Redaction",
}


BEGIN, END = "<!-- Errors: made by `make docs`. -->\n", "<!-- End of the errors. -->"
OF_ALL = [
    "request_malformed", "host_missing", "not_signed_in", "wrong_token", "host_not_allowed",
    "cross_origin", "slow_client", "line_too_long", "head_too_large", "too_many_tries",
    "control_away",
]  # fmt: skip
OF_BODIES = ["body_unreadable", "too_large", "bodies_full"]
OF_QUEUES = ["client_busy", "queue_full", "waited_too_long"]
OF_ENGINES = [
    "model_not_found", "model_not_loaded", "nothing_loaded", "redaction_missing",
    "engine_unreachable", "engine_error", "answer_malformed", "engine_slow", "slow_upstream",
]  # fmt: skip
OF_SERVICES = ["service_missing", "service_unreachable", "service_error", "service_slow"]
OF_SPEECH = ["speech_format", "service_wedged", "uploads_full", "disk_short", "storage_trouble"]
CHAT = ["method_wrong", *OF_ALL, *OF_BODIES, *OF_QUEUES, *OF_ENGINES]
FAMILIES = {
    "docs/gateway-chat.md": CHAT,
    "docs/gateway-embeddings.md": CHAT + OF_SERVICES,
    "docs/gateway-audio.md": CHAT + OF_SERVICES + OF_SPEECH,
    "docs/gateway-models.md": [*OF_ALL, "model_not_found", "route_unknown"],
}
"""The errors that clients of each family of endpoints can get."""
STATUS = {"engine_error": "502, 5xx", "service_error": "502, 5xx", "route_unknown": "404, 405"}
"""Of those that have not one alone."""


def cell(text: str) -> str:
    """Return `text` as one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return [f"| {' | '.join(cell(text) for text in line)} |" for line in lines]


def _default(row: Setting) -> str:
    if row.of_spark:
        return f"that of Spark {row.of_spark}"
    return f"`{row.default}`{' ' if row.unit else ''}{row.unit}" if row.default else "blank"


def _notes(row: Setting) -> str:
    notes = ["" if row.live else "read at the start", "secret" if row.secret else ""]
    notes.append("" if row.used else "kept for later")
    return ", ".join(note for note in notes if note)


def settings_page() -> str:
    """Return docs/settings.md."""
    sparks = [spark_setting(f"SPARK1_{part}") for part in ("HOST", "USER", "PORT", "NAME")]
    rows = [*(row for row in sparks if row), *TABLE.values()]
    lines = [MADE, "# Settings", "", "Each is an environment variable of that name."]
    lines += [
        "Those that are not read at the start can be changed on the page and through",
        "`PUT /api/settings`, and count at once. A blank or malformed value falls back to its",
        "default and is reported; it never stops the start. For more Sparks: `SPARK2_HOST` and",
        "so on.",
    ]
    for group, title in GROUPS.items():
        mine = [row for row in rows if row.group == group]
        cells = ((f"`{r.name}`", _default(r), r.help, _notes(r)) for r in mine)
        lines += ["", f"## {title}", "", *table(("name", "default", "what it is", "note"), cells)]
    return "\n".join([*lines, ""])


def error_classes() -> list[type[AppError]]:
    """Return every error of the package that has a code of its own, by code."""
    for module in pkgutil.walk_packages(spark_control.__path__, "spark_control."):
        if not PROGRAMS.search(module.name):
            importlib.import_module(module.name)
    found, waiting = {AppError}, [AppError]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        found.update(kind for kind in below if kind.__module__.startswith("spark_control."))
    return sorted((kind for kind in found if "code" in vars(kind)), key=lambda kind: kind.code)


def first_sentence(kind: type[AppError]) -> str:
    """Return what happened, in one sentence."""
    text = " ".join((inspect.getdoc(kind) or "").split())
    return text.partition(". ")[0].rstrip(".") + "."


def errors_page() -> str:
    """Return docs/errors.md."""
    rows = (
        (f"`{k.code}`", str(row_of(k).status), first_sentence(k), k.hint) for k in error_classes()
    )
    head = ("code", "HTTP status", "what happened", "what to do")
    lines = [MADE, "# Errors", "", "Every error has a code that stays. Our own routes answer"]
    lines += [
        "`{error: {code, message, hint?, detail?}}`; routes below `/v1` answer in the shape that",
        "clients of OpenAI or Anthropic expect, with the same code where that shape has one.",
        "",
    ]
    return "\n".join([*lines, *table(head, rows), ""])


def family_table(codes: Iterable[str]) -> str:
    """Return the table of these errors, by status."""
    kinds = {kind.code: kind for kind in error_classes()}
    rows = [
        (STATUS.get(code, str(row_of(kinds[code]).status)), f"`{code}`",
         first_sentence(kinds[code]), kinds[code].hint)
        for code in codes
    ]  # fmt: skip
    rows.append(("499", "", "The client left; only the record of the request says so.", ""))
    return "\n".join([*table(("status", "code", "what happened", "what to do"), sorted(rows)), ""])


def family_page(name: str) -> str:
    """Return a page of the gateway with a fresh table of errors in it."""
    text = Path(name).read_text(encoding="utf-8")
    before, _, behind = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{family_table(FAMILIES[name])}\n{END}{behind.partition(END)[2]}"


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them; 1 when a page is not fresh."""
    pages = {"docs/settings.md": settings_page(), "docs/errors.md": errors_page()}
    pages |= {name: family_page(name) for name in FAMILIES}
    paths = {Path(name): text for name, text in pages.items()}
    old = [p for p, text in paths.items() if not p.exists() or p.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in old:
            print(f"{path} is not fresh: run `make docs`.")
        return 1 if old else 0
    for path in old:
        path.write_text(paths[path], encoding="utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
