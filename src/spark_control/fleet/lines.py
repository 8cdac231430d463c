"""Cuts a stream of bytes into lines of text, whatever the bytes are."""

import codecs
import re

_BREAK = re.compile(r"\r\n|\r|\n")


class Lines:
    """Splits at line feeds and carriage returns, so a bar of progress is many lines.

    Bytes that are no UTF-8 become U+FFFD. A line longer than `limit` characters comes in pieces,
    so that a program that never breaks its line holds no memory here.
    """

    def __init__(self, limit: int = 65536) -> None:
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._after_cr = False

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that `data` completes."""
        return self._split(self._decoder.decode(data))

    def end(self) -> list[str]:
        """Return what is left when the stream has ended."""
        lines = self._split(self._decoder.decode(b"", final=True))
        rest, self._rest = self._rest, ""
        return [*lines, rest] if rest else lines

    def _split(self, text: str) -> list[str]:
        if not text:
            return []
        if self._after_cr and text[0] == "\n":
            text = text[1:]
            self._after_cr = False
        if text:
            self._after_cr = text[-1] == "\r"
        *whole, self._rest = _BREAK.split(self._rest + text)
        lines = [piece for line in whole for piece in self._pieces(line)]
        while len(self._rest) > self._limit:
            lines.append(self._rest[: self._limit])
            self._rest = self._rest[self._limit :]
        return lines

    def _pieces(self, line: str) -> list[str]:
        starts = range(0, max(len(line), 1), self._limit)
        return [line[start : start + self._limit] for start in starts]
