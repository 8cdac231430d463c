"""What jobs need of a database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.exclusion import Lease, Want

Together = Callable[[Any], None]
"""What must hold in the same transaction, by another room. It is handed the store's connection,
of a type that only stores know, and refuses by raising."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which jobs of the list are wanted: `before` is the last job of the page before."""

    kind: str | None = None
    state: JobState | None = None
    limit: int = 50
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """The last sign of life of the process that runs a job."""

    job: str
    owner: str
    until: datetime | None


class JobStore(Protocol):
    """Keeps jobs. Every method is one transaction; raises DatabaseTrouble.

    A job belongs to the process that stored it last, as long as that renews it; the times are the
    store's own. Nobody else's job can be saved.
    """

    async def create(self, job: Job, wants: Sequence[Want], together: Together | None) -> None:
        """Insert the job with its leases. Raises BusyHost, and what `together` raises."""

    async def save(self, job: Job) -> None:
        """Insert or replace the job with its phases; durable when it returns.

        One that has ended gives its leases back. Raises JobLost for a job of another process.
        """

    async def get(self, job_id: str) -> Job | None:
        """Return one job, or None."""

    async def newest(self, asked: Asked) -> list[Job]:
        """Return the newest jobs first."""

    async def unfinished(self) -> list[Job]:
        """Return the jobs that have not ended, oldest first."""

    async def finished(self, *, kind: str, target: str, limit: int) -> list[Job]:
        """Return the newest jobs of that kind and target that ended well."""

    async def leases(self) -> list[Lease]:
        """Return what jobs have for themselves now, those of other processes too."""

    async def own(self) -> list[Job]:
        """Return the jobs that an earlier process of this owner left, oldest first."""

    async def renew(self) -> None:
        """Say that the owner of these jobs lives."""

    async def lapsed(self) -> list[Sign]:
        """Return the jobs of others that have not been renewed in time."""

    async def claim(self, signs: Sequence[Sign]) -> list[Job]:
        """Make jobs ours, but those that have given another sign of life; oldest first."""

    async def prune(self, keep: int) -> int:
        """Forget ended jobs but the newest `keep` of each kind; return how many went."""
