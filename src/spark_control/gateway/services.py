"""The speech and embedding services of the settings: which there are, and which one is asked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from typing_extensions import override

from spark_control.gateway import route
from spark_control.gateway.errors import (
    ModelNotFound,
    ModelNotLoaded,
    NothingLoaded,
    ServiceMissing,
)
from spark_control.gateway.outside import Server
from spark_control.gateway.route import DEFAULT, Choice, Routes, Scene, Target
from spark_control.settings.domain import Settings

EMBED_PATHS = frozenset({"/v1/embeddings", "/v1/rerank", "/v1/score", "/rerank", "/score"})


class Role(StrEnum):
    """What a service does."""

    TRANSCRIBE = "transcribe"
    SPEAK = "speak"
    EMBED = "embed"


@dataclass(frozen=True, slots=True)
class Known:
    """A service that the settings have rows for: `PARAKEET_HOST`, `PARAKEET_PORT`."""

    name: str
    title: str
    role: Role


KNOWN = (
    Known("parakeet", "Speech to text (Parakeet)", Role.TRANSCRIBE),
    Known("magpie", "Text to speech (Magpie)", Role.SPEAK),
    Known("kokoro", "Text to speech (Kokoro)", Role.SPEAK),
    Known("embed", "The embedding service", Role.EMBED),
)


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it is asked. `up`: it answered when it was last looked at."""

    name: str
    title: str
    role: Role
    base_url: str
    models: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    up: bool = True
    token: str = ""

    @override
    def __repr__(self) -> str:
        return f"Service({self.name}, {self.base_url})"  # never the token


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a service found."""

    up: bool
    models: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A service of the settings, also one that is not used. A blank host: not configured."""

    known: Known
    host: str
    port: int
    disabled: bool

    @property
    def base_url(self) -> str:
        """Return where it is, with brackets around an IPv6 address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def rows(settings: Settings) -> tuple[Row, ...]:
    """Return the services that the settings have rows for."""
    disabled = settings.names("DISABLED_SERVICES")
    return tuple(
        Row(
            known, settings.text(f"{known.name.upper()}_HOST"),
            settings.number(f"{known.name.upper()}_PORT"), known.name in disabled,
        )
        for known in KNOWN
    )  # fmt: skip


def configured(settings: Settings, servers: Iterable[Server]) -> tuple[Service, ...]:
    """Return the services to ask, those of `SPEECH_BACKENDS` first and in that order.

    A server of `UPSTREAMS` that is named there is asked for speech both ways, unless it is
    marked for redaction: then nothing goes there.
    """
    found = [
        Service(
            name=row.known.name, title=row.known.title, role=row.known.role,
            base_url=row.base_url,
        )
        for row in rows(settings) if row.host and not row.disabled
    ]  # fmt: skip
    order = settings.names("SPEECH_BACKENDS")
    for server in servers:
        if server.name in order and not server.redact:
            found += [_outside(server, role) for role in (Role.TRANSCRIBE, Role.SPEAK)]
    places = {name: place for place, name in enumerate(order)}
    return tuple(sorted(found, key=lambda one: places.get(one.name, len(places))))


def _outside(server: Server, role: Role) -> Service:
    return Service(
        name=server.name, title=server.name, role=role, base_url=server.base_url.rstrip("/"),
        models=server.models or (), token=server.api_key,
    )  # fmt: skip


def with_looks(services: Iterable[Service], seen: dict[str, Seen]) -> tuple[Service, ...]:
    """Return the services with what the last looks found; `seen` is by base URL."""
    found = []
    for service in services:
        look = seen.get(service.base_url)
        if look is not None:
            voices = look.voices if service.role is Role.SPEAK else ()
            service = msgspec.structs.replace(
                service, up=look.up, models=service.models or look.models, voices=voices
            )
        found.append(service)
    return tuple(found)


def of_role(services: Iterable[Service], role: Role) -> list[Service]:
    """Return those that do `role`, the ones that answer first."""
    return sorted((one for one in services if one.role is role), key=lambda one: not one.up)


def target(service: Service) -> Target:
    """Return a service as what requests are sent to."""
    return Target(
        name=service.name, base_url=service.base_url,
        served=service.models or (service.name,), owner=service.name, outside=True,
        token=service.token, service=service.title,
    )  # fmt: skip


def choose(
    path: str, name: str | None, routes: Routes, services: Sequence[Service]
) -> Choice | None:
    """Return who answers a request for a model, or None when nobody does now.

    What embeds is an engine or server that has the model, else the embedding service; an engine
    that chats is no answer to who names none.
    """
    if path not in EMBED_PATHS:
        return routes.find(name)
    if name is not None and name != DEFAULT and (found := routes.find(name)) is not None:
        return found
    embedding = of_role(services, Role.EMBED)
    return _embeds(embedding[0], name, routes.scene) if embedding else None


def _embeds(service: Service, name: str | None, scene: Scene) -> Choice | None:
    if name in service.models:
        return Choice((target(service),))
    meant = scene.aliases.get(name or "")
    if meant in service.models:
        return Choice((target(service),), meant)
    if name in scene.menu:  # a model of ours that is only not loaded
        return None
    return Choice((target(service),))


def refuse(
    path: str, name: str | None, scene: Scene
) -> ModelNotFound | ModelNotLoaded | NothingLoaded | ServiceMissing:
    """Return why nobody answers a request for a model."""
    if path in EMBED_PATHS and name in {None, DEFAULT}:
        return ServiceMissing("No service for embeddings is configured.")
    return route.refuse(name, scene)


def model_rows(services: Iterable[Service]) -> list[dict[str, object]]:
    """Return the rows of `GET /v1/models` for what services say they have, voices too.

    Servers of `UPSTREAMS` are listed as such.
    """
    ours = {known.name for known in KNOWN}
    found: dict[str, dict[str, object]] = {}
    for service in services:
        for name in _offered(service) if service.name in ours else ():
            row: dict[str, object] = {
                "id": name, "object": "model", "created": 0, "owned_by": service.name,
                "capability": service.role.value,
            }  # fmt: skip
            found.setdefault(name, row)
    return list(found.values())


def _offered(service: Service) -> tuple[str, ...]:
    return (*service.models, *service.voices) if service.up else ()


def voice_rows(services: Iterable[Service]) -> list[dict[str, object]]:
    """Return the rows of `GET /v1/audio/voices`; a service that does not say has none."""
    return [
        {"id": voice, "name": voice, "service": service.name}
        for service in services
        if service.up
        for voice in service.voices
    ]
