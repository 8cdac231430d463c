"""Asks outside servers for their models, over HTTP."""

import asyncio

import httpcore
import msgspec

from spark_control.gateway.outside import Server

TIMEOUT_S = 5.0
MOST_BYTES = 4_000_000
FAILED = (TimeoutError, OSError, ValueError, httpcore.NetworkError, httpcore.ProtocolError,
          httpcore.TimeoutException, httpcore.UnsupportedProtocol)  # fmt: skip


class _Row(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Row]


class HttpOutsideModels:
    """Over a pool of connections."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def list(self, server: Server) -> tuple[str, ...] | None:
        url = f"{server.base_url.rstrip('/').removesuffix('/v1')}/v1/models"
        headers = {"Accept": "application/json"}
        if server.api_key:
            headers["Authorization"] = f"Bearer {server.api_key}"
        rows = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._pool.stream("GET", url.encode("ascii"), headers=rows) as answer,
            ):
                if answer.status >= 500:
                    return None
                body = b""
                async for part in answer.aiter_stream():
                    body += part
                    if len(body) > MOST_BYTES:
                        return ()
        except FAILED:
            return None
        return _names(body)


def _names(body: bytes) -> tuple[str, ...]:
    try:
        found = msgspec.json.decode(body, type=_List)
    except ValueError:
        return ()
    return tuple(row.id for row in found.data if row.id)
