"""The servers of `UPSTREAMS`: OpenAI-shaped, and not launched here."""

import msgspec
from typing_extensions import override

from spark_control.gateway.route import Target


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. Without `models` the server is asked what it has."""

    name: str
    base_url: str
    api_key: str = ""
    models: tuple[str, ...] | None = None
    redact: bool = False

    @override
    def __repr__(self) -> str:
        return f"Server({self.name}, {self.base_url})"  # never the key


def read(text: str) -> tuple[Server, ...]:
    """Return the servers of the setting. An entry that is none is left out."""
    found = []
    for row in msgspec.json.decode(text or "[]", type=list[msgspec.Raw]):
        try:
            server = msgspec.json.decode(row, type=Server)
        except msgspec.ValidationError:
            continue
        if server.name and server.base_url.startswith(("http://", "https://")):
            found.append(server)
    return tuple(found)


def target(server: Server, models: tuple[str, ...]) -> Target:
    """Return the server as what requests are routed to."""
    return Target(
        name=server.name, base_url=server.base_url.rstrip("/"), served=models,
        owner=server.name, outside=True, token=server.api_key, redact=server.redact,
    )  # fmt: skip
