"""The swap lock: who holds it, for how long, and why."""

from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.words import duration, one_line


def render(lock: Answer) -> Text:
    """Return `GET /api/swap/lock` in one line."""
    if not lock["holder"].given:
        return Text("The swap lock is free.")
    text = Text.assemble("The swap lock is held by ", (holder(lock), "bold"), until(lock))
    if reason := lock["reason"].text:
        text.append(f": {one_line(reason)}", "dim")
    return text


def taken(lock: Answer, *, renewed: bool) -> Text:
    """Return that the caller has it, and until when."""
    return Text(f"{'Renewed' if renewed else 'Taken'} for {holder(lock)}{until(lock)}")


def holder(lock: Answer) -> str:
    """Return who holds it."""
    return one_line(lock["holder"].text or "somebody")


def until(lock: Answer) -> str:
    """Return ` until TIME (TIME left)`, as far as it is known."""
    end, left = lock["expires_at"].text, lock["expires_in_s"].number
    if end is None:
        return ""
    clock = one_line(end).replace("T", " ").partition(".")[0]
    return f" until {clock} UTC" + ("" if left is None else f" ({duration(left)} left)")
