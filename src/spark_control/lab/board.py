"""The faults of one Spark: files that anybody may write, watched and made true."""

import asyncio
import logging
from dataclasses import dataclass, field

from spark_control.core.clock import Clock
from spark_control.lab.faults import Fault, named
from spark_control.lab.folder import Place
from spark_control.lab.sshd import Sshd
from spark_control.lab.stranger import Stranger, Wish

log = logging.getLogger(__name__)

_HANDSHAKE_BYTES = 300


@dataclass(kw_only=True, slots=True)
class Files:
    """The faults as files; what sessions ask when a command starts."""

    place: Place

    def param(self, fault: Fault) -> str | None:
        """Return the parameter of `fault`, or None when it is off."""
        return self.place.box.fault(fault)

    def clear(self, fault: Fault) -> None:
        """Switch `fault` off; nothing happens when it is off."""
        (self.place.faults / fault).unlink(missing_ok=True)

    def write(self, fault: Fault, param: str) -> None:
        """Switch `fault` on."""
        (self.place.faults / fault).write_text(param)

    def all(self) -> dict[Fault, str]:
        """Return the faults that are on; files that are none are left alone."""
        found = {}
        for path in self.place.faults.iterdir():
            if path.name in set(Fault):
                found[named(path.name)] = path.read_text().strip()
        return found


@dataclass(kw_only=True, slots=True)
class Board:
    """Makes the faults true that are not asked for by the commands themselves."""

    files: Files
    sshd: Sshd
    clock: Clock
    _stranger: Stranger | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _up: bool = True

    async def apply(self) -> None:
        """Bring the Spark in line with its files; done when this returns."""
        async with self._lock:
            on = self.files.all()
            await self._power(off=Fault.OFFLINE in on)
            if (Fault.FROZEN in on) != self.sshd.valve.frozen:
                (self.sshd.valve.freeze if Fault.FROZEN in on else self.sshd.valve.thaw)()
            self._handshakes(on.get(Fault.HANDSHAKE_CUT))
            await self.sshd.show(other=Fault.KEY_CHANGED in on)
            await self._take_port(on.get(Fault.FOREIGN_ENGINE))

    def _handshakes(self, param: str | None) -> None:
        if param is not None and param and not param.isdecimal():
            self.files.clear(Fault.HANDSHAKE_CUT)
            log.warning("%s: %r is no number of bytes", self.files.place.name, param)
            param = None
        self.sshd.valve.cut_after = None if param is None else int(param or _HANDSHAKE_BYTES)

    async def _power(self, *, off: bool) -> None:
        if off and self._up:
            self._up = False
            await self.sshd.shut()
        elif not off and not self._up:
            await self.sshd.open()
            self._up = True

    async def _take_port(self, param: str | None) -> None:
        there = self._stranger
        if there is not None and (param is None or not there.alive()):
            # Somebody may have ended it: then the fault is over, too.
            self.files.clear(Fault.FOREIGN_ENGINE)
            await there.end()  # first: when this is cancelled, `close` does it again
            self._stranger = None
        elif param is not None and there is None:
            try:
                there = Stranger(self.files.place, Wish.of(param), self.clock)
                self._stranger = there
                await there.start()
            except (OSError, ValueError) as error:
                self.files.clear(Fault.FOREIGN_ENGINE)
                log.warning("%s: no foreign engine: %s", self.files.place.name, error)

    async def close(self) -> None:
        """End what this made."""
        if self._stranger:
            await self._stranger.end()
        await self.sshd.shut()
