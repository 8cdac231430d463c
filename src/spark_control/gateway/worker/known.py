"""Heads of requests as a worker uses them; those seen lately are kept, for clients repeat them."""

import ipaddress
from dataclasses import dataclass, field
from enum import Enum

from spark_control.access.errors import WrongToken
from spark_control.access.guard import Head
from spark_control.access.ports import Keys
from spark_control.access.session import Brakes
from spark_control.access.usecases import Access
from spark_control.core.clock import Clock
from spark_control.core.errors import HeadTooLarge, LineTooLong, MethodWrong
from spark_control.gateway.errors import RequestMalformed
from spark_control.gateway.head import RequestHead, read_request
from spark_control.gateway.headers import rendered, to_control, to_engine
from spark_control.gateway.record import MODEL_PATH, MODELS
from spark_control.gateway.wire import Pass
from spark_control.gateway.worker.answers import GUARD
from spark_control.settings.domain import Settings, Source, Value

MOST = 512
LONGEST_KEPT = 4096
UNREADABLE = (RequestMalformed, LineTooLong, HeadTooLarge)
"""Why a head says nothing that can be trusted."""
MOST_DIGITS = 15
_LENGTHS = (b"\r\ncontent-length: ", b"\r\nContent-Length: ")
"""As nearly every client writes it."""
MODEL_PATHS = frozenset({
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank", "/v1/score",
    "/v1/responses", "/v1/messages", "/v1/messages/count_tokens", "/tokenize", "/detokenize",
    "/rerank", "/score", "/v1/audio/speech",
})  # fmt: skip
UPLOAD_PATHS = frozenset({"/v1/audio/transcriptions", "/v1/audio/translations"})
MODELS_PATH, VOICES_PATH = MODELS, "/v1/audio/voices"


class Kind(Enum):
    """Who answers a request."""

    MODEL = "model"
    UPLOAD = "upload"
    LIST = "list"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A head, who answers it, the header lines that go on, and those of every answer to it.

    Requests for models that differ in nothing but their length share one; the length in its head
    is that of the first of them.
    """

    head: RequestHead
    kind: Kind
    path: str
    forward: bytes
    extra: bytes


def kind_of(head: RequestHead, path: str) -> Kind:
    """Return who answers. Raises MethodWrong."""
    upload = path in UPLOAD_PATHS
    if (upload or path in MODEL_PATHS) and head.method != "OPTIONS":
        if head.method != "POST":
            raise MethodWrong(f"{path} takes POST, not {head.method[:20]}.")
        return Kind.UPLOAD if upload else Kind.MODEL
    listed = path in {MODELS_PATH, VOICES_PATH} or path.startswith(MODEL_PATH)
    if listed and head.method in {"GET", "HEAD"} and not head.has_body:
        return Kind.LIST
    return Kind.CONTROL


def is_recorded(path: str) -> bool:
    """Tell whether a request for `path` leaves a record, whoever answers it."""
    return path.startswith("/v1/") or path == "/v1" or path in MODEL_PATHS


def path_of(data: bytes) -> str:
    """Return what seems to be the path of a request that is refused, for the shape of that."""
    words = data[:2048].split(b" ", 2)
    return words[1].decode("latin-1").partition("?")[0] if len(words) == 3 else ""


def addressed(client: str) -> str:
    """Return an address as one knows it: an IPv4 one that came over IPv6 as IPv4."""
    try:
        found = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    return str(getattr(found, "ipv4_mapped", None) or found)


def closed_door() -> Pass:
    """Return who may come in while control has not said it yet: nobody."""
    return Pass(
        required=True, owner_sha256="", session_key="", keyless_outside=False, names=(), origins=()
    )


@dataclass(kw_only=True, slots=True)
class Heads:
    """Reads heads and lets them in, by one state of the door."""

    door: Pass
    clock: Clock
    _access: Access = field(init=False)
    _seen: dict[bytes, Known] = field(init=False, default_factory=dict)
    """Heads that were let in, by their bytes without the digits of the length.

    Only heads that state one are here: one that states none must not be taken for one of them.
    """

    def __post_init__(self) -> None:
        keys = Keys(self.door.owner_sha256, self.door.session_key, self.door.keyless_outside)
        allowed = {"ALLOWED_ORIGINS": Value(",".join(self.door.origins), Source.FILE)}
        settings = Settings(allowed)
        self._access = Access(
            required=self.door.required, keys=keys, names=frozenset(self.door.names),
            settings=lambda: settings, clock=self.clock,
            brakes=Brakes(most=0),  # control counts wrong tokens, for all of us
        )  # fmt: skip

    def seen(self, block: bytes) -> tuple[Known, int] | None:
        """Return what a head says that was let in before, and stays so, and the length it states.

        The length is that of another request each time; everything else is mostly the same.
        """
        found = _without_length(block)
        if found is None:
            return None
        known = self._seen.get(found[0])
        return None if known is None else (known, found[1])

    def read(self, block: bytes) -> Known:
        """Return what a head says; whether it may come in is another question.

        Raises RequestMalformed and its like.
        """
        head = read_request(block)
        path = head.path
        kind = kind_of(head, path)
        if kind is Kind.CONTROL:
            return _for_control(head)
        return Known(head, kind, path, rendered(to_engine(head.fields)), self._lines(head))

    def admit(self, block: bytes, known: Known, client: str) -> Known:
        """Let a request in, or raise why not; it comes back as it is to be answered.

        Control's own door looks at what goes there, and at wrong tokens: it slows down guessing.
        """
        if known.kind is Kind.CONTROL:
            return known
        texts = dict(reversed(known.head.fields))
        if not known.head.minor:  # a browser, the only one to be fooled by names, says Host
            texts.setdefault("host", "localhost")
        try:
            self._access.check(Head(known.head.method, known.path, texts, client))
        except WrongToken:
            return _for_control(known.head)
        if known.kind is Kind.MODEL and len(block) <= LONGEST_KEPT and "cookie" not in texts:
            # What let it in stays as it is: a cookie alone would end some day.
            self._keep(block, known)
        return known

    def _keep(self, block: bytes, known: Known) -> None:
        found = _without_length(block)
        if found is not None:
            if len(self._seen) >= MOST:
                self._seen.clear()
            self._seen[found[0]] = known

    def _lines(self, head: RequestHead) -> bytes:
        """Return the header lines of every answer to this."""
        origin = dict(head.fields).get("origin", "")
        if not origin or origin not in self.door.origins:
            return GUARD
        cors = (("access-control-allow-origin", origin), ("vary", "Origin"))
        return GUARD + rendered(cors)


def _without_length(block: bytes) -> tuple[bytes, int] | None:
    """Return a head without the digits of its first stated length, and that length.

    None when it has none, or one that is not written in a usual way: such a head is read anew.
    """
    for name in _LENGTHS:
        start = block.find(name)
        if start >= 0:
            start += len(name)
            stop = block.find(b"\r\n", start)
            digits = block[start:stop]
            if digits.isdigit() and len(digits) <= MOST_DIGITS:
                return block[:start] + block[stop:], int(digits)
            return None
    return None


def _for_control(head: RequestHead) -> Known:
    return Known(head, Kind.CONTROL, head.path, rendered(to_control(head.fields)), b"")
