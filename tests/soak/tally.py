"""What the crowd did, and what must be true of it afterwards."""

from collections import Counter
from dataclasses import dataclass, field

UNWRITTEN_S = 4.0
"""A record may be on its way for so long; a `kill -9` in that time can lose it."""
ON_ITS_WAY_S = 1.0
"""What a worker sends while control is being killed may be read by nobody."""


WHOLE = frozenset({"stream", "plain", "messages", "embeds", "large", "uploads"})
"""What must be answered: no server that it needs is ever taken away."""


@dataclass(slots=True)
class Try:
    """One model request: whose, when, and whether the whole answer came."""

    client: str
    kind: str
    began: float
    ended: float = 0.0
    status: int = 0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that was killed: when, and when its successor answered."""

    what: str
    at: float
    back: float


@dataclass(slots=True)
class Tally:
    """Everything that happened."""

    tries: list[Try] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)

    def incomplete(self) -> list[Try]:
        """Return the tries at an engine that never went, whose answer was not whole.

        Only a killed worker takes requests with it: those that ran, or came before the next.
        """
        return [
            one
            for one in self.tries
            if one.kind in WHOLE
            and not (one.whole and one.status == 200)
            and not any(k.what == "worker" and _overlaps(one, k.at, k.back) for k in self.kills)
        ]

    def outlived(self) -> int:
        """Return how many whole streams ran while the control process was away."""
        away = [kill for kill in self.kills if kill.what == "control"]
        return sum(
            one.whole and any(one.began < k.at and one.ended > k.at for k in away)
            for one in self.tries
            if one.kind == "stream"
        )

    def misrecorded(self, records: Counter[str]) -> dict[str, tuple[int, int, int]]:
        """Return the clients with too few or too many records: at least, at most, found."""
        sure, most = Counter[str](), Counter[str]()
        for one in self.tries:
            most[one.client] += 1
            sure[one.client] += not any(_may_lose(one, kill) for kill in self.kills)
        return {
            client: (sure[client], most[client], records[client])
            for client in most.keys() | records.keys()
            if not sure[client] <= records[client] <= most[client]
        }


def _may_lose(one: Try, kill: Kill) -> bool:
    """Tell whether a kill may have taken a record: the worker's with what ran, control's not."""
    if kill.what == "worker":
        return _overlaps(one, kill.at - UNWRITTEN_S, kill.back)
    return kill.at - UNWRITTEN_S <= one.ended <= kill.at + ON_ITS_WAY_S


def _overlaps(one: Try, begin: float, end: float) -> bool:
    return one.began <= end and one.ended >= begin
