"""Sign in, and say for each request whether it may pass."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from spark_control.access import session
from spark_control.access.errors import TooManyTries, WrongToken
from spark_control.access.guard import (
    Head,
    check_host,
    check_media,
    check_origin,
    is_outside,
    is_public,
)
from spark_control.access.ports import Keys
from spark_control.core.clock import Clock
from spark_control.core.errors import NotSignedIn
from spark_control.core.secret import digest, same
from spark_control.settings.domain import Settings


@dataclass(kw_only=True, slots=True)
class Access:
    """The door. `required`: a token or a session is asked for."""

    required: bool
    keys: Keys
    names: frozenset[str]
    settings: Callable[[], Settings]
    clock: Clock
    brakes: session.Brakes = field(default_factory=session.Brakes)

    def origins(self) -> frozenset[str]:
        """Return the origins of other sites that may call the API."""
        return frozenset(self.settings().names("ALLOWED_ORIGINS"))

    def check(self, head: Head) -> None:
        """Let the request pass, or raise why not."""
        origins = self.origins()
        named = frozenset(origin.split("://")[-1].split(":")[0].lower() for origin in origins)
        check_host(head, self.names | named)
        bearer = self._bearer(head)
        cookie_only = self.required and not bearer and self.has_session(head)
        check_origin(head, origins, cookie_only=cookie_only)
        check_media(head)
        self._identify(head, bearer=bearer)

    def _identify(self, head: Head, *, bearer: bool) -> None:
        if not self.required or is_public(head.path):
            return
        if is_outside(head.path) and self.keys.keyless_outside:
            return
        if not bearer and not self.has_session(head):
            raise NotSignedIn("This needs the owner token.")

    def _bearer(self, head: Head) -> bool:
        """Tell whether the right token came along.

        Raises WrongToken for a wrong one, TooManyTries.
        """
        kind, _, token = head.headers.get("authorization", "").partition(" ")
        token = token.strip() if kind.lower() == "bearer" else head.headers.get("x-api-key", "")
        if not self.required or not token or is_public(head.path):
            return False
        if is_outside(head.path) and self.keys.keyless_outside:
            return same(digest(token), self.keys.owner_sha256)
        self._try(token, head.client)
        return True

    def _try(self, token: str, client: str) -> None:
        now = self.clock.monotonic()
        if wait := self.brakes.wait(client, now):
            raise TooManyTries("Too many wrong tokens.", retry_after_s=wait)
        right = same(digest(token), self.keys.owner_sha256)
        self.brakes.note(client, right=right, now=now)
        if not right:
            raise WrongToken("The token is not the right one.")

    def has_session(self, head: Head) -> bool:
        """Tell whether the request carries a session that is still good."""
        try:
            jar = SimpleCookie(head.headers.get("cookie", ""))
        except CookieError:
            return False
        value = jar[session.COOKIE].value if session.COOKIE in jar else ""
        return session.is_good(value, self._session_key, self.clock.now().timestamp())

    @property
    def _session_key(self) -> str:
        """A new owner token ends all sessions."""
        return f"{self.keys.session_key}.{self.keys.owner_sha256}"

    def sign_in(self, token: str, client: str) -> str:
        """Return a cookie value for the right token. Raises WrongToken, TooManyTries."""
        self._try(token, client)
        return session.make(self._session_key, self.clock.now().timestamp())
