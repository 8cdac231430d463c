"""Bodies come out the same however their bytes are cut, and end where they end."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.gateway import framing
from spark_control.gateway.errors import FramingBroken
from spark_control.gateway.framing import Body, Chunked, Nothing, Sized, UntilClose

AFTER = b"HTTP/1.1 200"
CUTS = st.lists(st.integers(0, 2000), max_size=20)


def fed(body: Body, data: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """Feed `data` in pieces; return the body, and what came after it."""
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found, rest, over = b"", b"", body.ended
    for start, end in itertools.pairwise(edges):
        piece = data[start:end]
        if over:
            rest += piece
        elif piece:
            payload = body.feed(piece)
            if body.whole:
                assert framing.chunk(payload) == piece
            found += payload
            over = body.ended
            rest += body.rest if over else b""
    return found, rest


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), CUTS, st.booleans())
def test_chunks(parts: list[bytes], cuts: list[int], more: bool) -> None:  # noqa: FBT001 - drawn
    extra = b";a=b" if more else b""
    data = b"".join(b"%X%b\r\n%b\r\n" % (len(part), extra, part) for part in parts)
    data += b"0\r\nTrailer: x\r\n\r\n" if more else framing.LAST
    body = Chunked()
    assert fed(body, data + AFTER, cuts) == (b"".join(parts), AFTER)
    assert body.ended
    assert body.close()


@given(st.binary(max_size=300), CUTS)
def test_a_length(data: bytes, cuts: list[int]) -> None:
    body = Sized(len(data))
    assert body.ended is not bool(data)
    assert fed(body, data + AFTER, cuts) == (data, AFTER)
    assert body.close()


def test_one_chunk_goes_on_as_it_is() -> None:
    body = Chunked()
    assert (body.feed(framing.chunk(b"ab")), body.whole) == (b"ab", True)
    assert (body.feed(b"2\r\nab\r\n2\r\ncd\r\n"), body.whole) == (b"abcd", False)
    assert (body.feed(b"2\r\na"), body.whole) == (b"a", False)
    assert not body.close()


def test_until_the_connection_ends() -> None:
    body = UntilClose()
    assert (body.feed(b"ab"), body.ended, body.close()) == (b"ab", False, True)


def test_a_length_that_is_not_reached() -> None:
    body = Sized(3)
    assert (body.feed(b"ab"), body.close()) == (b"ab", False)
    assert (body.feed(b"c"), body.close()) == (b"c", True)


@pytest.mark.parametrize(
    "data",
    [
        b"x\r\n",
        b"-1\r\n",
        b"0x1\r\na\r\n",
        b"1 1\r\na\r\n",
        b"1\na\n",
        b"1\r\nab\r\n",
        b"1\r\na\rx",
        b"1" * 17 + b"\r\n",
        b"1;" + b"a" * 2000,
        b"0\r\nX: " + b"a" * 9000,
        b"0\r\nX: a\nb",
        b"0\r\n" + b"X: aaaaaaaa\r\n" * 1000,
    ],
)
def test_chunks_that_are_none(data: bytes) -> None:
    body = Chunked()
    with pytest.raises(FramingBroken):
        body.feed(data)


def test_which_body_follows() -> None:
    assert isinstance(framing.of_request(None, chunked=True), Chunked)
    assert framing.of_request(None, chunked=False).ended
    assert not framing.of_request(2, chunked=False).ended

    def kind(status: int, length: int | None, *, chunked: bool, bodiless: bool) -> type[Body]:
        return type(framing.of_answer(status, length, chunked=chunked, bodiless=bodiless))

    assert kind(200, None, chunked=True, bodiless=False) is Chunked
    assert kind(200, 5, chunked=False, bodiless=False) is Sized
    assert kind(200, None, chunked=False, bodiless=False) is UntilClose
    assert kind(200, 5, chunked=False, bodiless=True) is Nothing
    assert kind(204, None, chunked=True, bodiless=False) is Nothing


def test_no_body() -> None:
    body = Nothing()
    assert (body.feed(b"next"), body.rest, body.ended) == (b"", b"next", True)
