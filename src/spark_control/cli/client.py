"""The HTTP API as calls that return an Answer or raise a Failure."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx

from spark_control.cli.answer import Answer
from spark_control.cli.failure import Exit, Failure, exit_of
from spark_control.core.secret import Secret

CONNECT_S = 5.0
ANSWER_S = 30.0
SLOW_S = 120.0
"""For what waits on a Spark: starting a swap looks at it first, a cancel ends with its cleanup."""
QUIET_S = 30.0
"""A stream that is silent for so long is opened again, in case its other end is gone."""

START_IT = "Start it with `spark-control serve` or `make demo`, or name another with --url."
SIGN_IN = "Put the owner token into SPARK_CONTROL_TOKEN, or give it with --token."
NOT_OURS = "Check the address given with --url or SPARK_CONTROL_URL."

Query = Mapping[str, str | int]
Headers = Mapping[str, str]


class Api:
    """One Spark Control. Every method raises Failure, in the server's words where it has some."""

    def __init__(
        self, url: str, token: Secret, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        # A proxy variable of the shell must not stand between us and our own machine.
        self._http = httpx.Client(
            base_url=url,
            headers=headers,
            timeout=_limit(ANSWER_S),
            trust_env=False,
            verify=not url.lower().startswith("http:"),  # no certificates to load without TLS
            transport=transport,
        )

    def get(self, path: str, query: Query | None = None) -> Answer:
        """Return what is at `path`."""
        return self._ask("GET", path, query=query)

    def get_text(self, path: str, query: Query | None = None) -> str:
        """Return the plain text at `path`."""
        return self._send("GET", path, query=query, body=None).text

    def post(self, path: str, body: object, *, headers: Headers | None = None) -> Answer:
        """Send `body` and return the answer."""
        return self._ask("POST", path, body=body, headers=headers)

    def put(self, path: str, body: object) -> Answer:
        """Replace what is at `path` and return the answer."""
        return self._ask("PUT", path, body=body)

    def delete(self, path: str, *, headers: Headers | None = None) -> Answer:
        """Delete or cancel what is at `path` and return the answer."""
        return self._ask("DELETE", path, headers=headers)

    @contextmanager
    def stream(self, path: str, *, after: str = "") -> Iterator[Iterator[str]]:
        """Open the event stream at `path`, behind the event `after`, as pieces of text."""
        headers = {"Accept": "text/event-stream"}
        if after:
            headers["Last-Event-ID"] = after
        with (
            self._troubles(),
            self._http.stream("GET", path, headers=headers, timeout=_limit(QUIET_S)) as response,
        ):
            if response.status_code != httpx.codes.OK:
                response.read()
                raise self._refusal(response)
            yield response.iter_text()

    def download(self, path: str, write: Callable[[bytes], object]) -> None:
        """Ask for the file at `path` and hand it to `write` in pieces."""
        with (
            self._troubles(),
            self._http.stream("POST", path, json={}, timeout=_limit(SLOW_S)) as response,
        ):
            if not response.is_success:
                response.read()
                raise self._refusal(response)
            for piece in response.iter_raw():
                write(piece)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _ask(
        self, method: str, path: str, *, query: Query | None = None, body: object = None,
        headers: Headers | None = None,
    ) -> Answer:  # fmt: skip
        response = self._send(method, path, query=query, body=body, headers=headers)
        if response.status_code == httpx.codes.NO_CONTENT:
            return Answer()
        try:
            return Answer(response.json())
        except ValueError as error:
            raise self._not_ours(response) from error

    def _send(
        self, method: str, path: str, *, query: Query | None, body: object,
        headers: Headers | None = None,
    ) -> httpx.Response:  # fmt: skip
        limit = _limit(ANSWER_S if method == "GET" else SLOW_S)
        with self._troubles():
            response = self._http.request(
                method, path, params=query, json=body, headers=headers, timeout=limit
            )
        if not response.is_success:
            raise self._refusal(response)
        return response

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        """Translate what keeps an answer from arriving."""
        try:
            yield
        except httpx.ReadTimeout as error:
            raise Failure(
                code="server_slow",
                message=f"{self.url} takes too long to answer.",
                hint="Try again; if it stays, look at the server's log.",
                exit=Exit.NOT_REACHABLE,
            ) from error
        except httpx.HTTPError as error:
            raise Failure(
                code="server_unreachable",
                message=f"No answer from {self.url} ({_reason(error)}).",
                hint=START_IT,
                exit=Exit.NOT_REACHABLE,
            ) from error

    def _refusal(self, response: httpx.Response) -> Failure:
        """Return the server's own words for an error."""
        try:
            error = Answer(response.json())["error"]
        except ValueError:
            return self._not_ours(response)
        code = error["code"].text
        if code is None:
            return self._not_ours(response)
        signed_out = response.status_code == httpx.codes.UNAUTHORIZED
        return Failure(
            code=code,
            message=error["message"].text or f"The server answered {response.status_code}.",
            hint=SIGN_IN if signed_out else error["hint"].text or "",
            exit=exit_of(response.status_code),
            detail=error["detail"].mapping,
        )

    def _not_ours(self, response: httpx.Response) -> Failure:
        return Failure(
            code="not_spark_control",
            message=f"{self.url} does not answer like Spark Control"
            f" (HTTP {response.status_code} at {response.request.url.path}).",
            hint=NOT_OURS,
            exit=Exit.NOT_REACHABLE,
        )


def _limit(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=CONNECT_S)


def _reason(error: httpx.HTTPError) -> str:
    """Return why there was no answer, in a few words."""
    if isinstance(error, httpx.ConnectTimeout):
        return "it does not take the connection"
    if isinstance(error, httpx.ConnectError) and "refused" in str(error).lower():
        return "nothing listens there"
    return str(error) or type(error).__name__
