"""One upstream: where it is, how it is doing, and what its answers say."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from spark_control.gateway.head import AnswerHead, read_answer
from spark_control.gateway.headers import from_control, rendered, to_client
from spark_control.gateway.worker.answers import status_line

MOST_ANSWERS = 128
LONGEST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer, with the lines of it that the client gets."""

    head: AnswerHead
    lines: bytes
    kind: str
    encoding: str

    @property
    def is_stream(self) -> bool:
        """Tell whether it is a stream of events."""
        return self.kind.startswith("text/event-stream")


@dataclass(kw_only=True, slots=True)
class Place:
    """An upstream. `socket` is the path of a Unix socket; then it is the control process."""

    name: str
    base_url: str
    host: str = ""
    port: int = 0
    socket: str = ""
    tls: ssl.SSLContext | None = None
    netloc: bytes = b""
    prefix: bytes = b""
    token: str = ""
    key_line: bytes = b""
    """The header line that carries `token`."""
    busy: int = 0
    """How many requests run there now, of this worker."""
    away_until: float = 0.0
    _answers: dict[bytes, Answer] = field(default_factory=dict)

    def answer(self, block: bytes) -> Answer:
        """Return what a head says. Raises AnswerMalformed.

        Servers say nearly the same each time, so heads seen lately are kept.
        """
        found = self._answers.get(block)
        if found is not None:
            return found
        head = read_answer(block)
        fields = from_control(head.fields) if self.socket else to_client(head.fields)
        names = dict(head.fields)
        found = Answer(
            head, status_line(head.status, head.reason) + rendered(fields),
            names.get("content-type", "").lower(), names.get("content-encoding", ""),
        )  # fmt: skip
        if len(self._answers) >= MOST_ANSWERS:
            self._answers.clear()
        if len(block) <= LONGEST_KEPT:
            self._answers[block] = found
        return found


def place_of(name: str, base_url: str, token: str = "") -> Place:
    """Return the place of an engine or server. One whose address is none takes no connection."""
    try:
        parts = urlsplit(base_url)
        secure = parts.scheme == "https"
        return Place(
            name=name, base_url=base_url, host=parts.hostname or "",
            port=parts.port or (443 if secure else 80),
            tls=ssl.create_default_context() if secure else None,
            netloc=parts.netloc.rpartition("@")[2].encode("ascii"),
            prefix=parts.path.rstrip("/").removesuffix("/v1").encode("ascii"), token=token,
            key_line=rendered((("authorization", f"Bearer {token}"),)) if token else b"",
        )  # fmt: skip
    except ValueError:
        return Place(name=name, base_url=base_url, token=token)
