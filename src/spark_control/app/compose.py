"""Puts the parts together: settings, adapters, use cases. Nothing runs before `start`."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import httpcore

from spark_control import __version__
from spark_control.access.owner import Owner
from spark_control.access.usecases import Access
from spark_control.app import backup
from spark_control.app.boot import Boot
from spark_control.app.wire_access import wire_access, wire_owner
from spark_control.app.wire_fleet import make_pool, wire_engines, wire_fleet, wire_keys
from spark_control.app.wire_gateway import Heard, beside, wire_gateway, wire_link, wire_services
from spark_control.app.wire_hosts import wire_hosts
from spark_control.app.wire_jobs import wire_jobs, wire_logs, wire_sql
from spark_control.app.wire_requests import Accounting, wire_accounting
from spark_control.app.wire_settings import wire_settings
from spark_control.app.wire_swap import (
    wire_adopted,
    wire_locks,
    wire_models,
    wire_swaps,
    wire_takeover,
    wire_validation,
)
from spark_control.core.bus import Bus
from spark_control.core.clock import Clock, RealClock, iso
from spark_control.core.errors import StorageTrouble
from spark_control.core.ids import Ids, RandomIds
from spark_control.core.sql import Sql
from spark_control.core.tasks import Tasks
from spark_control.dashboard.status import NoticeShape, Status
from spark_control.engines.adapters.openai_http import HttpProbe
from spark_control.engines.adapters.pulse_http import HttpPulse
from spark_control.engines.deep_watch import DeepProbes
from spark_control.engines.usecases import Engines
from spark_control.fleet.hosts import Hosts
from spark_control.fleet.usecases import Fleet
from spark_control.fleet.watch import watch
from spark_control.gateway.adapters.link_server import LinkServer
from spark_control.gateway.in_flight import InFlight
from spark_control.gateway.usecases import Gateway
from spark_control.jobs.adapters.log_files import LogFiles
from spark_control.jobs.domain import Job
from spark_control.jobs.usecases import Jobs
from spark_control.models.setup import Setup
from spark_control.models.usecases import Models
from spark_control.settings.domain import Settings
from spark_control.settings.usecases import Configuration
from spark_control.swap.domain import Limits
from spark_control.swap.locks import Locks
from spark_control.swap.takeover import Takeover
from spark_control.swap.usecases import Swaps
from spark_control.swap.validate import Validation

log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Parts:
    """Everything that one running Spark Control is made of."""

    boot: Boot
    bus: Bus
    clock: Clock
    tasks: Tasks
    sql: Sql
    pool: httpcore.AsyncConnectionPool
    probe_pool: httpcore.AsyncConnectionPool
    owner: Owner
    access: Access
    configuration: Configuration
    jobs: Jobs
    logs: LogFiles
    fleet: Fleet
    hosts: Hosts
    engines: Engines
    models: Models
    setup: Setup
    locks: Locks
    swaps: Swaps
    validation: Validation
    gateway: Gateway
    link: LinkServer
    in_flight: InFlight
    status: Status
    accounting: Accounting
    deep: DeepProbes
    takeover: Takeover
    ready: bool = False
    backing_up: asyncio.Lock = field(default_factory=asyncio.Lock)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Bring up what runs beside requests. Returns before any Spark has answered."""
        await self.link.start()
        self.gateway.begin()
        await self.fleet.replace(self.configuration.current.sparks)
        await self._take_up(await self.jobs.left())
        _ = self.tasks.spawn(self.jobs.watch(self._take_up), name="jobs")
        _ = self.tasks.spawn(self._follow_settings(), name="settings")
        _ = self.tasks.spawn(self.engines.watch(), name="engines")
        _ = self.tasks.spawn(self.deep.follow(), name="deep probes")
        _ = self.tasks.spawn(self.gateway.follow(), name="gateway")
        _ = self.tasks.spawn(self.gateway.follow_settings(), name="gateway settings")
        _ = self.tasks.spawn(self.gateway.follow_menu(), name="gateway menu")
        _ = self.tasks.spawn(self.gateway.follow_outside(), name="outside servers")
        _ = self.tasks.spawn(self.gateway.services.follow(self.gateway.tell), name="services")
        _ = self.tasks.spawn(self.swaps.ranks.watch(), name="parts")
        _ = self.tasks.spawn(watch(self.fleet), name="hardware")
        self.accounting.start(self.tasks)
        await self.locks.look()
        _ = self.tasks.spawn(self.locks.watch(), name="swap lock")
        self.ready = True

    async def _take_up(self, left: list[Job]) -> None:
        """Go on with what another process left, or say that it was interrupted."""
        await self.jobs.fail_interrupted(left, but=await self.swaps.recover(left))

    async def _follow_settings(self) -> None:
        """Put a changed fleet in force at once."""
        changes = self.bus.subscribe("settings")
        async for _ in changes:
            await self.fleet.replace(self.configuration.current.sparks)
            await self.engines.refresh_all()

    async def backup(self) -> IO[bytes]:
        """Return a backup of this data directory as a file without a name."""
        at = iso(self.clock.now())
        async with self.backing_up:  # each one needs room on the disk for a while
            return await asyncio.to_thread(backup.make, self.boot, self.sql, at)

    def drain(self) -> None:
        """Take no more: readiness goes, endless streams end, requests in flight may finish."""
        self.ready = False
        self.bus.close()
        self.swaps.drain()

    async def close(self) -> None:
        """End what runs and let everything go. A swap on a Spark goes on by itself."""
        self.drain()
        await self.tasks.close()
        await self.link.close()
        await self.accounting.requests.flush()
        await self.fleet.close()
        await self.pool.aclose()
        await self.probe_pool.aclose()
        await asyncio.to_thread(self.sql.close)


def compose(
    boot: Boot, *, clock: Clock | None = None, ids: Ids | None = None, limits: Limits | None = None
) -> Parts:
    """Return the parts for `boot`. Raises what stops a start: files, database, key."""
    clock, ids = clock or RealClock(), ids or RandomIds()
    bus, tasks = Bus(boot=ids.new("b")), Tasks("control")

    async def busy() -> dict[str, str]:
        with suppress(StorageTrouble):
            return await jobs.busy()
        now = swaps.running
        return dict.fromkeys(now.plan.sparks, f"swap of {now.job.target}") if now else {}

    configuration = wire_settings(boot, bus, busy)

    def settings() -> Settings:
        return configuration.current

    owner = wire_owner(boot)
    sql = wire_sql(boot)
    jobs, logs = wire_jobs(boot, sql, bus, clock, ids), wire_logs(boot)
    pool, probe_pool = make_pool(max_connections=64), make_pool(max_connections=64)
    in_flight, probe = InFlight(), HttpProbe(probe_pool, clock)
    keys = wire_keys(boot)
    fleet = wire_fleet(boot, keys, bus, clock)
    engines = wire_engines(probe, settings, bus, clock)
    setup = wire_models(boot, fleet, clock, tasks)
    models = setup.models
    locks, adopted = wire_locks(sql, bus, clock), wire_adopted(boot)
    swaps = wire_swaps(
        fleet=fleet, models=models, engines=engines, jobs=jobs, logs=logs, probe=probe,
        in_flight=in_flight, settings=settings, bus=bus, clock=clock, tasks=tasks,
        limits=limits or Limits(), locks=locks, adopted=adopted, steady=configuration.steady,
    )  # fmt: skip
    takeover = wire_takeover(
        engines=engines, swaps=swaps, adopted=adopted, fleet=fleet, settings=settings, clock=clock
    )
    status = Status(
        version=__version__, demo=boot.demo is not None, clock=clock, fleet=fleet,
        engines=engines, swaps=swaps, locks=locks, configuration=configuration,
        notices=lambda: notices(boot, owner), started_at=iso(clock.now()),
    )  # fmt: skip
    services = wire_services(pool, settings, bus, clock)
    accounting = wire_accounting(
        sql=sql, bus=bus, clock=clock, settings=settings, pool=probe_pool, engines=engines,
        fleet=fleet, jobs=jobs, locks=locks, busy=in_flight.busy,
        beside=lambda: beside(services, settings),
    )  # fmt: skip
    access = wire_access(owner, settings, clock)
    deep = DeepProbes(
        engines=engines, probe=probe, pulse=HttpPulse(probe_pool), load=in_flight, clock=clock
    )
    heard = Heard(
        in_flight=in_flight, accounting=accounting, wedged=services.wedged, ended=deep.ended
    )
    link = wire_link(boot, heard, tasks)
    gateway = wire_gateway(
        link=link, pool=pool, engines=engines, models=models, swaps=swaps, access=access,
        in_flight=in_flight, services=services, settings=settings, bus=bus, clock=clock,
    )  # fmt: skip
    return Parts(
        boot=boot, bus=bus, clock=clock, tasks=tasks, sql=sql, pool=pool,
        probe_pool=probe_pool, owner=owner,
        access=access, configuration=configuration, jobs=jobs,
        logs=logs, fleet=fleet, hosts=wire_hosts(boot, keys, fleet, configuration, clock),
        engines=engines, models=models, setup=setup, locks=locks,
        swaps=swaps, validation=wire_validation(boot, fleet, swaps, probe, clock),
        gateway=gateway, link=link, in_flight=in_flight, status=status,
        accounting=accounting, takeover=takeover, deep=deep,
    )  # fmt: skip


def notices(boot: Boot, owner: Owner) -> list[NoticeShape]:
    """Return what the operator should know about this start."""
    rows = [
        NoticeShape(code="demo", message=note) for note in (boot.demo.notes if boot.demo else ())
    ]
    if owner.required and owner.keys.keyless_outside:
        rows.append(NoticeShape(
            code="keyless_outside",
            message="Apps may use /v1 without a token, as with the older system.",
            hint="Set `keyless_outside` to false in `access.json` once they all send one, and "
            "start again.",
        ))  # fmt: skip
    if any(problem.name == "DATA_DIR" for problem in boot.started.problems):
        rows.append(NoticeShape(
            code="data_dir_ignored",
            message=f"DATA_DIR was not taken; all files are in {boot.data.root}.",
            hint="Write it as a path that starts with `/` or `~/`, and start again.",
        ))  # fmt: skip
    return rows
