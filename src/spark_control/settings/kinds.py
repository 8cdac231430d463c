"""The kinds of value a setting can hold: each reads a text or says in one sentence why not."""

import ipaddress
import json
import re
from collections.abc import Callable
from urllib.parse import urlsplit

HOST = re.compile(r"^(?!-)[A-Za-z0-9_.:%-]{1,253}$")
USER = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$")
CONTAINER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")
SERVICE = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
ON = frozenset({"1", "on", "true", "yes"})
OFF = frozenset({"0", "off", "false", "no"})

Reader = Callable[[str], str]
"""Returns the value in its one spelling; raises ValueError with the reason."""


def _matching(pattern: re.Pattern[str], what: str) -> Reader:
    def read(text: str) -> str:
        if not pattern.match(text):
            raise ValueError(f"is not {what}")
        return text

    return read


_host = _matching(HOST, "a host name or address")
user = _matching(USER, "a user name")
container = _matching(CONTAINER, "a container name")


def host(value: str) -> str:
    """Take a host name or an address, without a port."""
    _host(value)
    if ":" in value or "%" in value:
        try:
            ipaddress.IPv6Address(value.partition("%")[0])
        except ValueError as error:
            raise ValueError("is not a host name or address without a port") from error
    return value


def text(value: str) -> str:
    """Take one line of anything."""
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise ValueError("holds a control character")
    return value


def path(value: str) -> str:
    """Take a path: absolute, or below `~` or `$HOME`."""
    if not re.match(r"^(/|~(/|$)|\$HOME(/|$)|\$\{HOME\}(/|$))", text(value)):
        raise ValueError("is not a path that starts with / or ~/")
    return value


def flag(value: str) -> str:
    """Take on or off in their usual spellings."""
    low = value.lower()
    if low in ON or low in OFF:
        return "on" if low in ON else "off"
    raise ValueError("is neither on nor off")


def number(low: int, high: int) -> Reader:
    """Return a reader of whole numbers from `low` to `high`."""

    def read(value: str) -> str:
        if not re.match(r"^\d{1,9}$", value) or not low <= int(value) <= high:
            raise ValueError(f"is not a whole number from {low} to {high}")
        return str(int(value))

    return read


port = number(1, 65535)


def url(value: str) -> str:
    """Take an http or https address."""
    why = "is not an http:// or https:// address"
    text(value)
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise ValueError(why) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(why)
    return value


def choice(*words: str) -> Reader:
    """Return a reader of one of `words`."""

    def read(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(f"is none of {', '.join(words)}")
        return value.lower()

    return read


def words(value: str) -> str:
    """Take service names with commas or blanks between them."""
    found = [word for word in re.split(r"[,\s]+", value) if word]
    if bad := next((word for word in found if not SERVICE.match(word)), None):
        raise ValueError(f"holds {bad!r}, which is no service name")
    return ",".join(found)


def origins(value: str) -> str:
    """Take origins (`https://host[:port]`) with commas or blanks between them."""
    return ",".join(url(word).rstrip("/") for word in re.split(r"[,\s]+", value) if word)


def _json(value: str, kind: type, what: str) -> str:
    try:
        found = json.loads(value)
    except ValueError as error:
        raise ValueError("is not JSON") from error
    if not isinstance(found, kind):
        raise ValueError(f"is not a JSON {what}")  # noqa: TRY004 - a reader says why with it
    return value


def json_list(value: str) -> str:
    """Take a JSON list of objects."""
    _json(value, list, "list")
    if not all(isinstance(item, dict) for item in json.loads(value)):
        raise ValueError("is not a JSON list of objects")
    return value


def upstreams(value: str) -> str:
    """Take a JSON list of servers: a name, an address, and perhaps a key and models."""
    for row in json.loads(json_list(value)):
        models = row.get("models", [])
        texts = [row.get("name"), row.get("base_url"), row.get("api_key", "")]
        if not all(isinstance(text, str) for text in texts) or not row["name"]:
            raise ValueError("holds a server without a name or an address")
        if not isinstance(models, list) or not all(isinstance(name, str) for name in models):
            raise ValueError("holds a server whose models are no list of names")
        url(row["base_url"])
    return value


def json_object(value: str) -> str:
    """Take a JSON object from names to names."""
    _json(value, dict, "object")
    if not all(isinstance(item, str) for item in json.loads(value).values()):
        raise ValueError("is not a JSON object of texts")
    return value
