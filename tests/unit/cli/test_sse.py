"""The reader of server-sent events, whole streams and cut ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.cli.sse import Event, Parser
from spark_control.core import sse


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("", []),
        ("data: x\n\n", [Event("message", "x")]),
        ("event: swap\ndata: a\ndata: b\n\n", [Event("swap", "a\nb")]),
        ("event:swap\r\ndata:x\r\n\r\n", [Event("swap", "x")]),
        ("event: swap\rdata: x\r\rdata", [Event("swap", "x")]),
        (": still here\n\n", []),
        ("event: swap\n\ndata: x\n\n", [Event("message", "x")]),
        ("retry: 5\nnonsense\ndata: x\n\n", [Event("message", "x")]),
        ("data\n\n", [Event("message", "")]),
        ("data: not finished\n", []),
        (
            "id: 7\ndata: x\n\ndata: y\n\n",
            [Event("message", "x", "7"), Event("message", "y", "7")],
        ),
        ("id: a\0b\ndata: x\n\n", [Event("message", "x")]),
    ],
)
def test_streams(text: str, events: list[Event]) -> None:
    assert Parser().feed(text) == events


def test_goes_on_from_an_id() -> None:
    parser = Parser("41")
    assert parser.feed("data: x\n\n") == [Event("message", "x", "41")]
    assert parser.last_id == "41"


@given(st.lists(st.text(alphabet="ab\nü ", max_size=8)), st.sampled_from(["\n", "\r\n", "\r"]),
       st.lists(st.integers(min_value=1, max_value=9)))  # fmt: skip
def test_where_it_is_cut_does_not_matter(texts: list[str], end: str, sizes: list[int]) -> None:
    frames = [sse.event("log", text, event_id=str(n)) for n, text in enumerate(texts)]
    whole = "".join(frames).replace("\n", end)
    parser, found, place = Parser(), [], 0
    for size in [*sizes, len(whole)]:
        found += parser.feed(whole[place : place + size])
        place += size
    found += parser.feed(":")  # what follows a CR says that it was no CRLF
    assert found == [Event("log", text, str(n)) for n, text in enumerate(texts)]
