"""What jobs need of a database."""

from typing import Protocol

from spark_control.jobs.domain import Job


class JobStore(Protocol):
    """Keeps jobs. Every method is one transaction; raises DatabaseTrouble."""

    async def save(self, job: Job) -> None:
        """Insert or replace the job with its phases; durable when it returns."""

    async def get(self, job_id: str) -> Job | None:
        """Return one job, or None."""

    async def newest(self, *, kind: str | None, limit: int) -> list[Job]:
        """Return the newest jobs first."""

    async def unfinished(self) -> list[Job]:
        """Return the jobs that have not ended, oldest first."""

    async def finished(self, *, kind: str, target: str, limit: int) -> list[Job]:
        """Return the newest jobs of that kind and target that ended well."""
