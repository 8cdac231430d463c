"""What a worker notes of a request while it runs, and the record that control makes of it."""

import msgspec

from spark_control.requests.domain import LONGEST_NAME, OTHER, Record

PATHS = frozenset({
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank", "/v1/score",
    "/v1/responses", "/v1/messages", "/v1/messages/count_tokens", "/v1/models",
    "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/audio/speech", "/v1/audio/voices",
    "/tokenize", "/detokenize", "/rerank", "/score",
})  # fmt: skip
"""The paths that are named in records; any other is `other`, so that nobody can fill a table."""
MODELS = "/v1/models"
MODEL_PATH = f"{MODELS}/"
"""What the path of a request for one model begins with."""


def named(path: str) -> str:
    """Return the path by which a request is recorded."""
    if path in PATHS:
        return path
    return MODELS if path.startswith(MODEL_PATH) else OTHER


class Trace(msgspec.Struct, array_like=True, gc=False):
    """Notes on one request. They go to control as they are, to cost the worker little.

    Times are of a monotonic clock, in seconds; but for `epoch`, which makes them times of day.
    """

    id: str
    epoch: float
    """Add it to one of the times for the seconds since 1970."""
    began: float
    path: str
    client: str
    bytes_in: int = 0
    asked: str | None = None
    model: str | None = None
    target: str | None = None
    streamed: bool = False
    granted: float | None = None
    """When it left the queue, if it had to wait."""
    first: float | None = None
    """When the first byte of the answer's body was there."""
    bytes_out: int = 0
    ended: float = 0.0
    status: int = 0
    error: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    estimated: bool = False

    def record(self) -> Record:
        """Return the record of the request, which has ended."""
        return Record(
            id=self.id, at_ms=round((self.epoch + self.began) * 1000),
            path=named(self.path),
            asked=_short(self.asked), model=_short(self.model), target=self.target,
            client=self.client[:LONGEST_NAME], status=self.status, error=self.error,
            streamed=self.streamed,
            queue_ms=0.0 if self.granted is None else self._since(self.granted),
            ttft_ms=self._since(self.first) if self.streamed and self.first is not None else None,
            duration_ms=self._since(self.ended),
            tokens_in=self.tokens_in, tokens_out=self.tokens_out, estimated=self.estimated,
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
