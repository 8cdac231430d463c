"""One upstream: where it is, how it is doing, and what its answers say."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from spark_control.gateway.head import AnswerHead, read_answer
from spark_control.gateway.headers import from_control, rendered, to_client
from spark_control.gateway.usage import Tap, taps_for
from spark_control.gateway.worker.answers import status_line
from spark_control.gateway.worker.known import Known

MOST_ANSWERS = 128
MOST_OPENINGS = 512
LONGEST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer, with the lines of it that the client gets."""

    head: AnswerHead
    lines: bytes
    sized: bytes
    """The same with the stated length; blank when none is stated."""
    kind: str
    encoding: str
    taps: Callable[[], Tap]
    """Makes what looks at the body."""

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
    service: str = ""
    """What a speech or embedding service is called in a sentence."""
    key_line: bytes = b""
    """The header line that carries `token`."""
    busy: int = 0
    """How many requests run there now, of this worker."""
    away_until: float = 0.0
    openings: dict[Known, bytes] = field(default_factory=dict)
    """The heads of requests as they were sent here lately, up to their lengths."""
    _answers: dict[bytes, Answer] = field(default_factory=dict)

    def opens(self, known: Known, lines: bytes) -> None:
        """Keep how a request is sent here."""
        if len(self.openings) >= MOST_OPENINGS:
            self.openings.clear()
        if len(lines) <= LONGEST_KEPT:
            self.openings[known] = lines

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
        lines, sized = status_line(head.status, head.reason) + rendered(fields), b""
        if head.length is not None and head.status != 204:
            sized = b"%bcontent-length: %d\r\n" % (lines, head.length)
        kind = names.get("content-type", "").lower()
        encoding = names.get("content-encoding", "")
        found = Answer(head, lines, sized, kind, encoding, taps_for(kind, encoding))
        if len(self._answers) >= MOST_ANSWERS:
            self._answers.clear()
        if len(block) <= LONGEST_KEPT:
            self._answers[block] = found
        return found


def place_of(name: str, base_url: str, token: str = "", service: str = "") -> Place:
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
            service=service,
            key_line=rendered((("authorization", f"Bearer {token}"),)) if token else b"",
        )  # fmt: skip
    except ValueError:
        return Place(name=name, base_url=base_url, token=token, service=service)
