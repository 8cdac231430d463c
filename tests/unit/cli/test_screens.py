"""The ways to show a swap that runs."""

import io

from rich.console import Console

from spark_control.cli.follow import News, Watched
from spark_control.cli.screens import Redrawn, screen_for
from spark_control.cli.session import Session
from spark_control.core.secret import Secret
from spark_control.swap.shapes import SwapShape
from tests.unit.cli import samples
from tests.unit.cli.clock import FakeClock


def session(page: io.StringIO) -> Session:
    terminal = Console(file=page, force_terminal=True, width=80, height=24, highlight=False)
    return Session(
        url="http://h",
        token=Secret(""),
        as_json=False,
        out=terminal,
        err=terminal,
        clock=FakeClock(),
    )


def watched(shape: SwapShape) -> Watched:
    return Watched(raw=samples.answer(shape), at=0.0)


def test_the_rail_is_drawn_and_the_last_state_stays() -> None:
    page, swap = io.StringIO(), watched(samples.swap())
    with Redrawn(session(page), swap) as screen:
        swap.lines.append("the newest line")
        swap.raw = samples.answer(samples.ready())
        screen.take(News.SWAP)
    first, last = (
        page.getvalue().split("Switching to")[1],
        page.getvalue().split("Switching to")[-1],
    )
    assert "58 %" in first
    assert "58 %" not in last
    assert "Verifying" in last
    assert page.getvalue().count("\x1b[?25l") == page.getvalue().count("\x1b[?25h") == 1


def test_without_a_terminal_nothing_is_redrawn() -> None:
    screen = screen_for(session(io.StringIO()), watched(samples.swap()))
    assert not isinstance(screen, Redrawn)
