"""The HTTP face of an engine: health, model list, metrics, and what its brain answers."""

import json
from collections.abc import Awaitable, Callable

from spark_control.core.clock import Clock
from spark_control.lab.standins import script
from spark_control.lab.standins.box import Box
from spark_control.lab.standins.counts import COUNTING
from spark_control.lab.standins.script import BadRequest
from spark_control.lab.standins.web import Reply, Request, json_reply

Brain = Callable[[Request, dict[str, object]], Awaitable[Reply]]
_LOADING = script.error(503, "ServiceUnavailableError", "The model is still loading.")
_WEDGED_S = 0.1
_ANSWERED = script.GENERATING | COUNTING


class Front:
    """Answers for one engine. Until `brain` is set it is loading."""

    def __init__(self, box: Box, names: tuple[str, ...], clock: Clock) -> None:
        self._box = box
        self._clock = clock
        self.names = names
        self.models: dict[str, object] = {}
        self.longest = 0
        self.brain: Brain | None = None
        self.stuck = False
        self.busy = 0
        self.served = 0
        self.tokens = 0

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        if self.brain is None:
            return json_reply(_LOADING, 503)
        known = self._simple(request)
        if known:
            return known
        if request.path not in _ANSWERED:
            return json_reply({"detail": "Not Found"}, 404)
        if request.method != "POST":
            return json_reply({"detail": "Method Not Allowed"}, 405)
        return await self._complete(request, self.brain)

    def _simple(self, request: Request) -> Reply | None:
        match request.path:
            case "/health" | "/ping":
                return Reply(kind="text/plain")
            case "/v1/models":
                return json_reply(self.models)
            case "/version":
                return json_reply({"version": "0.33.0"})
            case "/metrics":
                text = script.metrics(self.names[0], self.busy, self.served, self.tokens)
                return Reply(body=text.encode(), kind="text/plain; version=0.0.4")
            case _:
                return None

    async def _complete(self, request: Request, brain: Brain) -> Reply:
        try:
            body = _object(request.body)
            if body.get("model", self.names[0]) not in self.names:
                said = script.missing(body.get("model"))
                return json_reply(script.refused(request.path, 404, said), 404)
            while self.stuck or self._box.fault("wedge") is not None:
                await self._clock.sleep(_WEDGED_S)
            self.served += 1
            return await brain(request, body)
        except (BadRequest, ValueError) as error:
            return json_reply(script.refused(request.path, 400, str(error)), 400)


def _object(data: bytes) -> dict[str, object]:
    body = json.loads(data)
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body
