"""Records to test with."""

from datetime import UTC, datetime, timedelta

import msgspec

from spark_control.requests.domain import Record, millis

T0 = datetime(2026, 1, 1, tzinfo=UTC)
BASE = Record(
    id="rq_0", at_ms=millis(T0), path="/v1/chat/completions", asked="qwen", model="qwen36",
    target="spark1", client="10.88.0.50", status=200, streamed=True, ttft_ms=250.0,
    duration_ms=2250.0,
    tokens_in=12, tokens_out=101, bytes_in=300, bytes_out=9000,
)  # fmt: skip


def record(n: int = 0, **more: object) -> Record:
    """Return the record of second `n`."""
    values = {"id": f"rq_{n}", "at_ms": millis(T0 + timedelta(seconds=n)), **more}
    found: Record = msgspec.structs.replace(BASE, **values)
    return found
