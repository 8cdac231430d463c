"""Asks an OpenAI-shaped engine how it is, over HTTP.

On httpcore itself: httpx would load Rich and its command line into the serving process.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from spark_control.core.clock import Clock
from spark_control.engines.domain import Address, EngineState, Look
from spark_control.engines.errors import EngineBroke, EngineSlow, EngineUnreachable

JSON = [("Content-Type", "application/json")]
BROKEN = (
    httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError,
    httpcore.ConnectionNotAvailable,
)  # fmt: skip
"""The connection was there and the exchange over it failed."""
GRACE_S = 0.1
"""The whole may take this much longer than a part, so that it is the part that tells why."""
NO_ADDRESS = (ValueError, OverflowError, httpcore.UnsupportedProtocol)
"""No request can be made to such a host or port."""


@contextmanager
def engine_errors(address: Address) -> Iterator[None]:
    """Turn the errors of the HTTP client into ours."""
    where = f"The engine at {address.host}:{address.port}"
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise EngineUnreachable(f"{where} does not take connections.") from error
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise EngineSlow(f"{where} did not answer in time.") from error
    except BROKEN as error:
        raise EngineBroke(f"{where} broke off.") from error
    except NO_ADDRESS as error:
        raise EngineUnreachable(f"{where} has no usable address.") from error


def url_of(address: Address, path: str) -> bytes:
    """Return the URL as httpcore takes it. Raises ValueError for a host that cannot be in one."""
    return (address.base_url + path).encode("ascii")


def limits(timeout_s: float) -> dict[str, dict[str, float]]:
    """Return the same limit for each part of a request, as httpcore takes it."""
    parts = ("connect", "read", "write", "pool")
    return {"timeout": dict.fromkeys(parts, timeout_s)}


class HttpProbe:
    """Probes engines over a pool that requests do not use, so that many never hold up a look."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def look(self, address: Address, *, timeout_s: float) -> Look:
        try:
            # Each part of a request has its limit; drop by drop it could go on for ever.
            async with asyncio.timeout(timeout_s + GRACE_S):
                return await self._look(address, timeout_s)
        except httpcore.ConnectTimeout:
            return Look(EngineState.UNKNOWN, detail="the address does not answer")
        except httpcore.ConnectError as error:
            return _refused(error)
        except (TimeoutError, httpcore.TimeoutException):
            return Look(EngineState.SILENT, detail=f"no answer within {timeout_s:g} s")
        except BROKEN:
            return Look(EngineState.SILENT, detail="the connection broke off")
        except NO_ADDRESS:
            return Look(EngineState.UNKNOWN, detail="the address is not usable")

    async def _look(self, address: Address, timeout_s: float) -> Look:
        health = await self._get(address, "/health", timeout_s)
        if health.status >= 500:
            return Look(EngineState.LOADING, detail=f"/health says {health.status}")
        return _listed((await self._get(address, "/v1/models", timeout_s)).content)

    async def _get(self, address: Address, path: str, timeout_s: float) -> httpcore.Response:
        url = url_of(address, path)
        return await self._pool.request("GET", url, extensions=limits(timeout_s))

    async def token(self, address: Address, model: str, *, timeout_s: float) -> float:
        body = {"model": model, "max_tokens": 1, "stream": False,
                "messages": [{"role": "user", "content": "Say one word."}]}  # fmt: skip
        began = self._clock.monotonic()
        with engine_errors(address):
            async with asyncio.timeout(timeout_s + GRACE_S):
                answer = await self._pool.request(
                    "POST", url_of(address, "/v1/chat/completions"), headers=JSON,
                    content=json.dumps(body).encode(), extensions=limits(timeout_s),
                )  # fmt: skip
        if answer.status != 200 or not _has_token(answer.content):
            raise EngineBroke(
                f"The engine answered {answer.status} and no token.",
                detail={
                    "status": answer.status,
                    "answer": answer.content[:500].decode(errors="replace"),
                },
            )
        return self._clock.monotonic() - began


def _refused(error: httpcore.ConnectError) -> Look:
    """Tell a closed port (a host that is up) from an address that cannot be reached."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError) or "refused" in str(cause).lower():
            return Look(EngineState.ABSENT)
        cause = cause.__cause__ or cause.__context__
    return Look(EngineState.UNKNOWN, detail="the address cannot be reached")


def _listed(content: bytes) -> Look:
    try:
        rows = json.loads(content)["data"]
        served = tuple(str(row["id"]) for row in rows)
        owner = str(rows[0].get("owned_by", "")) if rows else ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Look(EngineState.SILENT, detail="its model list cannot be read")
    if not served:
        return Look(EngineState.LOADING, detail="its model list is empty")
    return Look(EngineState.SERVING, served, owner)


def _has_token(content: bytes) -> bool:
    try:
        found = json.loads(content)
        message = found["choices"][0]["message"]
        made = (found.get("usage") or {}).get("completion_tokens")
        said = any(message.get(name) for name in ("content", "reasoning_content", "tool_calls"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return False
    return bool(said or (isinstance(made, int) and made >= 1))
