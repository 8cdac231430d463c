"""Asks speech and embedding services how they are and what they have, over HTTP."""

import asyncio

import httpcore

from spark_control.gateway import listed
from spark_control.gateway.adapters.outside_http import FAILED, MOST_BYTES, TIMEOUT_S
from spark_control.gateway.services import Role, Seen, Service

VOICES = {"magpie": "/v1/audio/list_voices", "kokoro": "/v1/audio/voices"}


class HttpServiceLooks:
    """Over a pool of connections."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def look(self, service: Service) -> Seen:
        """Return what a service says; it is up when it answers with no failure of its own."""
        path = VOICES.get(service.name) if service.role is Role.SPEAK else None
        voices = await self._get(service, path) if path else b""
        models = b"" if service.name == "magpie" else await self._get(service, "/v1/models")
        if voices is None or models is None:
            return Seen(up=False)
        return Seen(up=True, models=listed.models(models), voices=listed.voices(voices))

    async def _get(self, service: Service, path: str) -> bytes | None:
        """Return the body of an answer; nothing for a refusal, None when it is not up."""
        headers = {"Accept": "application/json"}
        if service.token:
            headers["Authorization"] = f"Bearer {service.token}"
        url = f"{service.base_url.removesuffix('/v1')}{path}"
        try:
            rows = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
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
                        return b""
        except FAILED:
            return None
        return body if answer.status == 200 else b""
