"""Read, show and change the settings; every part that uses one sees the change at once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from spark_control.core.bus import Bus
from spark_control.settings.domain import Problem, Settings, Source, changed, first_copy, merge
from spark_control.settings.errors import SettingsChanged, SettingsUnreadable
from spark_control.settings.ports import SettingsStore
from spark_control.settings.slots import leaving, let_go

log = logging.getLogger(__name__)

Decide = Callable[[Settings], Mapping[str, str | None]]


async def nothing_runs() -> dict[str, str]:
    """Tell that no Spark is busy."""
    return {}


@dataclass(kw_only=True, slots=True)
class Configuration:
    """The settings in force. `current` is replaced whole when somebody saves.

    `busy` tells on which Sparks something runs that a change of them would break, and what.
    """

    environment: Mapping[str, str]
    store: SettingsStore
    bus: Bus
    busy: Callable[[], Awaitable[Mapping[str, str]]] = nothing_runs
    current: Settings = field(init=False)
    _saved: dict[str, object] = field(init=False, default_factory=dict)
    _broken: SettingsUnreadable | None = field(init=False, default=None)
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        try:
            saved = self.store.read()
        except SettingsUnreadable as error:
            self._broken, saved = error, {}
        if saved is None:
            saved = dict(first_copy(self.environment))
            if saved:
                self.store.write(saved)
        self._take(saved)
        self._report()

    def _take(self, saved: dict[str, object]) -> None:
        self._saved = saved
        self.current = merge(self.environment, saved)

    def _report(self) -> None:
        for problem in self.problems:
            log.warning("setting %s (%s): %s", problem.name, problem.source, problem.reason)
        for name in self.current.unknown:
            log.warning("setting %s is not known; it is kept in %s", name, self.store.where)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return everything that was not taken as written."""
        if self._broken is None:
            return self.current.problems
        broken = Problem(self.store.where, Source.FILE, self._broken.message)
        return (broken, *self.current.problems)

    async def save(self, version: str, wish: Mapping[str, str | None]) -> Settings:
        """Lay `wish` into the file and put it in force.

        Raises SettingsChanged when `version` is not the newest, SettingUnknown and SettingInvalid
        for a bad wish, HostInUse, SettingsUnwritable; nothing is saved then.
        """

        def same(now: Settings) -> Mapping[str, str | None]:
            if version != now.version:
                raise SettingsChanged("The settings were saved by somebody else in between.")
            return wish

        return await self.change(same)

    @asynccontextmanager
    async def steady(self) -> AsyncIterator[None]:
        """Let nobody change the settings for as long as this is held."""
        async with self._turn:
            yield

    async def change(self, decide: Decide) -> Settings:
        """Save what `decide` wishes of the newest settings, and put it in force.

        Raises what `decide` raises, and what `save` raises for its wish.
        """
        async with self._turn:
            if self._broken is not None:
                raise self._broken
            saved = changed(self._saved, decide(self.current))
            if gone := leaving(self.current, merge(self.environment, saved)):
                let_go(gone, await self.busy())
            await asyncio.to_thread(self.store.write, saved)
            self._take(saved)
        self.bus.publish("settings", "settings", {"version": self.current.version})
        return self.current
