"""A stream's events are counted the same wherever its bytes were cut."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.gateway.sse import Scanner, data_of, split

LIMIT = 40
EVENTS = (
    'data: {"a": 1}', 'data:{"ü": "ß€😀"}', "data: [DONE]", ": still here", "event: ping",
    "event: content_block_delta\ndata: {}", "event: message_delta\ndata: {}",
    "event: message_stop\ndata: {}", 'data: {"two":\ndata: 1}', "id: 7\ndata: {}",
    "data: {" + "x" * LIMIT, "event: content_block_delta\ndata: {" + "y" * LIMIT,
    "data: {" + "z" * (LIMIT - 7), "data: {" + "z" * (LIMIT - 6), "",
)  # fmt: skip
TELLING = 9


def texts() -> st.SearchStrategy[bytes]:
    event = st.tuples(st.sampled_from(EVENTS), st.sampled_from(["\n\n", "\r\r", "\r\n\r\n", "\n"]))
    return st.lists(event, max_size=8).map(lambda rows: "".join(a + b for a, b in rows).encode())


@st.composite
def cut(draw: st.DrawFn, text: bytes) -> list[bytes]:
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)) | {0, len(text)})
    return [text[a:b] for a, b in pairwise(places)]


def read(pieces: Sequence[bytes]) -> tuple[int, list[bytes]]:
    scanner = Scanner(LIMIT)
    parts = [part for piece in pieces for part in split(scanner.feed(piece))]
    return scanner.events, [part for part in parts if len(part) <= LIMIT]


@given(st.data(), texts())
def test_any_cutting_gives_what_one_piece_gives(data: st.DataObject, text: bytes) -> None:
    assert read(data.draw(cut(text))) == read([text])


@given(texts())
def test_every_byte_alone_too(text: bytes) -> None:
    assert read([bytes([byte]) for byte in text]) == read([text])


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_each_kind_of_event_counts_as_it_should(end: str) -> None:
    text = "".join(event.replace("\n", end) + end * 2 for event in EVENTS).encode()
    assert read([text])[0] == TELLING


def test_whole_chunks_are_given_back_as_they_are() -> None:
    scanner, chunk = Scanner(), b'data: {"a": 1}\n\ndata: {"b": 2}\n\n'
    assert scanner.feed(chunk) is chunk
    assert scanner.events == 2


def test_an_event_without_an_end_holds_little() -> None:
    scanner = Scanner(LIMIT)
    for _ in range(1000):
        assert scanner.feed(b"data: {" + b"x" * 100) == b""
        assert len(scanner._carry) <= LIMIT + 1
    assert scanner.feed(b"\n\ndata: {}\n\n") == b"data: {}\n\n"
    assert scanner.events == 2


def test_the_end_of_a_long_event_may_be_cut_too() -> None:
    scanner = Scanner(LIMIT)
    pieces = [b"data: {" + b"x" * 99, b"x\n", b"\n", b"data: {}\n\n"]
    assert [scanner.feed(piece) for piece in pieces][-1] == b"data: {}\n\n"
    assert scanner.events == 2


def test_data_is_what_stands_on_the_lines_of_data() -> None:
    assert data_of(b"event: x\ndata: {\ndata:}\nid: 1") == b"{\n}"
