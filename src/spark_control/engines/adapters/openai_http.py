"""Asks an OpenAI-shaped engine how it is, over HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from spark_control.core.clock import Clock
from spark_control.engines.domain import Address, EngineState, Look
from spark_control.engines.errors import EngineBroke, EngineSlow, EngineUnreachable

MAX_ANSWER = 1_000_000


@contextmanager
def engine_errors(address: Address) -> Iterator[None]:
    """Turn the errors of the HTTP client into ours."""
    where = f"The engine at {address.host}:{address.port}"
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise EngineUnreachable(f"{where} does not take connections.") from error
    except httpx.TimeoutException as error:
        raise EngineSlow(f"{where} did not answer in time.") from error
    except httpx.HTTPError as error:
        raise EngineBroke(f"{where} broke off.") from error


class HttpProbe:
    """Probes engines with one shared client, so that a look costs no new connection."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def look(self, address: Address, *, timeout_s: float) -> Look:
        try:
            health = await self._client.get(f"{address.base_url}/health", timeout=timeout_s)
            if health.status_code >= 500:
                return Look(EngineState.LOADING, detail=f"/health says {health.status_code}")
            answer = await self._client.get(f"{address.base_url}/v1/models", timeout=timeout_s)
        except httpx.ConnectTimeout:
            return Look(EngineState.UNKNOWN, detail="the address does not answer")
        except httpx.ConnectError as error:
            return _refused(error)
        except httpx.TimeoutException:
            return Look(EngineState.SILENT, detail=f"no answer within {timeout_s:g} s")
        except httpx.HTTPError as error:
            return Look(EngineState.SILENT, detail=f"broke off ({type(error).__name__})")
        return _listed(answer)

    async def token(self, address: Address, model: str, *, timeout_s: float) -> float:
        body = {"model": model, "max_tokens": 1, "stream": False,
                "messages": [{"role": "user", "content": "Say one word."}]}  # fmt: skip
        began = self._clock.monotonic()
        with engine_errors(address):
            answer = await self._client.post(
                f"{address.base_url}/v1/chat/completions", json=body, timeout=timeout_s
            )
        if answer.status_code != 200 or not _has_token(answer.content):
            raise EngineBroke(
                f"The engine answered {answer.status_code} and no token.",
                detail={"answer": answer.text[:500]},
            )
        return self._clock.monotonic() - began


def _refused(error: httpx.ConnectError) -> Look:
    """Tell a closed port (a host that is up) from an address that cannot be reached."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError) or "refused" in str(cause).lower():
            return Look(EngineState.ABSENT)
        cause = cause.__cause__ or cause.__context__
    return Look(EngineState.UNKNOWN, detail="the address cannot be reached")


def _listed(answer: httpx.Response) -> Look:
    try:
        rows = json.loads(answer.content[:MAX_ANSWER])["data"]
        served = tuple(str(row["id"]) for row in rows)
        owner = str(rows[0].get("owned_by", "")) if rows else ""
    except (ValueError, KeyError, TypeError, AttributeError):
        return Look(EngineState.SILENT, detail="its model list cannot be read")
    if not served:
        return Look(EngineState.LOADING, detail="its model list is empty")
    return Look(EngineState.SERVING, served, owner)


def _has_token(content: bytes) -> bool:
    try:
        found = json.loads(content)
        message = found["choices"][0]["message"]
    except (ValueError, KeyError, IndexError, TypeError):
        return False
    made = (found.get("usage") or {}).get("completion_tokens")
    said = any(message.get(name) for name in ("content", "reasoning_content", "tool_calls"))
    return bool(said or (isinstance(made, int) and made >= 1))
