"""How busy the GPUs were, by minute, beside the requests; held in memory for a day."""

from collections import deque

from spark_control.requests.series import Span

KEPT = 24 * 60
MINUTE_MS = 60_000


class Busy:
    """The means of each minute, for each Spark."""

    def __init__(self) -> None:
        self._hosts: dict[str, deque[tuple[int, float, int]]] = {}
        """Minute, sum and count of its readings, the newest last."""

    def note(self, host: str, at_ms: int, ratio: float) -> None:
        """Take a reading; readings of one Spark come in their order."""
        minutes = self._hosts.setdefault(host, deque(maxlen=KEPT))
        minute = at_ms // MINUTE_MS
        if minutes and minutes[-1][0] == minute:
            _, before, count = minutes.pop()
            minutes.append((minute, before + ratio, count + 1))
        else:
            minutes.append((minute, ratio, 1))

    def keep(self, hosts: set[str]) -> None:
        """Forget Sparks that are none of `hosts`."""
        for gone in set(self._hosts) - hosts:
            del self._hosts[gone]

    def means(self, span: Span) -> dict[str, list[float | None]]:
        """Return the mean of each step by Spark, None where nothing was read."""
        return {host: _means(minutes, span) for host, minutes in self._hosts.items()}


def _means(minutes: deque[tuple[int, float, int]], span: Span) -> list[float | None]:
    sums, counts = [0.0] * span.count, [0] * span.count
    for minute, amount, count in minutes:
        place = (minute * MINUTE_MS - span.start_ms) // (span.step_s * 1000)
        if 0 <= place < span.count:
            sums[place] += amount
            counts[place] += count
    return [
        round(amount / count, 3) if count else None
        for amount, count in zip(sums, counts, strict=True)
    ]
