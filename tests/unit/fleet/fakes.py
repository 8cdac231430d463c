"""Stand-ins for what the fleet stands on: time that a test moves, and hosts that it holds."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

from spark_control.core.errors import AppError
from spark_control.core.shell import Command, RemotePath
from spark_control.fleet.errors import ConnectionLost
from spark_control.fleet.ports import Result
from spark_control.settings.domain import Spark

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return 1000 + self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def answer(hostname: str) -> str:
    return json.dumps({"version": 1, "files": {"hostname": hostname}})


class FakeHost:
    """Answers every command with `outcome`; while `gate` is closed its callers wait."""

    def __init__(self, spark: Spark) -> None:
        self.spark = spark
        self.outcome: Result | AppError = Result(0, answer(spark.name), "")
        self.gate = asyncio.Event()
        self.gate.set()
        self.runs: list[tuple[Command, float, bytes | None]] = []
        self.closed = False

    @property
    def name(self) -> str:
        return self.spark.name

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        self.runs.append((command, timeout_s, stdin))
        await self.gate.wait()
        if self.closed:
            raise ConnectionLost(f"{self.name} was let go of.")
        if isinstance(self.outcome, AppError):
            raise self.outcome
        return self.outcome

    def stream(
        self, command: Command, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        raise NotImplementedError(f"{command} for {timeout_s} s")

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        raise NotImplementedError(f"{path} {len(content)} {mode}")

    async def close(self) -> None:
        self.closed = True
        self.gate.set()
