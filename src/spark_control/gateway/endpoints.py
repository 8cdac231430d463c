"""Every endpoint there is, for machines: engines, services, and servers of `UPSTREAMS`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from spark_control.engines.domain import Address, Engine, EngineState
from spark_control.gateway.outside import Said, Server, has, up
from spark_control.gateway.services import Row, Service
from spark_control.settings.domain import Settings

ENGINE, QDRANT = "vllm", "qdrant"
CHAT, VECTORS = "chat", "vectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint. `service` is the key of `DISABLED_SERVICES`; `up` is None when not known."""

    name: str
    service: str
    capability: str
    host: str
    port: int
    base_url: str
    models: tuple[str, ...] = ()
    disabled: bool = False
    up: bool | None = None


def engines(
    slots: Iterable[tuple[str, Address]], seen: Sequence[Engine], now: Settings
) -> list[Endpoint]:
    """Return the engine slot of each Spark."""
    by_spark = {engine.spark: engine for engine in seen}
    disabled = ENGINE in now.names("DISABLED_SERVICES")
    found = []
    for spark, address in slots:
        engine = by_spark.get(spark)
        found.append(Endpoint(
            name=spark, service=ENGINE, capability=CHAT, host=address.host, port=address.port,
            base_url=f"{address.base_url}/v1", models=engine.served if engine else (),
            disabled=disabled,
            up=None if engine is None else engine.state is EngineState.SERVING,
        ))  # fmt: skip
    return found


def services(
    rows: Iterable[Row], seen: Iterable[Service], looked: frozenset[str], now: Settings
) -> list[Endpoint]:
    """Return the services that have a host, disabled ones too; `looked`: URLs that were asked."""
    by_name = {service.name: service for service in seen}
    found = []
    for row in rows:
        service = by_name.get(row.known.name)
        known = service is not None and row.base_url in looked
        found.append(Endpoint(
            name=row.known.name, service=row.known.name, capability=row.known.role.value,
            host=row.host, port=row.port, base_url=f"{row.base_url}/v1",
            models=service.models if service else (), disabled=row.disabled,
            up=service.up if service and known else None,
        ))  # fmt: skip
    where = Address(now.text("QDRANT_HOST"), now.number("QDRANT_PORT"))
    found.append(Endpoint(
        name=QDRANT, service=QDRANT, capability=VECTORS, host=where.host, port=where.port,
        base_url=where.base_url, disabled=QDRANT in now.names("DISABLED_SERVICES"),
    ))  # fmt: skip
    return [endpoint for endpoint in found if endpoint.host]


def outside(servers: Iterable[Server], said: Mapping[str, Said]) -> list[Endpoint]:
    """Return the servers of `UPSTREAMS`, without names and passwords in their addresses."""
    found = []
    for server in servers:
        parts = urlsplit(server.base_url)
        netloc = parts.netloc.rpartition("@")[2]
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            continue
        found.append(Endpoint(
            name=server.name, service=server.name, capability=CHAT, host=parts.hostname or "",
            port=port, base_url=f"{parts.scheme}://{netloc}{parts.path}".rstrip("/"),
            models=has(server, said), disabled=server.redact, up=up(server, said),
        ))  # fmt: skip
    return found
