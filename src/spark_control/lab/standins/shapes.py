"""How the scripted engine's answers look to clients of responses and messages, as in vLLM."""

from typing import NamedTuple, Protocol

from spark_control.lab.standins import script
from spark_control.lab.standins.counts import Asker
from spark_control.lab.standins.script import Piece, Shape, Wish, sse, text_of


class Voice(Protocol):
    """Says the tokens of one answer in the shape of an endpoint."""

    def begin(self, asked: Wish, /) -> list[bytes]:
        """Return the events before the first token."""

    def token(self, piece: Piece) -> bytes:
        """Return the event of one token."""

    def end(self, made: list[Piece], asked: Wish) -> list[bytes]:
        """Return the events after the last token."""

    def whole(self, made: list[Piece], asked: Wish) -> dict[str, object]:
        """Return the answer in one object."""


def voice(path: str, asker: Asker) -> Voice:
    """Return how answers of `path` look."""
    model, ident, created = asker
    match path:
        case script.RESPONSES:
            return Responses(model, ident, created)
        case script.MESSAGES:
            return Messages(model, f"msg_{ident}")
        case _:
            chat = path == script.CHAT
            return Shape(chat, f"{'chatcmpl' if chat else 'cmpl'}-{ident}", created, model)


class Responses:
    """OpenAI's responses; every event is numbered."""

    def __init__(self, model: str, ident: str, created: int) -> None:
        self._model = model
        self._ident = ident
        self._created = created
        self._sent = 0

    def _event(self, kind: str, **more: object) -> bytes:
        value = {**more, "sequence_number": self._sent, "type": f"response.{kind}"}
        self._sent += 1
        return sse(value, f"response.{kind}")

    def _within(self, kind: str, **more: object) -> bytes:
        """Return an event about the one text of the answer."""
        place = {"item_id": f"msg_{self._ident}", "output_index": 0, "content_index": 0}
        return self._event(kind, **place, **more)

    def _item(self, status: str, content: list[object]) -> dict[str, object]:
        return {"id": f"msg_{self._ident}", "type": "message", "role": "assistant",
                "status": status, "content": content}  # fmt: skip

    def _response(self, status: str, asked: Wish, **more: object) -> dict[str, object]:
        return {
            "id": f"resp_{self._ident}", "object": "response", "created_at": self._created,
            "model": self._model, "status": status, "output": [], "usage": None,
            "incomplete_details": None, "instructions": None, "metadata": None,
            "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto",
            "tools": [], "background": False, "max_output_tokens": asked.most,
            "service_tier": "auto", "truncation": "disabled", **more,
        }  # fmt: skip

    def begin(self, asked: Wish, /) -> list[bytes]:
        """Return the events that announce the response, its message and its text."""
        started = self._response("in_progress", asked)
        return [
            self._event("created", response=started),
            self._event("in_progress", response=started),
            self._event("output_item.added", output_index=0, item=self._item("in_progress", [])),
            self._within("content_part.added", part=_text("")),
        ]

    def token(self, piece: Piece) -> bytes:
        """Return the event of one token."""
        return self._within("output_text.delta", delta=piece.text, logprobs=[])

    def end(self, made: list[Piece], asked: Wish) -> list[bytes]:
        """Return the events that close what was announced."""
        text = text_of(made)
        item = self._item("completed", [_text(text)])
        return [
            self._within("output_text.done", text=text, logprobs=[]),
            self._within("content_part.done", part=_text(text)),
            self._event("output_item.done", output_index=0, item=item),
            self._event("completed", response=self.whole(made, asked)),
        ]

    def whole(self, made: list[Piece], asked: Wish) -> dict[str, object]:
        """Return the answer in one object."""
        counted = script.usage(asked, len(made))
        usage = {
            "input_tokens": counted["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": counted["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": counted["total_tokens"],
        }
        cut = made[-1].finish == "length"
        status = "incomplete" if cut else "completed"
        why = {"reason": "max_output_tokens"} if cut else None
        output = [self._item(status, [_text(text_of(made))])]
        return self._response(status, asked, output=output, usage=usage, incomplete_details=why)


def _text(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": None}


class Messages(NamedTuple):
    """Anthropic's messages."""

    model: str
    ident: str

    def _message(self, asked: Wish, made: list[Piece]) -> dict[str, object]:
        content = [{"type": "text", "text": text_of(made)}] if made else []
        counted = script.usage(asked, len(made))
        return {
            "id": self.ident, "type": "message", "role": "assistant", "model": self.model,
            "content": content, "stop_reason": _why(made), "stop_sequence": None,
            "usage": {"input_tokens": counted["prompt_tokens"],
                      "output_tokens": counted["completion_tokens"]},
        }  # fmt: skip

    def begin(self, asked: Wish, /) -> list[bytes]:
        """Return the events that announce the message and its text."""
        block = {"type": "text", "text": ""}
        return [
            _named({"type": "message_start", "message": self._message(asked, [])}),
            _named({"type": "content_block_start", "index": 0, "content_block": block}),
        ]

    def token(self, piece: Piece) -> bytes:
        """Return the event of one token."""
        delta = {"type": "text_delta", "text": piece.text}
        return _named({"type": "content_block_delta", "index": 0, "delta": delta})

    def end(self, made: list[Piece], asked: Wish) -> list[bytes]:
        """Return the events that close the text, say why it ends, and end."""
        delta = {"stop_reason": _why(made), "stop_sequence": None}
        usage = self._message(asked, made)["usage"]
        return [
            _named({"type": "content_block_stop", "index": 0}),
            _named({"type": "message_delta", "delta": delta, "usage": usage}),
            _named({"type": "message_stop"}),
        ]

    def whole(self, made: list[Piece], asked: Wish) -> dict[str, object]:
        """Return the answer in one object."""
        return self._message(asked, made)


def _why(made: list[Piece]) -> str | None:
    if not made:
        return None
    return "max_tokens" if made[-1].finish == "length" else "end_turn"


def _named(value: dict[str, object]) -> bytes:
    return sse(value, str(value["type"]))
