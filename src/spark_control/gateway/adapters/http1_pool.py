"""Upstream over a pool of HTTP/1.1 connections: bytes as they come."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpcore

from spark_control.engines.adapters.openai_http import engine_errors, url_of
from spark_control.engines.domain import Address
from spark_control.gateway.ports import Answer

BUDGET_S = 30 * 60.0
"""How long one request may take, from its first byte out to the last one in."""
TIMEOUT = {"timeout": {"connect": 5.0, "read": BUDGET_S, "write": 60.0, "pool": 5.0}}


class Http1Pool:
    """Sends requests over one shared pool."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, *, budget_s: float = BUDGET_S) -> None:
        self._pool = pool
        self._budget_s = budget_s

    @asynccontextmanager
    async def send(
        self, address: Address, path: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[Answer]:
        deadline = asyncio.get_running_loop().time() + self._budget_s
        with engine_errors(address):
            request = httpcore.Request(
                "POST", url_of(address, path), headers=_sent(address, headers, body),
                content=body, extensions=TIMEOUT,
            )  # fmt: skip
            async with asyncio.timeout_at(deadline):
                response = await self._pool.handle_async_request(request)
        try:
            chunks = _chunks(response, address, deadline)
            yield Answer(response.status, _received(response), chunks)
        finally:
            await response.aclose()


def _sent(address: Address, headers: Mapping[str, str], body: bytes) -> list[tuple[bytes, bytes]]:
    host = address.base_url.removeprefix("http://")
    rows = [("Host", host), *headers.items(), ("Content-Length", str(len(body)))]
    # Latin-1 is what a header may hold, and what ours were read as; httpcore takes text as ASCII.
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in rows]


def _received(response: httpcore.Response) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
    }


async def _chunks(
    response: httpcore.Response, address: Address, deadline: float
) -> AsyncIterator[bytes]:
    coming = response.aiter_stream()
    while True:
        with engine_errors(address):
            # Around each read: one around the loop would also cut what the reader awaits between.
            async with asyncio.timeout_at(deadline):
                chunk = await anext(coming, None)
        if chunk is None:
            return
        yield chunk
