"""Three ways to show a swap while it runs: redrawn in place, line by line, or for a program."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import RenderableType
from rich.live import Live

from spark_control.cli.follow import News, Watched
from spark_control.cli.render import swap as view
from spark_control.cli.session import Session

REDRAWS_PER_S = 8


class Screen(Protocol):
    """Shows a swap; used as a context, so that the terminal is left as it was."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def take(self, news: News) -> None:
        """Show what is new of the swap."""


class Redrawn:
    """The rail of phases, which moves on by itself between the news."""

    def __init__(self, session: Session, watched: Watched) -> None:
        self._watched = watched
        self._clock = session.clock
        self._live = Live(
            console=session.out, get_renderable=self._now, refresh_per_second=REDRAWS_PER_S
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def take(self, news: News) -> None:
        del news  # the next frame shows it

    def _now(self) -> RenderableType:
        watched = self._watched
        since = self._clock.monotonic() - watched.at
        # Drawn by a thread of its own: a list of the lines, because they may grow meanwhile.
        return view.rail(watched.swap, list(watched.lines), since=since, lost=watched.lost)


class Lines:
    """A line for each phase that is entered."""

    def __init__(self, session: Session, watched: Watched) -> None:
        self._session = session
        self._watched = watched
        self._phase: str | None = None

    def __enter__(self) -> Self:
        self._session.show(view.title(self._watched.swap))
        self.take(News.SWAP)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def take(self, news: News) -> None:
        swap = self._watched.swap
        if news is News.LOST:
            self._session.err.print("Connection lost, trying again")
        elif not swap.ended and swap.phase is not None and swap.phase != self._phase:
            self._phase = swap.phase
            self._session.show(view.entered(swap))


class Objects:
    """The swap as the API gives it, one JSON object in a line for each change."""

    def __init__(self, session: Session, watched: Watched) -> None:
        self._session = session
        self._watched = watched
        self._shown: tuple[object, ...] = ()

    def __enter__(self) -> Self:
        self.take(News.SWAP)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def take(self, news: News) -> None:
        swap = self._watched.swap
        seen = (swap.state, swap.phase, swap.progress, swap.activity)
        if news is News.SWAP and seen != self._shown:
            self._shown = seen
            self._session.show_json(self._watched.raw.value, in_one_line=True)


def screen_for(session: Session, watched: Watched) -> Screen:
    """Return the screen that fits where the output goes."""
    if session.as_json:
        return Objects(session, watched)
    if session.on_terminal:
        return Redrawn(session, watched)
    return Lines(session, watched)
