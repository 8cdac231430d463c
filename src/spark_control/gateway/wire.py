"""What control and a gateway worker say to each other: one JSON object a line, both ways."""

import msgspec
from typing_extensions import override

from spark_control.gateway.record import Trace
from spark_control.gateway.route import Coming, Target
from spark_control.gateway.services import Service

LINE_BYTES = 8 * 1024 * 1024
"""No line is longer: a menu of thousands of models and their targets fits."""


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker needs to say who may come in."""

    required: bool
    owner_sha256: str
    session_key: str
    keyless_outside: bool
    names: tuple[str, ...]
    origins: tuple[str, ...]

    @override
    def __repr__(self) -> str:
        return "Pass(***)"


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that settings change."""

    body_bytes: int
    in_flight: int
    queue: int
    wait_s: float
    share: float
    upload_bytes: int = 512_000_000
    audio_in_flight: int = 2
    """Requests at once for each speech service."""


class State(msgspec.Struct, frozen=True, kw_only=True, tag="state"):
    """Everything a worker decides by. It is replaced whole; a later `version` is newer."""

    version: int
    targets: tuple[Target, ...]
    aliases: dict[str, str]
    menu: dict[str, str]
    coming: Coming | None
    door: Pass
    bounds: Bounds
    services: tuple[Service, ...] = ()
    """Speech and embedding services, in the order in which they are asked."""


class Synced(msgspec.Struct, frozen=True, tag="synced"):
    """The state before this line is as new as when `Sync` was asked."""


class Leave(msgspec.Struct, frozen=True, tag="leave"):
    """Take no new connections, finish what runs, and end."""

    patient: bool = False
    """Others have taken over, so what runs may take as long as it does."""


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """Who a worker is. `config` is what it was started with; another one cannot take it over."""

    pid: int
    release: str
    config: str
    port: int


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """From now on requests are routed by the state of that version."""

    version: int


class Sync(msgspec.Struct, frozen=True, tag="sync"):
    """Look again: somebody asked for a model that nobody serves, as far as is known here."""


class Busy(msgspec.Struct, frozen=True, tag="busy"):
    """How many requests run, by base URL."""

    counts: dict[str, int]


class Records(msgspec.Struct, frozen=True, tag="records"):
    """Requests that have ended."""

    rows: list[Trace]


class Wedge(msgspec.Struct, frozen=True, tag="wedge"):
    """A speech service failed inside."""

    service: str
    status: int


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """What the system says of a process; zero where it does not."""

    rss_bytes: int = 0
    cpu_s: float = 0.0
    open_fds: int = 0
    max_fds: int = 0
    started_at: float = 0.0
    """Seconds since 1970."""


class Stats(msgspec.Struct, frozen=True, kw_only=True, tag="stats"):
    """How the worker is, every few seconds. `lag_s`: how late its loop was, at worst."""

    pid: int
    lag_s: float
    connections: int
    waiting: int = 0
    """Requests that wait for an engine."""
    retries: int = 0
    """Requests that were sent again since the last time."""
    lost: int = 0
    """Records that were dropped since the last time: control was away for too long."""
    process: Process = Process()
    tasks: int = 0
    """Tasks of its loop; without load there are always as many."""


Down = State | Synced | Leave
Up = Hello | Ack | Sync | Busy | Records | Stats | Wedge

_UP: msgspec.json.Decoder[Up] = msgspec.json.Decoder(Up)
_DOWN: msgspec.json.Decoder[Down] = msgspec.json.Decoder(Down)


def line(message: Up | Down) -> bytes:
    """Return a message as a line."""
    return msgspec.json.encode(message) + b"\n"


def read_up(text: bytes) -> Up:
    """Read a line of a worker. Raises ValueError."""
    return _UP.decode(text)


def read_down(text: bytes) -> Down:
    """Read a line of control. Raises ValueError."""
    return _DOWN.decode(text)
