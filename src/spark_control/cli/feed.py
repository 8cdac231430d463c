"""Requests as they end, through cuts of the connection."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from spark_control.cli.answer import Answer
from spark_control.cli.client import Api
from spark_control.cli.failure import Exit, Failure
from spark_control.cli.sse import Parser
from spark_control.core.clock import Clock

PAUSE_S = 1.0
GIVE_UP_S = 60.0
AT_ONCE = 200
"""So many of the newest are looked at, once a second at most."""
TOPICS = frozenset({"requests", "snapshot"})
Query = dict[str, str | int]


@dataclass(kw_only=True, slots=True)
class Feed:
    """Follows the records that match `query`; the stream of events says when to look."""

    api: Api
    clock: Clock
    query: Query
    limit: int
    """How many of the earlier ones are given first."""
    _seen: set[str] = field(init=False, default_factory=set)
    _heard: float = field(init=False, default=0.0)

    def rows(self) -> Iterator[list[Answer]]:
        """Give what is new, the oldest first, without end.

        Raises Failure when nothing was heard for a minute, or when the server refuses.
        """
        yield self._new()[-self.limit :]
        while True:
            try:
                yield from self._listen()
            except Failure as failure:
                self._bear(failure)
                if failure.code == "server_slow":  # quiet is no fault: look again at once
                    continue
            asyncio.run(self.clock.sleep(PAUSE_S))

    def _listen(self) -> Iterator[list[Answer]]:
        with self.api.stream("/api/events") as pieces:
            parser = Parser()
            for piece in pieces:
                self._heard = self.clock.monotonic()
                if any(event.name in TOPICS for event in parser.feed(piece)):
                    yield self._new()

    def _new(self) -> list[Answer]:
        """Return the records not given yet, of the newest ones."""
        found = self.api.get("/api/requests", {**self.query, "limit": max(AT_ONCE, self.limit)})[
            "requests"
        ].items
        self._heard = self.clock.monotonic()
        new = [row for row in found if (row["id"].text or "") not in self._seen]
        # One that is not among the newest any more does not come back.
        self._seen = {row["id"].text or "" for row in found}
        return new[::-1]

    def _bear(self, failure: Failure) -> None:
        """Raise the failure unless the server may just be away for a moment."""
        quiet = self.clock.monotonic() - self._heard
        if failure.exit is not Exit.NOT_REACHABLE or failure.code == "not_spark_control":
            raise failure
        if quiet > GIVE_UP_S:
            raise failure
