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


TAKEN = frozenset({EngineState.SERVING, EngineState.LOADING, EngineState.SILENT})
"""Something listens, whatever it is."""


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
class Engine:
    """One engine slot of the fleet as last seen."""

    spark: str
    address: Address
    look: Look
    seen_at: datetime

    @property
    def state(self) -> EngineState:
        """Return what its port said."""
        return self.look.state

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
