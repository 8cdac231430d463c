"""How long each part of a request may take, and how much may be held in memory meanwhile."""

from dataclasses import dataclass

AHEAD_BYTES = 256 * 1024
"""What a client may send ahead of its turn; beyond it is not read for a while."""
LINGER_BYTES = 64 * 1024 * 1024
"""What is still read of a request that was refused, so that its client sees the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Seconds."""

    look: float = 0.5
    """Between two looks at all connections; limits are kept about that exactly."""
    waiting: float = 10.0
    """After so long in a queue, and then as often, a stream is told that it waits."""
    head: float = 15.0
    body_pause: float = 30.0
    body: float = 600.0
    keep_alive: float = 75.0
    linger: float = 5.0
    connect: float = 5.0
    first_byte: float = 30 * 60.0
    """An answer that is no stream begins when the engine has made all of it."""
    stream_head: float = 10 * 60.0
    """A stream begins when the engine has read the prompt, at the latest."""
    pause: float = 10 * 60.0
    """Between two pieces of an answer, or of what a client takes of it."""
    total: float = 30 * 60.0
    control_first_byte: float = 120.0
    pool: float = 4.0
    """vLLM's server closes an idle connection after 5 s; one that goes out then is lost."""
    away: float = 2.0
    """For how long a server that took no connection is asked last."""
    sync: float = 10.0
    flush: float = 0.5
    drain: float = 20.0
    last_words: float = 0.2
    """Who is connected when a worker leaves may still ask for so long."""
    orphan: float = 30 * 60.0
    """A worker ends itself when no control process has come for so long."""
