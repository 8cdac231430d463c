"""Plays an engine that somebody else started: it takes the engine's port and serves its model."""

import asyncio
import json
import signal
import sys

from spark_control.core.clock import RealClock
from spark_control.lab.standins import box as boxes
from spark_control.lab.standins import script
from spark_control.lab.standins.box import complain
from spark_control.lab.standins.web import Reply, Request, Server, bind, json_reply

MODEL = "stranger/other-model"


async def answer(request: Request) -> Reply:
    """Answer one request."""
    if request.path == "/health":
        return Reply(kind="text/plain")
    if request.path == "/v1/models":
        return json_reply(script.models((MODEL,), MODEL, "vllm", 8192))
    if request.path.startswith("/v1/"):
        asked = json.loads(request.body or b"{}")
        return json_reply(script.unknown_model(asked.get("model")), 404)
    return json_reply({"detail": "Not Found"}, 404)


async def serve(port: int) -> None:
    """Serve until the process is ended. Raises OSError when the port is taken."""
    box = boxes.here()
    server = Server(box, answer, RealClock())
    await server.listen(bind(str(box.spark()["host"]), port))
    await asyncio.Event().wait()


def main(_name: str, words: list[str]) -> int:
    """Run as `stranger PORT [stubborn]`; a stubborn one does not end when it is asked to."""
    if "stubborn" in words:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        asyncio.run(serve(int(words[0])))
    except (OSError, ValueError) as error:
        complain(f"stranger: {error}\n")
        return 1
    return 0
