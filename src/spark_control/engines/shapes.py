"""Engines on the wire."""

from pydantic import BaseModel

from spark_control.core.clock import iso
from spark_control.engines.domain import Engine


class EngineShape(BaseModel):
    """One engine slot. `played` is null for a real engine, else how the demo plays it."""

    spark: str
    host: str
    port: int
    state: str
    served: list[str]
    owner: str
    played: str | None
    detail: str
    seen_at: str


def render(engine: Engine) -> EngineShape:
    """Return the engine as the API shows it."""
    return EngineShape(
        spark=engine.spark, host=engine.address.host, port=engine.address.port,
        state=engine.state, served=list(engine.served), owner=engine.look.owner,
        played=engine.played, detail=engine.look.detail, seen_at=iso(engine.seen_at),
    )  # fmt: skip
