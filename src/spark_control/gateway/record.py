"""What a worker notes of a request while it runs, and the record it makes of it at the end."""

from datetime import datetime

import msgspec

from spark_control.gateway.usage import NOTHING, Usage
from spark_control.requests.domain import LONGEST_NAME, OTHER, Record

PATHS = frozenset({
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank", "/v1/score",
    "/v1/responses", "/v1/messages", "/v1/messages/count_tokens", "/v1/models",
    "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/audio/speech", "/v1/audio/voices",
    "/tokenize", "/detokenize", "/rerank", "/score",
})  # fmt: skip
"""The paths that are named in records; any other is `other`, so that nobody can fill a table."""


class Trace(msgspec.Struct, kw_only=True, gc=False):
    """Notes on one request. Times are of a monotonic clock, in seconds."""

    id: str
    at: datetime
    began: float
    path: str
    client: str
    asked: str | None = None
    model: str | None = None
    target: str | None = None
    streamed: bool = False
    granted: float | None = None
    """When it left the queue, if it had to wait."""
    first: float | None = None
    """When the first byte of the answer's body was there."""
    bytes_in: int = 0
    bytes_out: int = 0

    def record(
        self, now: float, *, status: int, usage: Usage | None = None, error: str | None = None
    ) -> Record:
        """Return the record of the request, which ended now."""
        used = usage or NOTHING
        return Record(
            id=self.id, at=self.at, path=self.path if self.path in PATHS else OTHER,
            asked=_short(self.asked), model=_short(self.model), target=self.target,
            client=self.client[:LONGEST_NAME], status=status, error=error,
            streamed=self.streamed,
            queue_ms=0.0 if self.granted is None else self._since(self.granted),
            ttft_ms=self._since(self.first) if self.streamed and self.first is not None else None,
            duration_ms=self._since(now),
            tokens_in=used.tokens_in, tokens_out=used.tokens_out, estimated=used.estimated,
            bytes_in=self.bytes_in, bytes_out=self.bytes_out,
        )  # fmt: skip

    def _since(self, moment: float) -> float:
        """Return the milliseconds since the begin, to three digits; `round` is slow at this."""
        took = moment - self.began
        return int(took * 1_000_000 + 0.5) / 1000 if took > 0 else 0.0


def _short(name: str | None) -> str | None:
    """Return a name that came from outside, bounded and in one line."""
    if name is None:
        return None
    if name.isprintable():  # nearly always
        return name[:LONGEST_NAME]
    return "".join(char if char.isprintable() else "?" for char in name[:LONGEST_NAME])
