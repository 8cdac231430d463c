"""What the scripted engine answers: words that say what they are, in vLLM's shapes."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

FILLER = ("Nothing", "here", "was", "computed", "by", "a", "model.")
OWNER = "spark-control-lab-scripted"
CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
RESPONSES, MESSAGES = "/v1/responses", "/v1/messages"
GENERATING = frozenset({CHAT, COMPLETIONS, RESPONSES, MESSAGES})
_MOST = ("max_completion_tokens", "max_tokens", "max_output_tokens")


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


def wish(body: Mapping[str, object], path: str) -> Wish:
    """Read a request. Raises BadRequest."""
    named = (body.get(name) for name in _MOST)
    most = next((value for value in named if value is not None), None)
    if most is None and path == MESSAGES:
        raise BadRequest("max_tokens: Field required")
    most = 4096 if most is None else most
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise BadRequest(f"max_tokens must be at least 1, got {most!r}.")
    options = body.get("stream_options")
    return Wish(
        prompt=asked_in(body, path),
        most=most,
        endless=bool(body.get("ignore_eos")),
        stream=bool(body.get("stream")),
        usage=isinstance(options, dict) and bool(options.get("include_usage")),
    )


def asked_in(body: Mapping[str, object], path: str) -> str:
    """Return the words that a request asks with: the last ones. Raises BadRequest."""
    if path == COMPLETIONS:
        return str(body.get("prompt", ""))
    given = body.get("input" if path == RESPONSES else "messages")
    if path == RESPONSES and isinstance(given, str):
        return given
    return _last_words(given)


def _last_words(messages: object) -> str:
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
    """How answers of chat and completions look."""

    chat: bool
    ident: str
    created: int
    model: str

    def _frame(self, kind: str, choices: list[object], **more: object) -> dict[str, object]:
        head = {"id": self.ident, "object": kind, "created": self.created, "model": self.model}
        return {**head, "choices": choices, **more}

    def begin(self, _: Wish) -> list[bytes]:
        """Return the first events: for a chat the role alone."""
        if not self.chat:
            return []
        delta = {"role": "assistant", "content": ""}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return [sse(self._frame("chat.completion.chunk", [choice]))]

    def token(self, piece: Piece) -> bytes:
        """Return the event of one token."""
        end = {"logprobs": None, "finish_reason": piece.finish, "stop_reason": None}
        if self.chat:
            choice = {"index": 0, "delta": {"content": piece.text}, **end}
            return sse(self._frame("chat.completion.chunk", [choice]))
        return sse(self._frame("text_completion", [{"index": 0, "text": piece.text, **end}]))

    def end(self, made: list[Piece], asked: Wish) -> list[bytes]:
        """Return the last events: the token counts if they are asked for, and the end."""
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        counted = sse(self._frame(kind, [], usage=usage(asked, len(made))))
        return [*([counted] if asked.usage else []), b"data: [DONE]\n\n"]

    def whole(self, made: list[Piece], asked: Wish) -> dict[str, object]:
        """Return the answer in one object."""
        text, counted = text_of(made), usage(asked, len(made))
        end = {"logprobs": None, "finish_reason": made[-1].finish, "stop_reason": None}
        if self.chat:
            message = {"role": "assistant", "content": text, "tool_calls": []}
            choice = {"index": 0, "message": message, **end}
            return self._frame("chat.completion", [choice], usage=counted)
        choice = {"index": 0, "text": text, **end}
        return self._frame("text_completion", [choice], usage=counted)


def text_of(made: list[Piece]) -> str:
    """Return the tokens of an answer as one text."""
    return "".join(piece.text for piece in made)


def sse(value: object, event: str = "") -> bytes:
    """Return one server-sent event."""
    named = f"event: {event}\n" if event else ""
    return f"{named}data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def unknown_model(name: object) -> dict[str, object]:
    """Return vLLM's body of the 404 for a model it does not serve."""
    return refused("", 404, missing(name))


def missing(name: object) -> str:
    """Return what vLLM says of a model it does not serve."""
    return f"The model `{name}` does not exist."


def error(status: int, kind: str, message: str, param: str | None = None) -> dict[str, object]:
    """Return vLLM's error body."""
    return {"error": {"message": message, "type": kind, "param": param, "code": status}}


def refused(path: str, status: int, message: str) -> dict[str, object]:
    """Return the error body of a request that is no good, in the shape of its endpoint."""
    if path.startswith(MESSAGES):
        kind = "not_found_error" if status == 404 else "invalid_request_error"
        return {"type": "error", "error": {"type": kind, "message": message}}
    if status == 404:
        return error(404, "NotFoundError", message, "model")
    return error(status, "BadRequestError", message)


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
