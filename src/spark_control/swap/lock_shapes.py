"""The swap lock on the wire."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from spark_control.core.clock import iso
from spark_control.core.secret import Secret
from spark_control.swap.ports import Reading

DAY_S = 86_400
SHORTEST_S = 5
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=_PRINTABLE),
]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_PRINTABLE),
]


class LockWishShape(BaseModel):
    """`POST /api/swap/lock`: `holder` and `ttl_s` take it; to renew, all may be left out."""

    model_config = ConfigDict(extra="forbid")

    holder: Name | None = None
    reason: Text | None = None
    ttl_s: int | None = Field(default=None, ge=SHORTEST_S, le=DAY_S)


class BreakShape(BaseModel):
    """`POST /api/swap/lock/break`: why it is taken from its holder."""

    model_config = ConfigDict(extra="forbid")

    reason: Text


class FreeShape(BaseModel):
    """Nobody holds the lock."""

    holder: None = None


class LockShape(BaseModel):
    """Somebody holds the lock. `fence` is the number of this hold; it rises with each."""

    holder: str
    reason: str | None
    acquired_at: str
    expires_at: str
    expires_in_s: float
    fence: int


class TokenShape(LockShape):
    """The lock as its holder sees it: nobody else is ever told the token."""

    token: str


def render(reading: Reading) -> LockShape | FreeShape:
    """Return the lock as the API shows it."""
    hold = reading.lock.held(reading.at)
    if hold is None:
        return FreeShape()
    return LockShape(
        holder=hold.holder, reason=hold.reason, acquired_at=iso(hold.since),
        expires_at=iso(hold.until), fence=reading.lock.fence.number,
        expires_in_s=round((hold.until - reading.at).total_seconds(), 1),
    )  # fmt: skip


def with_token(reading: Reading, token: Secret) -> TokenShape:
    """Return the lock for its holder."""
    return TokenShape(token=token.reveal(), **render(reading).model_dump())
