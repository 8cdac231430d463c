"""Ask a gateway with LiteLLM and print what it read: a program of its own, for it pins its kin.

Its interpreter is one that has litellm; the one of the tests has a newer `openai` than it takes.
"""

import asyncio
import json
import sys

import litellm  # type: ignore[import-not-found]  # it lives elsewhere, see above

litellm.suppress_debug_info = True


def asked(url: str, api: str) -> dict[str, object]:
    base = f"{url}/v1" if api == "openai" else url
    return {
        "model": f"{api}/m", "api_base": base, "api_key": "unused", "max_retries": 0,
        "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9,
    }  # fmt: skip


async def later(url: str) -> str:
    stream = await litellm.acompletion(**asked(url, "openai"), stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


def main(url: str) -> None:
    found: dict[str, object] = {}
    for api in ("openai", "anthropic"):
        whole = litellm.completion(**asked(url, api))
        found[api] = whole.choices[0].message.content
        found[f"{api} usage"] = whole.usage.completion_tokens
        parts = litellm.completion(**asked(url, api), stream=True)
        found[f"{api} stream"] = "".join(part.choices[0].delta.content or "" for part in parts)
    found["later"] = asyncio.run(later(url))
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    call = (
        litellm.completion(**asked(url, "openai"), tools=[tool]).choices[0].message.tool_calls[0]
    )
    found["tool"] = json.loads(call.function.arguments)
    rows = litellm.embedding(
        model="openai/m", api_base=f"{url}/v1", api_key="unused", input=["a"],
        encoding_format="float",
    ).data  # fmt: skip
    found["embedding"] = rows[0]["embedding"]
    try:
        litellm.completion(**asked(url, "openai") | {"model": "openai/nope"})
    except litellm.NotFoundError as error:
        found["unknown"] = error.status_code
    try:
        litellm.completion(**asked(url, "openai") | {"model": "openai/other"})
    except litellm.ServiceUnavailableError as error:
        found["unloaded"] = error.status_code
    sys.stdout.write(f"\n{json.dumps(found)}")


if __name__ == "__main__":
    main(sys.argv[1])
