"""Heads of HTTP/1 messages, read strictly: what is doubtful is refused, never guessed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from spark_control.core.errors import HeadTooLarge, LineTooLong
from spark_control.gateway.errors import AnswerMalformed, RequestMalformed

LINE_BYTES = 8192
HEAD_BYTES = 65536
MOST_FIELDS = 128
END = b"\r\n\r\n"

Fields = tuple[tuple[str, str], ...]
"""Names in lower case, values without the blanks around them, in their order."""

_STRAY = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n)")
_PLAIN = bytes({0x09, 0x0A, 0x0D, *range(0x20, 0x7F), *range(0x80, 0x100)})
"""What a head is made of; CR and LF only together."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"(?:/[!-~\x80-\xff]*|\*)")
_LENGTH = re.compile(r"[0-9]{1,15}")
_ANSWER = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?: (.*))?")


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request before its body. `length` is None when none is stated."""

    method: str
    target: str
    minor: int
    """HTTP/1.0 or HTTP/1.1."""
    fields: Fields
    length: int | None
    chunked: bool
    keep_alive: bool
    expects: bool

    @property
    def path(self) -> str:
        """Return the target without its query."""
        return self.target.partition("?")[0]

    @property
    def has_body(self) -> bool:
        """Tell whether a body follows."""
        return self.chunked or bool(self.length)


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """An answer before its body. Neither a length nor chunks: it ends with the connection."""

    status: int
    reason: str
    fields: Fields
    length: int | None
    chunked: bool
    keep_alive: bool


def after_blank_lines(data: bytes) -> bytes:
    """Return what comes after the blank lines that a client may send before its request."""
    start = 0
    while data.startswith(b"\r\n", start):
        start += 2
    return data[start:] if start else data


def check_unended(data: bytes) -> None:
    """Look at a head that has not ended yet. Raises RequestMalformed, LineTooLong, HeadTooLarge.

    A line that ends with LF alone is refused here: its head would never end.
    """
    if data.count(b"\n") != data.count(b"\r\n"):  # looked at again for each crumb: be quick
        raise RequestMalformed("A line of the head ends without CR.")
    line = data.find(b"\r\n")
    if line > LINE_BYTES or (line < 0 and len(data) > LINE_BYTES):
        raise LineTooLong(f"The request line is longer than {LINE_BYTES} bytes.")
    if len(data) > HEAD_BYTES:
        raise HeadTooLarge(f"The head is larger than {HEAD_BYTES} bytes.")


def read_request(block: bytes) -> RequestHead:
    """Read a head with the blank line that ends it.

    Raises RequestMalformed, LineTooLong, HeadTooLarge.
    """
    check_unended(block)
    line, *rows = _lines(block)
    method, target, version = _words(line)
    if version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise RequestMalformed("Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    fields = _fields(rows)
    found = _by_name(fields)
    minor = int(version[-1])
    length, chunked = _request_framing(found, minor)
    if len(found.get("host", ())) > 1:
        raise RequestMalformed("There is more than one Host.")
    if minor == 1 and "host" not in found:
        raise RequestMalformed("There is no Host.")
    asked = _options(found)
    expects = minor == 1 and _expects(found)
    keep = minor == 1 and "close" not in asked
    return RequestHead(method, target, minor, fields, length, chunked, keep, expects)


def _lines(block: bytes) -> list[str]:
    breaks = block.count(b"\r\n")
    clean = breaks == block.count(b"\r") == block.count(b"\n")
    if not clean or block.translate(None, _PLAIN):
        stray = next(_STRAY.finditer(block))[0][0]
        raise RequestMalformed(f"The head holds the byte {stray:#04x} where it must not.")
    return block[: -len(END)].decode("latin-1").split("\r\n")


def _words(line: str) -> tuple[str, str, str]:
    words = line.split(" ")
    if len(words) != 3 or not _NAME.fullmatch(words[0]):
        raise RequestMalformed("The first line is no request.")
    if not _TARGET.fullmatch(words[1]):
        raise RequestMalformed("The target of the request is no path.")
    return words[0], words[1], words[2]


def _fields(rows: list[str]) -> Fields:
    if len(rows) > MOST_FIELDS:
        raise HeadTooLarge(f"There are more than {MOST_FIELDS} headers.")
    return tuple(_field(row) for row in rows)


def _field(row: str) -> tuple[str, str]:
    name, colon, value = row.partition(":")
    if not colon or not _NAME.fullmatch(name):
        raise RequestMalformed("A line of the head is no header.")
    return name.lower(), value.strip(" \t")


def _by_name(fields: Fields) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


def _options(found: Mapping[str, list[str]]) -> frozenset[str]:
    """Return what the Connection headers name."""
    rows = ",".join(found.get("connection", ())).split(",")
    return frozenset(word.strip().lower() for word in rows if word.strip())


def _expects(found: Mapping[str, list[str]]) -> bool:
    said = [word.lower() for word in found.get("expect", ())]
    if said and said != ["100-continue"]:
        raise RequestMalformed("Only `Expect: 100-continue` can be met.")
    return bool(said)


def _request_framing(found: Mapping[str, list[str]], minor: int) -> tuple[int | None, bool]:
    lengths, codings = found.get("content-length", []), found.get("transfer-encoding", [])
    if codings:
        if lengths or minor == 0:
            raise RequestMalformed("The body has a length and chunks; which counts is not clear.")
        if [word.lower() for word in codings] != ["chunked"]:
            raise RequestMalformed("Only `Transfer-Encoding: chunked` is taken.")
        return None, True
    if not lengths:
        return None, False
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise RequestMalformed("The length of the body is not one number.")
    return int(lengths[0]), False


def read_answer(block: bytes) -> AnswerHead:
    """Read the head of an upstream's answer. Raises AnswerMalformed."""
    try:
        line, *rows = _lines(block)
        fields = _fields(rows)
    except (RequestMalformed, HeadTooLarge) as error:
        raise AnswerMalformed("The head of the answer cannot be read.") from error
    found = _ANSWER.fullmatch(line)
    if not found:
        raise AnswerMalformed("The first line of the answer cannot be read.")
    names = _by_name(fields)
    length, chunked, clear = _answer_framing(names)
    clear = clear or found[2] in {"204", "304"}  # they have no body, whatever they say
    asked = _options(names)
    keep = "close" not in asked and (found[1] == "1" or "keep-alive" in asked) and clear
    return AnswerHead(int(found[2]), found[3] or "", fields, length, chunked, keep)


def _answer_framing(found: Mapping[str, list[str]]) -> tuple[int | None, bool, bool]:
    """Return the length, whether there are chunks, and whether the connection stays usable."""
    lengths, codings = set(found.get("content-length", ())), found.get("transfer-encoding", [])
    if codings:
        if [word.lower() for word in codings] != ["chunked"]:
            raise AnswerMalformed("The answer has an encoding that nobody asked for.")
        return None, True, not lengths
    if not lengths:
        return None, False, False
    if len(lengths) > 1 or not _LENGTH.fullmatch(text := lengths.pop()):
        raise AnswerMalformed("The length of the answer is not one number.")
    return int(text), False, True
