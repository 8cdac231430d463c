"""Time that passes only when somebody sleeps."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.unit.cli.samples import NOW


@dataclass(slots=True)
class FakeClock:
    """A clock that stands still."""

    passed: float = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
