"""The scripted engine's responses and messages can be read by the types of the real clients."""

import json

import openai.types.responses as newer
from anthropic.types import Message
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from spark_control.lab.standins import script, shapes
from spark_control.lab.standins.counts import Asker
from spark_control.lab.standins.script import Piece, Wish

ASKED = Wish("Say hello.", most=100, endless=False, stream=True, usage=False)
MADE = [Piece("Hello", None), Piece(" you", "stop")]
ASKER = Asker("m", "1", 7)
CUT = [Piece("Hello", "length")]


def events(path: str, made: list[Piece]) -> list[bytes]:
    voice = shapes.voice(path, ASKER)
    return [*voice.begin(ASKED), *map(voice.token, made), *voice.end(made, ASKED)]


def test_responses() -> None:
    whole = Response.model_validate(shapes.voice(script.RESPONSES, ASKER).whole(MADE, ASKED))
    assert (whole.output_text, whole.status, whole.id) == ("Hello you", "completed", "resp_1")
    assert whole.usage is not None
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (2, 2)
    cut = Response.model_validate(shapes.voice(script.RESPONSES, ASKER).whole(CUT, ASKED))
    assert cut.incomplete_details is not None
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_events_of_responses() -> None:
    adapter: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
    read = []
    for event in events(script.RESPONSES, MADE):
        name, _, data = event.decode().partition("\n")
        read.append(adapter.validate_json(data.removeprefix("data: ")))
        assert name == f"event: {read[-1].type}"
    assert [event.sequence_number for event in read] == list(range(10))
    assert isinstance(read[4], newer.ResponseTextDeltaEvent)
    assert isinstance(read[-1], newer.ResponseCompletedEvent)
    assert read[-1].response.output_text == "Hello you"


def test_messages() -> None:
    voice = shapes.voice(script.MESSAGES, ASKER)
    whole = Message.model_validate(voice.whole(MADE, ASKED))
    assert (whole.id, whole.stop_reason, whole.usage.output_tokens) == ("msg_1", "end_turn", 2)
    assert Message.model_validate(voice.whole(CUT, ASKED)).stop_reason == "max_tokens"
    kinds = [json.loads(e.partition(b"data: ")[2])["type"] for e in events(script.MESSAGES, MADE)]
    assert kinds == [
        "message_start", "content_block_start", "content_block_delta", "content_block_delta",
        "content_block_stop", "message_delta", "message_stop",
    ]  # fmt: skip


def test_the_older_ones_are_called_as_before() -> None:
    for path, ident in ((script.CHAT, "chatcmpl-1"), (script.COMPLETIONS, "cmpl-1")):
        assert shapes.voice(path, ASKER).whole(MADE, ASKED)["id"] == ident
