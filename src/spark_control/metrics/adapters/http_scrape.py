"""Reads `/metrics` of an engine over HTTP, no more of it than asked for."""

import asyncio

import httpcore

from spark_control.engines.adapters.openai_http import engine_errors, limits, url_of
from spark_control.engines.domain import Address
from spark_control.engines.errors import EngineBroke


class HttpScrape:
    """Scrapes over a pool that requests do not use."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def read(self, address: Address, *, timeout_s: float, most: int) -> str:
        with engine_errors(address):
            async with asyncio.timeout(timeout_s):
                return await self._read(address, timeout_s, most)

    async def _read(self, address: Address, timeout_s: float, most: int) -> str:
        url, body = url_of(address, "/metrics"), bytearray()
        async with self._pool.stream("GET", url, extensions=limits(timeout_s)) as answer:
            if answer.status != 200:
                raise EngineBroke(f"The engine answered {answer.status} for its metrics.")
            async for chunk in answer.aiter_stream():
                body += chunk
                if len(body) > most:
                    break
        return bytes(body[:most]).decode("utf-8", "replace")
