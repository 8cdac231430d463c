"""A running swap as events, through cuts of the connection."""

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from spark_control.cli.answer import Answer
from spark_control.cli.client import Api
from spark_control.cli.failure import Exit, Failure
from spark_control.cli.render.swap import SwapView
from spark_control.cli.sse import Event, Parser
from spark_control.core.clock import Clock

PAUSE_S = 1.0
GIVE_UP_S = 60.0
KEPT_LINES = 500


class News(Enum):
    """What was heard."""

    SWAP = "swap"
    LOG = "log"
    LOST = "lost"


@dataclass(kw_only=True, slots=True)
class Watched:
    """A swap as last heard of. `at` is the clock's reading then, to count on from."""

    raw: Answer
    at: float
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    fresh: list[str] = field(default_factory=list)
    lost: bool = False
    last_id: str = ""

    @property
    def swap(self) -> SwapView:
        """Return the swap in words."""
        return SwapView.of(self.raw)


@dataclass(kw_only=True, slots=True)
class Follower:
    """Follows one swap until it has ended."""

    api: Api
    clock: Clock

    def follow(self, watched: Watched) -> Iterator[News]:
        """Keep `watched` fresh and say at each change what is new; ends with the swap.

        A stream that breaks is taken up behind its last event. Raises Failure when nothing was
        heard for a minute, or when the server refuses.
        """
        while not watched.swap.ended:
            try:
                yield from self._listen(watched)
            except Failure as failure:
                self._bear(failure, watched)
                if failure.code == "server_slow":  # quiet is no fault: look again at once
                    continue
            if not watched.swap.ended:
                watched.lost = True
                yield News.LOST
                asyncio.run(self.clock.sleep(PAUSE_S))

    def _listen(self, watched: Watched) -> Iterator[News]:
        path = f"/api/swap/{watched.swap.id}/stream"
        with self.api.stream(path, after=watched.last_id) as pieces:
            parser = Parser(watched.last_id)
            for piece in pieces:
                for event in parser.feed(piece):
                    watched.last_id = event.event_id
                    if news := self._hear(event, watched):
                        yield news

    def _hear(self, event: Event, watched: Watched) -> News | None:
        try:
            data = Answer(json.loads(event.data))
        except ValueError:
            return None
        watched.lost = False
        if event.name == "log":
            watched.fresh = data["lines"].texts
            watched.lines.extend(watched.fresh)
            return News.LOG
        if event.name == "swap" and data["id"].text is not None:
            watched.raw, watched.at = data, self.clock.monotonic()
            return News.SWAP
        return None

    def _bear(self, failure: Failure, watched: Watched) -> None:
        """Raise the failure unless the server may just be away for a moment."""
        quiet = self.clock.monotonic() - watched.at
        if failure.exit is not Exit.NOT_REACHABLE or failure.code == "not_spark_control":
            raise failure
        if quiet > GIVE_UP_S:
            raise Failure(
                code=failure.code,
                message=f"{failure.message} The swap may go on without us.",
                hint=failure.hint,
                exit=failure.exit,
            ) from failure
