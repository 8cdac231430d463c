"""What every verb works with: the server, the terminal, the clock."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import TYPE_CHECKING

import typer
from rich.console import Console, RenderableType

from spark_control.core.clock import Clock, RealClock
from spark_control.core.secret import Secret

if TYPE_CHECKING:
    from spark_control.cli.client import Api

PIPE_WIDTH = 200
"""Into a pipe nothing is cut; in a terminal its width decides."""


@dataclass(kw_only=True, slots=True)
class Session:
    """One call of the command line."""

    url: str
    token: Secret
    as_json: bool
    out: Console
    err: Console
    clock: Clock = field(default_factory=RealClock)
    _api: "Api | None" = field(init=False, default=None)

    @property
    def api(self) -> "Api":
        """Return the server."""
        if self._api is None:
            # Here and not above: httpx takes the longest to load, and not every verb asks.
            from spark_control.cli.client import Api

            self._api = Api(self.url, self.token)
        return self._api

    @property
    def on_terminal(self) -> bool:
        """Tell whether a person looks at the output, on something that can redraw."""
        return sys.stdout.isatty() and not self.out.is_dumb_terminal

    def close(self) -> None:
        """Let go of the server."""
        if self._api is not None:
            self._api.close()

    def show(self, *pieces: RenderableType) -> None:
        """Print for a person."""
        for piece in pieces:
            self.out.print(piece)

    def show_json(self, value: object, *, in_one_line: bool = False) -> None:
        """Print for a program. Pure ASCII, so that no byte of it steers a terminal."""
        print(json.dumps(value, indent=None if in_one_line else 2), flush=True)

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Say what is waited for, while it is waited for, where a person looks."""
        if self.err.is_terminal and not self.err.is_dumb_terminal:
            with self.err.status(what):
                yield
        else:
            yield


def session_of(ctx: typer.Context) -> Session:
    """Return the session that the global options made."""
    found = ctx.find_object(Session)
    assert found is not None  # noqa: S101 - the group makes it before any verb runs
    return found


def console(*, stderr: bool, colour: bool) -> Console:
    """Return a console that prints texts as they are."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # a terminal without UTF-8 gets "?", not a crash
    return Console(
        stderr=stderr,
        markup=False,
        highlight=False,
        emoji=False,
        no_color=None if colour else True,
        width=None if stream.isatty() else PIPE_WIDTH,
    )
