"""The faults of one Spark: files that anybody may write, watched and made true."""

import asyncio
import json
import logging
from dataclasses import dataclass, field

from spark_control.core.clock import Clock
from spark_control.lab.faults import Fault, named
from spark_control.lab.folder import Place
from spark_control.lab.sshd import Sshd
from spark_control.lab.standins import script
from spark_control.lab.standins.web import Reply, Request, Server, bind, json_reply

log = logging.getLogger(__name__)

STRANGER = "stranger/other-model"


async def _stranger(request: Request) -> Reply:
    """Answer for the program that has taken the engine's port."""
    if request.path == "/health":
        return Reply(kind="text/plain")
    if request.path == "/v1/models":
        return json_reply(script.models((STRANGER,), STRANGER, "vllm", 8192))
    if request.path.startswith("/v1/"):
        asked = json.loads(request.body or b"{}")
        return json_reply(script.unknown_model(asked.get("model")), 404)
    return json_reply({"detail": "Not Found"}, 404)


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
    _stranger: Server | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _up: bool = True

    async def apply(self) -> None:
        """Bring the Spark in line with its files; done when this returns."""
        async with self._lock:
            on = self.files.all()
            await self._power(off=Fault.OFFLINE in on)
            if (Fault.FROZEN in on) != self.sshd.valve.frozen:
                (self.sshd.valve.freeze if Fault.FROZEN in on else self.sshd.valve.thaw)()
            await self._take_port(on.get(Fault.FOREIGN_ENGINE))

    async def _power(self, *, off: bool) -> None:
        if off and self._up:
            self._up = False
            await self.sshd.shut()
        elif not off and not self._up:
            await self.sshd.open()
            self._up = True

    async def _take_port(self, param: str | None) -> None:
        if param is None and self._stranger:
            server, self._stranger = self._stranger, None
            await server.close()
        elif param is not None and not self._stranger:
            place = self.files.place
            try:
                taken = bind(place.host, int(param or 8888))
                server = Server(place.box, _stranger, self.clock)
                await server.listen(taken)
                self._stranger = server
            except (OSError, ValueError) as error:
                self.files.clear(Fault.FOREIGN_ENGINE)
                log.warning("%s: no foreign engine: %s", place.name, error)

    async def close(self) -> None:
        """End what this made."""
        if self._stranger:
            await self._stranger.close()
        await self.sshd.shut()
