"""`/api/hosts` and `/api/ssh-key`: Sparks are added, tested, trusted and removed."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import Response, StreamingResponse

from spark_control.core.errors import BadInput
from spark_control.fleet.checks import Line
from spark_control.fleet.hosts import Hosts, spark_of, wish_of
from spark_control.fleet.hosts_shapes import (
    EntryShape,
    HostsAnswer,
    NewHostShape,
    PublicKeyShape,
    TestAnswer,
    TestShape,
    TrustShape,
    render_entry,
    render_line,
    render_public,
    render_test,
)
from spark_control.settings.domain import Spark

LINES = "application/x-ndjson"


def router(hosts: Hosts) -> APIRouter:
    """Return the routes of the configured Sparks."""
    routes = APIRouter(tags=["fleet"])

    @routes.get("/api/ssh-key")
    async def ssh_key() -> PublicKeyShape:
        """Show the public half of Spark Control's key, and how to let it in."""
        return render_public(hosts.public_key)

    @routes.get("/api/hosts")
    async def read() -> HostsAnswer:
        """List the Sparks as they are configured, with their pinned keys."""
        return HostsAnswer(hosts=[render_entry(entry) for entry in await hosts.entries()])

    @routes.post("/api/hosts", status_code=201)
    async def add(body: NewHostShape) -> EntryShape:
        """Add a Spark; `fingerprint` confirms the host key it shows. It counts at once."""
        wish = wish_of(body.host, body.user, body.port, body.name)
        return render_entry(await hosts.add(wish, body.fingerprint))

    @routes.post("/api/hosts/test", response_model=TestAnswer)
    async def test(
        body: TestShape, accept: Annotated[str, Header()] = ""
    ) -> TestAnswer | StreamingResponse:
        """Test a Spark; with `Accept: application/x-ndjson` each line comes when it is known."""
        lines = hosts.inspect(_asked(hosts, body))
        if LINES in accept:
            return StreamingResponse(_texts(lines), media_type=LINES)
        return render_test([render_line(line) async for line in lines])

    @routes.post("/api/hosts/{name}/trust")
    async def trust(name: str, body: TrustShape) -> EntryShape:
        """Pin the key that the Spark shows now, if it has this fingerprint."""
        return render_entry(await hosts.trust(name, body.fingerprint))

    @routes.delete("/api/hosts/{name}", status_code=204)
    async def remove(name: str) -> Response:
        """Take a Spark that was added here out of the fleet. What runs on it goes on there."""
        await hosts.remove(name)
        return Response(status_code=204)

    return routes


def _asked(hosts: Hosts, body: TestShape) -> Spark:
    if bool(body.name) == bool(body.host):
        raise BadInput("Give either `name` or `host`.", param="host")
    if body.name:
        return hosts.fleet.spark(body.name)
    return spark_of(wish_of(body.host, body.user, body.port, ""))


async def _texts(lines: AsyncGenerator[Line, None]) -> AsyncIterator[str]:
    async with aclosing(lines):
        async for line in lines:
            yield f"{render_line(line).model_dump_json()}\n"
