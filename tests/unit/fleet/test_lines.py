"""Lines out of bytes that come in any pieces."""

import re

import hypothesis.strategies as st
import pytest
from hypothesis import given

from spark_control.fleet.lines import Lines


def cut(pieces: list[bytes], limit: int = 65536) -> list[str]:
    lines = Lines(limit)
    found = [line for piece in pieces for line in lines.feed(piece)]
    return [*found, *lines.end()]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", []),
        (b"one", ["one"]),
        (b"one\ntwo\n", ["one", "two"]),
        (b" 10%\r 20%\r100%\n", [" 10%", " 20%", "100%"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"\n\n\r\r", ["", "", "", ""]),
        (b"\r\n\r\n", ["", ""]),
        ("ä\N{SNOWMAN}\n".encode(), ["ä\N{SNOWMAN}"]),
        (b"a\xffb\xc3\n", ["a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"]),
        (b"end\xc3", ["end\N{REPLACEMENT CHARACTER}"]),
    ],
)
def test_lines(text: bytes, lines: list[str]) -> None:
    assert cut([text]) == lines
    assert cut([text[at : at + 1] for at in range(len(text))]) == lines


def test_a_long_line_comes_in_pieces() -> None:
    assert cut([b"abcdefgh\nij"], 3) == ["abc", "def", "gh", "ij"]
    assert cut([b"abc", b"\n", b"defg"], 3) == ["abc", "def", "g"]


BREAKS = st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\r\n", b"\xc3", b"\xa4", b"\xff"])


@given(pieces=st.lists(BREAKS), limit=st.integers(1, 5))
def test_where_the_bytes_are_cut_makes_no_difference(pieces: list[bytes], limit: int) -> None:
    whole = b"".join(pieces)
    assert cut(pieces, limit) == cut([whole], limit)
    expected = re.split(r"\r\n|\r|\n", whole.decode("utf-8", "replace"))
    assert "".join(cut([whole], limit)) == "".join(expected)
    assert all(len(line) <= limit for line in cut([whole], limit))
