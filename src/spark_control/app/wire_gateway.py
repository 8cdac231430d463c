"""Wires the gateway: what its workers are told, and who is told what they say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpcore

from spark_control import __version__
from spark_control.access.usecases import Access
from spark_control.app.boot import Boot
from spark_control.app.wire_requests import Accounting
from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.tasks import Tasks
from spark_control.engines.errors import EngineBroke, EngineSlow
from spark_control.engines.usecases import Engines
from spark_control.gateway import outside
from spark_control.gateway.adapters.link_server import LinkServer
from spark_control.gateway.adapters.outside_http import HttpOutsideModels
from spark_control.gateway.adapters.service_http import HttpServiceLooks
from spark_control.gateway.adapters.worker_processes import Spec, WorkerProcesses
from spark_control.gateway.in_flight import InFlight
from spark_control.gateway.looks import Services
from spark_control.gateway.record import Trace
from spark_control.gateway.usecases import Gateway
from spark_control.gateway.wire import Pass, Stats
from spark_control.models.usecases import Models
from spark_control.settings.domain import Settings
from spark_control.settings.load import process_environment
from spark_control.swap.usecases import Swaps

FAILED = frozenset({EngineBroke.code, EngineSlow.code})


@dataclass(kw_only=True, slots=True)
class Heard:
    """Hands on what workers say."""

    in_flight: InFlight
    accounting: Accounting
    wedged: Callable[[str, int], None]
    ended: Callable[[Mapping[str, int]], None]

    def busy(self, worker: object, counts: Mapping[str, int]) -> None:
        self.in_flight.take(worker, counts)

    def records(self, rows: Sequence[Trace]) -> None:
        self.accounting.requests.take([row.record() for row in rows])
        self.ended(failures(rows))

    def stats(self, stats: Stats) -> None:
        self.accounting.metrics.worker(stats)

    def left(self, pid: int) -> None:
        self.accounting.metrics.left(pid)


def failures(rows: Sequence[Trace]) -> dict[str, int]:
    """Return how many requests in a row each engine has failed; zero for one that did well."""
    found: dict[str, int] = {}
    for row in rows:
        if row.target is None:
            continue
        if row.error in FAILED:
            found[row.target] = found.get(row.target, 0) + 1
        elif row.status == 200 and row.error is None:
            found[row.target] = 0
    return found


def wire_link(boot: Boot, heard: Heard, tasks: Tasks) -> LinkServer:
    """Return the way to the workers."""
    return LinkServer(path=boot.data.run / "link.sock", ears=heard, tasks=tasks)


def wire_services(
    pool: httpcore.AsyncConnectionPool, settings: Callable[[], Settings], bus: Bus, clock: Clock
) -> Services:
    """Return the speech and embedding services."""
    return Services(settings=settings, looks=HttpServiceLooks(pool), bus=bus, clock=clock)


def beside(services: Services, settings: Callable[[], Settings]) -> dict[str, str]:
    """Return the names of services and outside servers by base URL."""
    servers = outside.read(settings().text("UPSTREAMS"))
    named = {service.base_url: service.name for service in services.now()}
    return named | {server.base_url.rstrip("/"): server.name for server in servers}


def wire_gateway(  # noqa: PLR0913 - what a request may touch
    *, link: LinkServer, pool: httpcore.AsyncConnectionPool, engines: Engines, models: Models,
    swaps: Swaps, access: Access, in_flight: InFlight, services: Services,
    settings: Callable[[], Settings], bus: Bus, clock: Clock,
) -> Gateway:  # fmt: skip
    """Return the one URL over all engines."""

    def door() -> Pass:
        keys = access.keys
        return Pass(
            required=access.required, owner_sha256=keys.owner_sha256,
            session_key=keys.session_key, keyless_outside=keys.keyless_outside,
            names=tuple(sorted(access.names)), origins=tuple(sorted(access.origins())),
        )  # fmt: skip

    gateway = Gateway(
        engines=engines, models=models, swaps=swaps, settings=settings, door=door, link=link,
        outside=HttpOutsideModels(pool), services=services, bus=bus, clock=clock,
    )  # fmt: skip
    in_flight.settle = gateway.settle
    return gateway


def wire_workers(
    boot: Boot, link: LinkServer, clock: Clock, tasks: Tasks, *, port: int, drain_s: float
) -> WorkerProcesses:
    """Return the processes that own the public port."""
    spec = Spec(
        run=boot.data.run, log=boot.data.logs / "gateway.log", host=boot.started.text("BIND"),
        port=port, count=boot.started.number("GATEWAY_WORKERS"), release=__version__,
        environment=process_environment(),
    )  # fmt: skip
    link.config = spec.config
    return WorkerProcesses(spec=spec, link=link, clock=clock, tasks=tasks, drain_s=drain_s)
