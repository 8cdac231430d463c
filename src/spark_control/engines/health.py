"""How far an engine can be trusted with requests, from one look to the next.

One look that fails says little: an engine that reads a long prompt may be late. So it keeps its
requests until some looks in a row have failed; who has closed its port is gone at once.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from spark_control.engines.domain import Address, Engine, EngineState, Failing, Health, Look


class Sight(StrEnum):
    """What was learned of an engine."""

    ANSWERS = "answers"
    FAILS = "fails"
    FAILS_STILL = "fails_still"
    """It has failed for as long as is put up with."""
    LEFT = "left"
    """Its port is closed, or it says itself that it is not ready."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a look may take, how many in a row fail before it is ejected, and over how long."""

    look_s: float = 3.0
    looks: int = 3
    seconds: float = 10.0


MOVES: dict[tuple[Health, Sight], Health] = {
    (Health.OUT, Sight.ANSWERS): Health.GOOD,
    (Health.OUT, Sight.FAILS): Health.OUT,
    (Health.OUT, Sight.FAILS_STILL): Health.OUT,
    (Health.OUT, Sight.LEFT): Health.OUT,
    (Health.GOOD, Sight.ANSWERS): Health.GOOD,
    (Health.GOOD, Sight.FAILS): Health.DOUBTED,
    (Health.GOOD, Sight.FAILS_STILL): Health.EJECTED,
    (Health.GOOD, Sight.LEFT): Health.OUT,
    (Health.DOUBTED, Sight.ANSWERS): Health.GOOD,
    (Health.DOUBTED, Sight.FAILS): Health.DOUBTED,
    (Health.DOUBTED, Sight.FAILS_STILL): Health.EJECTED,
    (Health.DOUBTED, Sight.LEFT): Health.OUT,
    (Health.EJECTED, Sight.ANSWERS): Health.GOOD,
    (Health.EJECTED, Sight.FAILS): Health.EJECTED,
    (Health.EJECTED, Sight.FAILS_STILL): Health.EJECTED,
    (Health.EJECTED, Sight.LEFT): Health.OUT,
    (Health.WEDGED, Sight.ANSWERS): Health.WEDGED,
    (Health.WEDGED, Sight.FAILS): Health.WEDGED,
    (Health.WEDGED, Sight.FAILS_STILL): Health.WEDGED,
    (Health.WEDGED, Sight.LEFT): Health.OUT,
}
"""Who is WEDGED leaves that by a token too, which no look can see."""

_FAILS = frozenset({EngineState.SILENT, EngineState.UNKNOWN})


def seen(
    before: Engine | None, spark: str, address: Address, look: Look, at: datetime,
    patience: Patience,
) -> Engine:  # fmt: skip
    """Return the engine after one more look; `before`: what was known of that address."""
    if before is None or before.address != address or _another(before, look):
        return Engine(spark, address, look, at)
    failing = _failing(before, look, at)
    health = MOVES[before.health, _sight(look, failing, at, patience)]
    if health is Health.OUT:
        failing = None
    kept = health in {Health.DOUBTED, Health.WEDGED} and failing is not None
    return Engine(
        spark, address, before.look if kept else look, at,
        failing=failing, wedged=before.wedged if health is Health.WEDGED else None,
    )  # fmt: skip


def _another(before: Engine, look: Look) -> bool:
    """Tell whether another engine answers there now."""
    return look.state is EngineState.SERVING and look.served != before.look.served


def _failing(before: Engine, look: Look, at: datetime) -> Failing | None:
    if look.state not in _FAILS:
        return None
    if before.failing is None:
        return Failing(1, at, look.detail)
    return Failing(before.failing.looks + 1, before.failing.since, look.detail)


def _sight(look: Look, failing: Failing | None, at: datetime, patience: Patience) -> Sight:
    if look.state is EngineState.SERVING:
        return Sight.ANSWERS
    if failing is None:
        return Sight.LEFT
    late = (at - failing.since).total_seconds() >= patience.seconds
    still = late and failing.looks >= patience.looks
    return Sight.FAILS_STILL if still else Sight.FAILS
