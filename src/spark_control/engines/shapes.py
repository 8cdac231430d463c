"""Engines on the wire."""

from pydantic import BaseModel

from spark_control.core.clock import iso
from spark_control.engines.domain import Engine, EngineState


class EngineShape(BaseModel):
    """One engine slot. `played` is null for a real engine, else how the demo plays it.

    `trouble_since`: since when an engine that served does not answer, or makes no tokens;
    `routed`: whether requests are sent to it all the same.
    """

    spark: str
    host: str
    port: int
    state: str
    served: list[str]
    owner: str
    played: str | None
    detail: str
    seen_at: str
    routed: bool = False
    trouble_since: str | None = None


def render(engine: Engine) -> EngineShape:
    """Return the engine as the API shows it."""
    return EngineShape(
        spark=engine.spark, host=engine.address.host, port=engine.address.port,
        state=engine.state, served=list(engine.served), owner=engine.look.owner,
        played=engine.played, detail=engine.detail, seen_at=iso(engine.seen_at),
        routed=engine.state is EngineState.SERVING,
        trouble_since=iso(engine.trouble_since) if engine.trouble_since else None,
    )  # fmt: skip
