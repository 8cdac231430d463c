"""What the records need of a database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from spark_control.requests.domain import Filter, Place, Record, Slot


class RequestStore(Protocol):
    """Keeps records. Every method is one transaction; raises DatabaseTrouble."""

    async def add(self, records: Sequence[Record]) -> None:
        """Keep the records; one that is there already stays as it is, so a batch may be resent."""

    async def page(self, wanted: Filter, *, after: Place | None, limit: int) -> list[Record]:
        """Return records, the newest first, from behind the place on."""

    async def slots(self, wanted: Filter, *, start: datetime, step_s: int) -> list[Slot]:
        """Return what the records since `start` add up to, by step, those with any."""

    async def models(self, wanted: Filter, *, start: datetime) -> dict[str | None, Slot]:
        """Return what the records since `start` add up to, by model; None reached no engine."""

    async def prune(self, *, before: datetime, rows: int, most: int) -> int:
        """Delete at most `most` records: older than `before`, or beyond the newest `rows`.

        Returns how many went.
        """
