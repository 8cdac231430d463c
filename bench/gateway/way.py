"""A way to the upstream: straight to it, or through a gateway."""

import http.client
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Event

from bench.gateway.process import family
from bench.serving import DidNotAnswer

MODEL = "mock-model"
DIRECT, OURS, NGINX, ROUTER, LITELLM = "direct", "ours", "nginx", "vllm-router", "litellm"
UP_S = 90.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Way:
    """Its port, the key it asks for, and the process whose family is its cost (0: none)."""

    name: str
    port: int
    key: str = ""
    pid: int = 0

    def pids(self) -> list[int]:
        """Return the processes that it consists of."""
        return family(self.pid) if self.pid else []

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of a request."""
        access = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"Content-Type": "application/json", **access}

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """Ask on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, self.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait(self) -> None:
        """Return once a model answers. Raises DidNotAnswer."""
        until, said = time.monotonic() + UP_S, ""
        body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "?"}]})
        while time.monotonic() < until:
            with suppress(OSError, http.client.HTTPException):
                status, text = self.ask("POST", "/v1/chat/completions", body)
                if status == 200:
                    return
                said = f"{status} {text[:200]!r}"
            Event().wait(_LOOK_S)
        raise DidNotAnswer(f"{self.name}: {said}")
