"""What a measure is told."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import uvloop

T = TypeVar("T")


class NotHere(Exception):
    """This machine lacks what the measure needs; the message names it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How thorough a measure shall be, and an empty folder of its own."""

    quick: bool
    folder: Path

    def times(self, full: int, quick: int) -> int:
        """Return how often to do it."""
        return quick if self.quick else full


def on_a_loop(work: Coroutine[object, object, T]) -> T:
    """Run `work` on the kind of loop that `serve` runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
