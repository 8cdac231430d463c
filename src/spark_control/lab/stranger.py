"""An engine on a Spark of the lab that Spark Control did not start: a process, or a container."""

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

from spark_control.core.clock import Clock
from spark_control.lab.folder import Place
from spark_control.lab.standins import containers
from spark_control.lab.standins.docker_args import Refused

CONTAINER = "other-engine"
_RUN = Path(__file__).with_name("standins") / "run.py"
_START_S, _LOOK_S = 5.0, 0.02


@dataclass(frozen=True)
class Wish:
    """What is asked for by the words of the fault: `[container] [stubborn] [PORT]`."""

    port: int = 8888
    container: bool = False
    stubborn: bool = False

    @classmethod
    def of(cls, param: str) -> "Wish":
        """Read the words. Raises ValueError."""
        words = param.split()
        ports = [int(word) for word in words if word not in {"process", "container", "stubborn"}]
        port = ports[0] if ports else cls.port
        return cls(port, "container" in words, "stubborn" in words)

    @property
    def words(self) -> tuple[str, ...]:
        """Return the words of the program itself."""
        return (str(self.port), *(("stubborn",) if self.stubborn else ()))


class Stranger:
    """One such engine. It is a process of its own, so that it can be ended like a real one."""

    def __init__(self, place: Place, wish: Wish, clock: Clock) -> None:
        self._place = place
        self._wish = wish
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return once it listens. Raises OSError when it does not come up."""
        if self._wish.container:
            image, words = "vllm-node", ("stranger", *self._wish.words)
            run = ("run", "-d", "--rm", "--network", "host", "--name", CONTAINER, image)
            starting = await self._command("docker", *run, *words)
            if await starting.wait():
                raise OSError("docker run failed")
        else:
            self._process = await self._command("stranger", *self._wish.words)
        await self._listens()

    async def _command(self, *words: str) -> asyncio.subprocess.Process:
        quiet = asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(_RUN), *words, env=self._place.env(),
            cwd=self._place.home, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True,
        )  # fmt: skip

    async def _listens(self) -> None:
        deadline = self._clock.monotonic() + _START_S
        while self.alive() and self._clock.monotonic() < deadline:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(self._place.host, self._wish.port)
                writer.close()
                return
            await self._clock.sleep(_LOOK_S)
        raise OSError("it does not listen")

    def alive(self) -> bool:
        """Tell whether it still runs; somebody may have ended it."""
        if self._process is not None:
            return self._process.returncode is None
        try:
            return containers.find(self._place.box, CONTAINER).running
        except Refused:
            return False

    async def end(self) -> None:
        """End it, and return when it is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        elif self.alive():
            await (await self._command("docker", "rm", "-f", CONTAINER)).wait()
