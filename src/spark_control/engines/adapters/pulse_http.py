"""Reads how many tokens an engine has made so far, from its own metrics."""

import asyncio
import re

import httpcore

from spark_control.engines.adapters.openai_http import engine_errors, limits, url_of
from spark_control.engines.domain import Address
from spark_control.engines.errors import EngineBroke, EngineSlow, EngineUnreachable

TIMEOUT_S = 3.0
MOST_BYTES = 2_000_000
_COUNT = re.compile(
    rb"^vllm:(?:generation|prompt)_tokens_total(?:\{[^\n]*\})? ([0-9.eE+]{1,40})\s*$", re.MULTILINE
)


class HttpPulse:
    """Over a pool that requests do not use."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def tokens(self, address: Address) -> float | None:
        try:
            with engine_errors(address):
                async with asyncio.timeout(TIMEOUT_S):
                    return _sum(await self._read(address))
        except (EngineBroke, EngineSlow, EngineUnreachable):
            return None

    async def _read(self, address: Address) -> bytes:
        url, body = url_of(address, "/metrics"), bytearray()
        async with self._pool.stream("GET", url, extensions=limits(TIMEOUT_S)) as answer:
            async for chunk in answer.aiter_stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    break
        return bytes(body)


def _sum(text: bytes) -> float | None:
    try:
        found = [float(value) for value in _COUNT.findall(text)]
    except ValueError:
        return None
    return sum(found) if found else None
