"""An engine that answers every API with the shapes of vLLM, small and always the same."""

import base64
import json
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from openai.types.chat import ChatCompletionFunctionToolParam

from spark_control.gateway.route import Target
from tests.contract.http.peer import Line, Message, played
from tests.contract.http.plane import plane

Shape = dict[str, Any]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
WORDS = ("Gr\u00fc\u00df ", "\u4f60\u597d")
VECTOR = (0.25, -0.5, 1.0)
CITY: Shape = {"city": "Paris", "people": 2}
TOOL: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


@dataclass
class Engine:
    """Where it can be reached through the gateway, and what came to it."""

    url: str = ""
    asked: list[tuple[Message, Shape]] = field(default_factory=list)


def _chunk(delta: Shape, finish: str | None = None) -> Shape:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [choice],
    }  # fmt: skip


def _chat(body: Shape) -> Shape:
    message: Shape = {"role": "assistant", "content": "".join(WORDS)}
    finish = "stop"
    if body.get("tools"):
        call = {"name": "weather", "arguments": json.dumps(CITY)}
        message |= {"content": None, "tool_calls": [
            {"id": "call-1", "type": "function", "function": call}
        ]}  # fmt: skip
        finish = "tool_calls"
    elif body.get("response_format"):
        message["content"] = json.dumps(CITY)
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": USAGE,
    }  # fmt: skip


def _chat_events(body: Shape) -> Iterable[Shape]:
    yield _chunk({"role": "assistant", "content": ""})
    if body.get("tools"):
        text = json.dumps(CITY)
        for part in ("", text[:9], text[9:]):
            call: Shape = {"index": 0, "function": {"arguments": part}}
            if not part:
                call |= {"id": "call-1", "type": "function"}
                call["function"]["name"] = "weather"
            yield _chunk({"tool_calls": [call]})
        yield _chunk({}, "tool_calls")
    else:
        for word in WORDS:
            yield _chunk({"content": word})
        yield _chunk({}, "stop")
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _chunk({}) | {"choices": [], "usage": USAGE}


def _embeddings(body: Shape) -> Shape:
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    packed = base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
    vector: object = packed if body.get("encoding_format") == "base64" else list(VECTOR)
    data = [{"object": "embedding", "index": at, "embedding": vector} for at in range(len(given))]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return {"object": "list", "data": data, "model": "m", "usage": usage}


def _message(body: Shape, content: list[Shape]) -> Shape:
    return {
        "id": "msg-1", "type": "message", "role": "assistant", "model": body["model"],
        "content": content, "stop_reason": None if not content else "end_turn",
        "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2},
    }  # fmt: skip


def _message_events(body: Shape) -> Iterable[Shape]:
    yield {"type": "message_start", "message": _message(body, [])}
    yield {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": ""},
    }
    for word in WORDS:
        delta = {"type": "text_delta", "text": word}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 2}}
    if body.get("user") != "breaks":
        yield {"type": "message_stop"}


def _part(text: str) -> Shape:
    return {"type": "output_text", "text": text, "annotations": []}


def _said(status: str, *parts: Shape) -> Shape:
    return {
        "type": "message", "id": "m-1", "role": "assistant", "status": status,
        "content": list(parts),
    }  # fmt: skip


def _response(_: Shape, *, status: str = "completed") -> Shape:
    output = [_said(status, _part("".join(WORDS)))] if status == "completed" else []
    usage = {
        "input_tokens": 3, "output_tokens": 2, "total_tokens": 5,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    return {
        "id": "resp-1", "object": "response", "created_at": 1, "model": "m", "status": status,
        "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": usage if status == "completed" else None,
    }  # fmt: skip


def _response_events(body: Shape) -> Iterable[Shape]:
    item = {"output_index": 0, "item_id": "m-1", "content_index": 0}
    text = "".join(WORDS)
    begun = _said("in_progress")
    yield {"type": "response.created", "response": _response(body, status="in_progress")}
    yield {"type": "response.output_item.added", "output_index": 0, "item": begun}
    yield {"type": "response.content_part.added", **item, "part": _part("")}
    for word in WORDS:
        yield {"type": "response.output_text.delta", **item, "delta": word, "logprobs": []}
    yield {"type": "response.output_text.done", **item, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **item, "part": _part(text)}
    done = _said("completed", _part(text))
    yield {"type": "response.output_item.done", "output_index": 0, "item": done}
    yield {"type": "response.completed", "response": _response(body)}


def _ranked(body: Shape) -> Shape:
    rows = [
        {"index": at, "document": {"text": text}, "relevance_score": 1.0 - at}
        for at, text in enumerate(body["documents"])
    ]
    return {"id": "rerank-1", "model": "m", "results": rows, "usage": {"total_tokens": 3}}


def _plain(path: str, body: Shape) -> Shape:
    match path:
        case "/v1/chat/completions":
            return _chat(body)
        case "/v1/embeddings":
            return _embeddings(body)
        case "/v1/messages":
            return _message(body, [{"type": "text", "text": "".join(WORDS)}])
        case "/v1/messages/count_tokens":
            return {"input_tokens": 3}
        case "/v1/responses":
            return _response(body)
        case "/v1/rerank":
            return _ranked(body)
        case _:
            return {"tokens": [1, 2], "count": 2, "max_model_len": 9}


def _events(path: str, body: Shape) -> Iterable[bytes]:
    if path == "/v1/messages":
        for event in _message_events(body):
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        return
    if path == "/v1/responses":
        for number, event in enumerate(_response_events(body)):
            data = json.dumps({**event, "sequence_number": number})
            yield f"event: {event['type']}\ndata: {data}\n\n".encode()
        return
    for event in _chat_events(body):
        yield b"data: %b\n\n" % json.dumps(event, ensure_ascii=False).encode()
    if body.get("user") != "breaks":
        yield b"data: [DONE]\n\n"


async def _answer(line: Line, path: str, body: Shape) -> None:
    if not body.get("stream"):
        data = json.dumps(_plain(path, body)).encode()
        await line.say(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(data), data)
        )
        return
    await line.say(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for event in _events(path, body):
        half = len(event) // 2
        parts = (event[:half], event[half:])  # clients must not care where chunks end
        await line.say(*(b"%x\r\n%b\r\n" % (len(part), part) for part in parts))
    if body.get("user") == "breaks":
        line.reset()
        return
    await line.say(b"0\r\n\r\n")


@asynccontextmanager
async def gateway() -> AsyncIterator[Engine]:
    """Run a gateway worker before such an engine."""
    there = Engine()

    async def script(line: Line) -> None:
        while True:
            asked = await line.message()
            body: Shape = json.loads(asked.body)
            there.asked.append((asked, body))
            await _answer(line, asked.target, body)

    async with played(script) as engine:
        target = Target(name="spark1", base_url=engine.url, served=("m", "org/m"))
        async with plane(target, menu={"other": "other"}, aliases={"gpt-4o": "m"}) as found:
            there.url = f"http://127.0.0.1:{found.port}"
            yield there
