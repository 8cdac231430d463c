"""What the scripted engine answers: words that say what they are, in vLLM's shapes."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

FILLER = ("Nothing", "here", "was", "computed", "by", "a", "model.")
OWNER = "spark-control-lab-scripted"


class BadRequest(Exception):
    """The request can't be answered; the message is for the client."""


class Wish(NamedTuple):
    """What a completion asks for."""

    prompt: str
    most: int
    endless: bool
    stream: bool
    usage: bool


class Piece(NamedTuple):
    """One token of an answer, and why it is the last."""

    text: str
    finish: str | None


def wish(body: Mapping[str, object], *, chat: bool) -> Wish:
    """Read a request. Raises BadRequest."""
    most = body.get("max_completion_tokens") or body.get("max_tokens") or 4096
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise BadRequest(f"max_tokens must be at least 1, got {most!r}.")
    options = body.get("stream_options")
    return Wish(
        prompt=_last_words(body) if chat else str(body.get("prompt", "")),
        most=most,
        endless=bool(body.get("ignore_eos")),
        stream=bool(body.get("stream")),
        usage=isinstance(options, dict) and bool(options.get("include_usage")),
    )


def _last_words(body: Mapping[str, object]) -> str:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages must be a list that is not empty.")
    last = messages[-1]
    content = last.get("content") if isinstance(last, dict) else None
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def pieces(model: str, asked: Wish) -> Iterator[Piece]:
    """Yield the tokens of the answer; the last one says why it is the last."""
    quoted = " ".join(asked.prompt.split())[:200]
    words = (
        f"This is the scripted engine of the Spark Control lab playing {model}; "
        f"no model is running. You wrote: “{quoted}”."
    ).split()
    count = asked.most if asked.endless else min(asked.most, len(words))
    finish = "length" if asked.most <= count and (asked.endless or count < len(words)) else "stop"
    for place in range(count):
        word = words[place] if place < len(words) else FILLER[place % len(FILLER)]
        yield Piece(word if place == 0 else f" {word}", finish if place == count - 1 else None)


def usage(asked: Wish, made: int) -> dict[str, int]:
    """Return the token counts; a word is a token here."""
    read = max(len(asked.prompt.split()), 1)
    return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}


class Shape(NamedTuple):
    """How answers of one endpoint look."""

    chat: bool
    ident: str
    created: int
    model: str

    def _frame(self, kind: str, choices: list[object], **more: object) -> dict[str, object]:
        head = {"id": self.ident, "object": kind, "created": self.created, "model": self.model}
        return {**head, "choices": choices, **more}

    def opening(self) -> dict[str, object] | None:
        """Return the first event of a chat stream: the role alone."""
        if not self.chat:
            return None
        delta = {"role": "assistant", "content": ""}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return self._frame("chat.completion.chunk", [choice])

    def event(self, piece: Piece) -> dict[str, object]:
        """Return the event of one token."""
        end = {"logprobs": None, "finish_reason": piece.finish, "stop_reason": None}
        if self.chat:
            choice = {"index": 0, "delta": {"content": piece.text}, **end}
            return self._frame("chat.completion.chunk", [choice])
        return self._frame("text_completion", [{"index": 0, "text": piece.text, **end}])

    def closing(self, counted: dict[str, int]) -> dict[str, object]:
        """Return the event with the token counts and no choice."""
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        return self._frame(kind, [], usage=counted)

    def whole(self, made: list[Piece], counted: dict[str, int]) -> dict[str, object]:
        """Return the answer in one object."""
        text = "".join(piece.text for piece in made)
        end = {"logprobs": None, "finish_reason": made[-1].finish, "stop_reason": None}
        if self.chat:
            message = {"role": "assistant", "content": text, "tool_calls": []}
            choice = {"index": 0, "message": message, **end}
            return self._frame("chat.completion", [choice], usage=counted)
        choice = {"index": 0, "text": text, **end}
        return self._frame("text_completion", [choice], usage=counted)


def sse(value: object) -> bytes:
    """Return one server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def unknown_model(name: object) -> dict[str, object]:
    """Return vLLM's body of the 404 for a model it does not serve."""
    return error(404, "NotFoundError", f"The model `{name}` does not exist.", "model")


def error(status: int, kind: str, message: str, param: str | None = None) -> dict[str, object]:
    """Return vLLM's error body."""
    return {"error": {"message": message, "type": kind, "param": param, "code": status}}


def models(names: tuple[str, ...], root: str, owner: str, longest: int) -> dict[str, object]:
    """Return the body of `/v1/models`."""
    return {
        "object": "list",
        "data": [
            {
                "id": name,
                "object": "model",
                "created": 1_763_700_000,
                "owned_by": owner,
                "root": root,
                "parent": None,
                "max_model_len": longest,
                "permission": [],
            }
            for name in names
        ],
    }


def metrics(name: str, running: int, served: int, tokens: int) -> str:
    """Return a few of vLLM's series."""
    label = f'{{engine="0",model_name="{name}"}}'
    rows = (
        ("num_requests_running", "gauge", running),
        ("num_requests_waiting", "gauge", 0),
        ("request_success_total", "counter", served),
        ("generation_tokens_total", "counter", tokens),
    )
    return "".join(
        f"# TYPE vllm:{row} {kind}\nvllm:{row}{label} {float(value)}\n"
        for row, kind, value in rows
    )
