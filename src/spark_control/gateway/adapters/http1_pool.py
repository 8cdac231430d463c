"""Upstream over a pool of HTTP/1.1 connections: bytes as they come."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpcore

from spark_control.engines.adapters.openai_http import engine_errors
from spark_control.engines.domain import Address
from spark_control.gateway.ports import Answer

BUDGET_S = 30 * 60.0
TIMEOUT = {"timeout": {"connect": 5.0, "read": BUDGET_S, "write": 60.0, "pool": 5.0}}


class Http1Pool:
    """Sends requests over one shared pool."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def send(
        self, address: Address, path: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[Answer]:
        request = httpcore.Request(
            "POST", address.base_url + path, headers=_sent(address, headers, body),
            content=body, extensions=TIMEOUT,
        )  # fmt: skip
        with engine_errors(address):
            response = await self._pool.handle_async_request(request)
        try:
            yield Answer(response.status, _received(response), _chunks(response, address))
        finally:
            await response.aclose()


def _sent(address: Address, headers: Mapping[str, str], body: bytes) -> list[tuple[str, str]]:
    host = address.base_url.removeprefix("http://")
    return [("Host", host), *headers.items(), ("Content-Length", str(len(body)))]


def _received(response: httpcore.Response) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
    }


async def _chunks(response: httpcore.Response, address: Address) -> AsyncIterator[bytes]:
    with engine_errors(address):
        async for chunk in response.aiter_stream():
            yield chunk
