"""An engine is a running model server; it is observed, never stored as truth."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LAB = "spark-control-lab-"
"""Engines of the demo say with this prefix of `owned_by` that they stand in for a real one."""


class EngineState(StrEnum):
    """What a look at an engine's port said."""

    ABSENT = "absent"
    """Nothing listens there: idle, not a failure."""
    LOADING = "loading"
    """Something listens and is not ready yet."""
    SERVING = "serving"
    """It is healthy and lists models."""
    SILENT = "silent"
    """It takes connections and does not answer."""
    UNKNOWN = "unknown"
    """The address cannot be reached, so nothing can be said."""
    WEDGED = "wedged"
    """It is healthy and lists models, and makes no tokens; no look says so, only a deep probe."""


TAKEN = frozenset({
    EngineState.SERVING, EngineState.LOADING, EngineState.SILENT, EngineState.WEDGED,
})  # fmt: skip
"""Something listens, whatever it is."""


class Health(StrEnum):
    """Whether requests are sent to an engine."""

    OUT = "out"
    """It does not serve."""
    GOOD = "good"
    DOUBTED = "doubted"
    """Looks at it fail since a moment ago; requests still go there."""
    EJECTED = "ejected"
    """It served, and has not answered for too long; none go there until it answers again."""
    WEDGED = "wedged"
    """It answers looks and makes no tokens; none go there until it makes one."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine listens."""

    host: str
    port: int

    @property
    def base_url(self) -> str:
        """Return `http://host:port`, with brackets for IPv6."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: `served` names, `owner` of its model list, a sentence for a person."""

    state: EngineState
    served: tuple[str, ...] = ()
    owner: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failing:
    """Looks in a row at an engine that served: how many failed, since when, and the last why."""

    looks: int
    since: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine slot of the fleet as last seen. Of one that is doubted, `look` is the last good.

    `wedged` is since when it makes no tokens.
    """

    spark: str
    address: Address
    look: Look
    seen_at: datetime
    failing: Failing | None = None
    wedged: datetime | None = None

    @property
    def health(self) -> Health:
        """Return whether requests are sent there."""
        if self.wedged is not None:
            return Health.WEDGED
        serving = self.look.state is EngineState.SERVING
        if self.failing is not None:
            return Health.DOUBTED if serving else Health.EJECTED
        return Health.GOOD if serving else Health.OUT

    @property
    def state(self) -> EngineState:
        """Return what its port said, and what a deep probe said."""
        return self.look.state if self.wedged is None else EngineState.WEDGED

    @property
    def trouble_since(self) -> datetime | None:
        """Return since when it does not answer or makes no tokens."""
        return self.wedged or (self.failing.since if self.failing else None)

    @property
    def detail(self) -> str:
        """Return what there is to say of it to a person."""
        if self.wedged is not None:
            return "it lists its model and makes no tokens"
        return self.failing.detail if self.failing else self.look.detail

    @property
    def served(self) -> tuple[str, ...]:
        """Return the names it answers to."""
        return self.look.served

    @property
    def played(self) -> str | None:
        """Return how the lab plays this engine (`scripted`, `llama.cpp`), None for any other."""
        lab, found, how = self.look.owner.partition(LAB)
        return how if found and not lab else None

    def serves(self, name: str) -> bool:
        """Tell whether the engine answers to `name` now."""
        return self.state is EngineState.SERVING and name in self.served
