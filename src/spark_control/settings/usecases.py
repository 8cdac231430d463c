"""Read, show and change the settings; every part that uses one sees the change at once."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from spark_control.core.bus import Bus
from spark_control.settings.domain import Problem, Settings, Source, changed, first_copy, merge
from spark_control.settings.errors import SettingsChanged, SettingsUnreadable
from spark_control.settings.ports import SettingsStore

log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Configuration:
    """The settings in force. `current` is replaced whole when somebody saves."""

    environment: Mapping[str, str]
    store: SettingsStore
    bus: Bus
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
        for a bad wish, SettingsUnwritable; nothing is saved then.
        """
        async with self._turn:
            if self._broken is not None:
                raise self._broken
            if version != self.current.version:
                raise SettingsChanged("The settings were saved by somebody else in between.")
            saved = changed(self._saved, wish)
            await asyncio.to_thread(self.store.write, saved)
            self._take(saved)
        self.bus.publish("settings", "settings", {"version": self.current.version})
        return self.current
