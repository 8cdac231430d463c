"""The servers of `UPSTREAMS`: OpenAI-shaped, and not launched here."""

from collections.abc import Iterable, Mapping

import msgspec
from typing_extensions import override

from spark_control.gateway.route import DEFAULT, Target


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


class Said(msgspec.Struct, frozen=True):
    """What a server said when it was asked last: whether it answered, and what it has."""

    up: bool
    models: tuple[str, ...] = ()


def heard(before: Said | None, models: tuple[str, ...] | None) -> Said:
    """Return what is known now; who did not answer (None) has what it had."""
    if models is None:
        return Said(up=False, models=before.models if before else ())
    return Said(up=True, models=models)


def ordered(servers: Iterable[Server], said: Mapping[str, Said]) -> list[Server]:
    """Return the servers in the order in which they are asked: who does not answer last."""
    away = {url for url, found in said.items() if not found.up}
    return sorted(servers, key=lambda server: server.base_url in away)


def has(server: Server, said: Mapping[str, Said]) -> tuple[str, ...]:
    """Return the models of a server: those that the settings state, else those it named."""
    if server.models is not None:
        return server.models
    found = said.get(server.base_url)
    return found.models if found else ()


def up(server: Server, said: Mapping[str, Said]) -> bool | None:
    """Tell whether a server answers and has something; None when it was not asked yet."""
    found = said.get(server.base_url)
    return None if found is None else found.up and bool(has(server, said))


def target(server: Server, models: tuple[str, ...]) -> Target:
    """Return the server as what requests are routed to."""
    return Target(
        name=server.name, base_url=server.base_url.rstrip("/"), served=models,
        owner=server.name, outside=True, token=server.api_key, redact=server.redact,
    )  # fmt: skip


def aliases(said: Mapping[str, str], targets: Iterable[Target], *, alone: bool) -> dict[str, str]:
    """Return the aliases as they are meant; `alone`: there is no Spark, only outside servers.

    Then `default` is what the first of them has first. Where there are Sparks nothing goes
    outside that nobody sent there, be it that no engine runs.
    """
    open_ones = (target for target in targets if target.outside and not target.redact)
    first = next(open_ones, None) if alone else None
    return dict(said) if first is None else {DEFAULT: first.served[0], **said}
