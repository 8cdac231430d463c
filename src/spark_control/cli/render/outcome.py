"""How a swap ended, what to do about it, and how to try what is loaded now."""

import json
import shlex
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.swap import SwapView
from spark_control.cli.words import clean, duration, one_line

LAST_WORDS = 12


def render(swap: SwapView, lines: Iterable[str]) -> RenderableType:
    """Return how the swap ended; after a failure with what to do and the last lines of the log."""
    took = "" if swap.elapsed_s is None else f" after {duration(swap.elapsed_s)}"
    if swap.state == "ready":
        text = Text.assemble(("Ready: ", "bold green"), (swap.model, "bold"))
        return text.append(f"{swap.place}{took.replace(' after', ' in')}")
    if swap.state == "cancelled":
        text = Text.assemble(("Cancelled: ", "bold yellow"), f"{swap.model}{swap.place}{took}")
    else:
        where = f", while {swap.phase}" if swap.phase else ""
        head = f"{(swap.state or 'ended').capitalize()}: "
        text = Text.assemble((head, "bold red"), f"{swap.model}{swap.place}{took}{where}")
    return Group(text, *_reason(swap.error), *_last_words(swap, lines))


def _reason(error: Answer) -> list[Text]:
    code, message, hint = error["code"].text, error["message"].text, error["hint"].text
    title = one_line(error["detail"]["cause"]["title"].text or "")
    text = Text(one_line(message)) if message else Text()
    if code:
        text.append(f"{' ' if message else ''}({one_line(code)})", "dim")
    return [part for part in (Text(title, "bold"), text, Text(one_line(hint or ""))) if part]


def _last_words(swap: SwapView, lines: Iterable[str]) -> list[RenderableType]:
    detail, spark = swap.error["detail"], swap.error["detail"]["spark"].text
    other = spark and spark != swap.spark
    if other and detail["log"].texts:
        lines = detail["log"].texts
    kept = [line for line in lines if line.strip()][-LAST_WORDS:]
    if swap.state != "failed" or not kept:
        return []
    more = f"{swap.id} --spark {one_line(spark or '')}" if other else swap.id
    head = Text(f"\nLast lines of the log (`spark-control logs {more}` has all):", "dim")
    return [
        head,
        *(Padding(Text(clean(line).rstrip(), "dim"), (0, 0, 0, 2), expand=False) for line in kept),
    ]


def try_it(model: str, base_url: str, *, with_token: bool) -> Text:
    """Return the command that asks the model something, ready to be pasted."""
    body = json.dumps(
        {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    )
    words = [f"curl -N {shlex.quote(f'{base_url}/chat/completions')}"]
    if with_token:
        words.append('-H "Authorization: Bearer $SPARK_CONTROL_TOKEN"')
    words += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return Text("Try it:\n  ").append(" \\\n    ".join(words))
