"""Sessions of the page: a signed cookie that holds only its end, and a brake on guessing."""

import hashlib
import hmac
from dataclasses import dataclass, field

LIFETIME_S = 30 * 24 * 3600
COOKIE = "sc_session"
FREE_TRIES = 5
LONGEST_S = 60
MOST_CLIENTS = 1024


def _sign(key: str, ends: int) -> str:
    return hmac.new(key.encode(), f"v1.{ends}".encode(), hashlib.sha256).hexdigest()


def make(key: str, now: float) -> str:
    """Return a cookie value that is good for `LIFETIME_S` from `now` (seconds since 1970)."""
    ends = int(now) + LIFETIME_S
    return f"v1.{ends}.{_sign(key, ends)}"


def is_good(value: str, key: str, now: float) -> bool:
    """Tell whether `value` was made with `key` and has not ended."""
    version, _, rest = value.partition(".")
    ends, _, signature = rest.partition(".")
    if version != "v1" or not ends.isascii() or not ends.isdecimal() or len(ends) > 12:
        return False
    good = hmac.compare_digest(signature.encode(), _sign(key, int(ends)).encode())
    return good and int(ends) > now


@dataclass(slots=True)
class Brake:
    """Slows down guessing: after five wrong tokens in a row each next try must wait longer."""

    wrong: int = 0
    until: float = 0.0

    def wait(self, now: float) -> int:
        """Return the whole seconds until the next try, 0 when it may be made now."""
        return max(0, -int(-(self.until - now) // 1))

    def note(self, *, right: bool, now: float) -> None:
        """Count a try."""
        self.wrong = 0 if right else self.wrong + 1
        over = self.wrong - FREE_TRIES
        self.until = now + min(LONGEST_S, 2**over) if over >= 0 else 0.0


@dataclass(slots=True)
class Brakes:
    """A brake for each address that showed a wrong token; the one tried longest ago goes first."""

    most: int = MOST_CLIENTS
    _of: dict[str, Brake] = field(default_factory=dict)

    def wait(self, client: str, now: float) -> int:
        """Return the whole seconds until `client` may try again."""
        return self._of[client].wait(now) if client in self._of else 0

    def note(self, client: str, *, right: bool, now: float) -> None:
        """Count a try of `client`; a right one is forgotten."""
        brake = self._of.pop(client, None) or Brake()
        if right:
            return
        brake.note(right=False, now=now)
        self._of[client] = brake
        if len(self._of) > self.most:
            del self._of[next(iter(self._of))]
