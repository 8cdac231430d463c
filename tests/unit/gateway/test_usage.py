"""What an answer took is read from its bytes, in each API's own words."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.gateway.usage import JsonTap, NoTap, SseTap, Tap, Usage, tap_for

SMALL, END = 400, 120


def sse(*events: object, done: bool = True) -> bytes:
    rows = [f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join([*rows, "data: [DONE]\n\n" if done else ""]).encode()


def named(*events: tuple[str, object]) -> bytes:
    return "".join(f"event: {n}\ndata: {json.dumps(e)}\n\n" for n, e in events).encode()


def guessed(into: int | None, out: int) -> Usage:
    return Usage(into, out, estimated=True)


PIECE = {"choices": [{"delta": {"content": 'she said "usage": {'}}], "usage": None}
OPENAI = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
START = (
    "message_start",
    {"type": "message_start", "message": {"usage": {"input_tokens": 25, "output_tokens": 1}}},
)
DELTA = ("content_block_delta", {"type": "content_block_delta", "delta": {"text": "a"}})
LAST = ("message_delta", {"type": "message_delta", "usage": {"output_tokens": 15}})
STOP = ("message_stop", {"type": "message_stop"})
MADE = ("response.completed", {"type": "response.completed", "response": {
    "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}})  # fmt: skip
TEXT_DELTA = ("response.output_text.delta", {"delta": "a"})

STREAMS = {
    "openai": (sse(PIECE, PIECE, {"choices": [], "usage": OPENAI}), Usage(5, 7)),
    "compact": (b'data: {"usage":{"prompt_tokens":5,"completion_tokens":7}}\n\n', Usage(5, 7)),
    "no last blank line": (sse({"usage": OPENAI}, done=False).rstrip(), Usage(5, 7)),
    "counts in every event": (
        sse({"usage": {**OPENAI, "completion_tokens": 1}}, {"usage": OPENAI}), Usage(5, 7)),
    "not said": (sse(PIECE, PIECE), guessed(None, 2)),
    "nonsense": (sse(PIECE, {"usage": {"completion_tokens": "many"}}), guessed(None, 2)),
    "negative": (sse({"usage": {"prompt_tokens": 4, "completion_tokens": -1}}), guessed(4, 1)),
    "no json": (b'data: {"usage": {\n\n', guessed(None, 1)),
    "anthropic": (named(START, DELTA, DELTA, LAST, STOP), Usage(25, 15)),
    "anthropic, broken off": (named(START, DELTA, DELTA), guessed(25, 2)),
    "responses": (named(TEXT_DELTA, MADE), Usage(3, 4)),
    "null inside": (sse({"message": {"usage": None}, "x": {"usage": {}}}), guessed(None, 1)),
    "empty": (b"", guessed(None, 0)),
}  # fmt: skip
WORDS = "x" * SMALL
BODIES = {
    "openai": ({"choices": [{"message": {"content": '"usage":{'}}], "usage": OPENAI}, Usage(5, 7)),
    "embeddings": ({"data": [], "usage": {"prompt_tokens": 8, "total_tokens": 8}}, Usage(8)),
    "rerank": ({"results": [], "usage": {"total_tokens": 9}}, Usage(9)),
    "anthropic": ({"usage": {"input_tokens": 1, "output_tokens": 2}}, Usage(1, 2)),
    "an input that is named so": (
        {"content": [{"input": {"usage": {"input_tokens": 99}}}], "usage": OPENAI}, Usage(5, 7)),
    "large": ({"text": WORDS, "usage": OPENAI}, Usage(5, 7)),
    "large, details": ({"text": WORDS, "usage": {**OPENAI, "d": {"cached": 1}}}, Usage(5, 7)),
    "large, counts far from the end": ({"usage": OPENAI, "text": WORDS}, Usage()),
    "large, nonsense": ({"text": WORDS, "usage": {"prompt_tokens": "x"}}, Usage()),
    "none": ({"error": {"message": "no"}}, Usage()),
}  # fmt: skip


def poured(tap: Tap, text: bytes, places: list[int]) -> Usage:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    for a, b in pairwise(edges):
        tap.feed(text[a:b])
    return tap.finish()


CUTS = st.lists(st.integers(0, 5000), max_size=12)


@pytest.mark.parametrize("name", STREAMS)
@given(places=CUTS)
def test_streams(name: str, places: list[int]) -> None:
    text, used = STREAMS[name]
    assert poured(SseTap(), text, places) == used
    assert poured(SseTap(), text.replace(b"\n", b"\r\n"), places) == used


@pytest.mark.parametrize("name", BODIES)
@given(places=CUTS)
def test_bodies(name: str, places: list[int]) -> None:
    body, used = BODIES[name]
    assert poured(JsonTap(SMALL, END), json.dumps(body).encode(), places) == used


@given(places=CUTS, order=st.permutations(range(4)))
def test_an_event_that_is_too_long_says_nothing(places: list[int], order: list[int]) -> None:
    limit = 90
    events = [PIECE, {"usage": OPENAI}, {"usage": {**OPENAI, "x": "y" * limit}}, {}]
    text = sse(*(events[n] for n in order))
    assert poured(SseTap(limit), text, places) == poured(SseTap(limit), text, []) == Usage(5, 7)


def test_a_long_body_that_is_no_json_says_nothing() -> None:
    for text in (b"x" * 999, b"x" * 999 + b'"usage":{"prompt_tokens":1', b"x"):
        assert poured(JsonTap(SMALL, END), text, []) == Usage()


def test_a_long_body_holds_little() -> None:
    tap = JsonTap()
    for _ in range(100):
        tap.feed(b"x" * 10_000)
        assert len(tap._kept) <= 64 * 1024 + 10_000
    assert len(tap._kept) <= 2 * 8 * 1024 + 10_000


@pytest.mark.parametrize(
    ("kind", "packed", "tap"),
    [
        ("text/event-stream; charset=utf-8", "", SseTap),
        ("Application/JSON", "identity", JsonTap),
        ("application/json", "gzip", NoTap),
        ("audio/wav", "", NoTap),
    ],
)
def test_which_tap(kind: str, packed: str, tap: type) -> None:
    found = tap_for(kind, packed)
    assert isinstance(found, tap)
    found.feed(b"")
    assert found.finish().tokens_in is None
