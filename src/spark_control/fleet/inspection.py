"""Tests one Spark from outside inwards: name, port, key, login, and what it needs to have."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from spark_control.core.errors import AppError
from spark_control.core.shell import RemotePath
from spark_control.fleet import checks
from spark_control.fleet.checks import Check, Line, Mark
from spark_control.fleet.domain import HostKey
from spark_control.fleet.ports import Host, HostKeys
from spark_control.settings.domain import Spark

PROBE_S = 8.0
_HERE = "This is the machine that Spark Control runs on."


@dataclass(kw_only=True, slots=True)
class Inspection:
    """Looks at a Spark that is in the fleet or shall be; leaves nothing behind there or here."""

    keys: HostKeys
    launch_dir: Callable[[], str]

    async def lines(self, spark: Spark) -> AsyncGenerator[Line, None]:
        """Give a line for each check as it is done. Raises nothing for what a Spark does."""
        before = _Before(self.keys, spark)
        async for line in before.lines():
            yield line
        if before.way_in:
            # Who stops reading closes the connection at once.
            async with aclosing(self._inside(spark, before.key)) as inside:
                async for line in inside:
                    yield line

    async def _inside(self, spark: Spark, key: HostKey | None) -> AsyncGenerator[Line, None]:
        host = self.keys.visit(spark, key)
        try:
            try:
                who = await host.run(checks.WHO, timeout_s=PROBE_S)
                login = checks.login_line(spark, who)
            except AppError as error:
                login = checks.troubled(Check.LOGIN, error)
            yield login
            for probe in checks.probes(RemotePath.parse(self.launch_dir())):
                if login.mark is Mark.FAILED:
                    yield checks.skipped(probe.check, "Needs the login.")
                else:
                    yield await _probed(host, probe)
        finally:
            await host.close()


async def _probed(host: Host, probe: checks.Probe) -> Line:
    try:
        return probe.judge(await host.run(probe.command, timeout_s=PROBE_S))
    except AppError as error:
        return checks.troubled(probe.check, error)


@dataclass(slots=True)
class _Before:
    """What is looked at before anybody logs in."""

    keys: HostKeys
    spark: Spark
    key: HostKey | None = field(default=None, init=False)
    way_in: bool = field(default=False, init=False)

    async def lines(self) -> AsyncIterator[Line]:
        """Give the lines; after one that failed the others are skipped."""
        if self.spark.here:
            self.way_in = True
            for check in checks.BEFORE_LOGIN:
                yield checks.skipped(check, _HERE)
            return
        for step in (self._name, self._port, self._key):
            line = await step()
            yield line
            if line.mark is Mark.FAILED:
                for check in checks.after(line.check):
                    yield checks.skipped(check, "Needs the checks before it.")
                return
        self.way_in = True

    async def _name(self) -> Line:
        try:
            way = await self.keys.way(self.spark)
            found = frozenset[str]() if way.over else await self.keys.resolve(way.host)
        except AppError as error:
            return checks.troubled(Check.NAME, error)
        return checks.name_line(way, found)

    async def _port(self) -> Line:
        try:
            way = await self.keys.way(self.spark)
            if not way.over:
                await self.keys.knock(way.host, way.port)
        except AppError as error:
            return checks.troubled(Check.PORT, error)
        return checks.port_line(way)

    async def _key(self) -> Line:
        try:
            self.key = await self.keys.offered(self.spark)
        except AppError as error:
            return checks.troubled(Check.HOST_KEY, error)
        return checks.key_line(self.key)
