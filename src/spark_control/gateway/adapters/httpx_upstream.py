"""Upstream over httpx: pooled connections, bytes as they come."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from spark_control.engines.adapters.openai_http import engine_errors
from spark_control.engines.domain import Address
from spark_control.gateway.ports import Answer

BUDGET_S = 30 * 60.0
TIMEOUT = httpx.Timeout(connect=5.0, read=BUDGET_S, write=60.0, pool=5.0)


class HttpxUpstream:
    """Sends requests with one shared client."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @asynccontextmanager
    async def send(
        self, address: Address, path: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[Answer]:
        request = self._client.build_request(
            "POST", address.base_url + path, headers=headers, content=body, timeout=TIMEOUT
        )
        with engine_errors(address):
            response = await self._client.send(request, stream=True)
        try:
            chunks = _chunks(response, address)
            yield Answer(response.status_code, dict(response.headers), chunks)
        finally:
            await response.aclose()


async def _chunks(response: httpx.Response, address: Address) -> AsyncIterator[bytes]:
    with engine_errors(address):
        async for chunk in response.aiter_raw():
            yield chunk
