"""Plays `vllm serve` in a container: checks its words and its memory, loads, and serves."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterable

from spark_control.core.clock import RealClock
from spark_control.core.tasks import Tasks
from spark_control.lab.standins import box as boxes
from spark_control.lab.standins import (
    containers,
    launch_older,
    memory,
    model_files,
    script,
    vllm_fit,
    vllm_log,
)
from spark_control.lab.standins.box import Box, complain, say
from spark_control.lab.standins.brains import REAL_OWNER, Llama, Scripted
from spark_control.lab.standins.containers import Container
from spark_control.lab.standins.crew import Crew
from spark_control.lab.standins.front import Front
from spark_control.lab.standins.vllm_args import Refusal, Serve, parse
from spark_control.lab.standins.vllm_fit import Model
from spark_control.lab.standins.vllm_log import Line, dressed
from spark_control.lab.standins.vllm_parser import read_table
from spark_control.lab.standins.web import Server, bind

_ANY = {"", "0.0.0.0", "::"}  # noqa: S104 - words a user writes
_LOOK_S = 0.1
_RAY = ("--distributed-executor-backend", "ray")
_CORE_FAILED = (
    "RuntimeError: Engine core initialization failed. See root cause above. "
    "Failed core proc(s): {}\n"
)


class Gone(Exception):
    """The engine ends now, with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Engine:
    """One engine process."""

    def __init__(self, box: Box, one: Container, serve: Serve, nodes: str = "") -> None:
        self._box = box
        self._one = one
        self._serve = serve
        self._clock = RealClock()
        self._pace = box.pace()
        self._tasks = Tasks("engine")
        self._front = Front(box, serve.names, self._clock)
        self._server = Server(box, self._front, self._clock)
        self._crew = Crew(box, serve.given, nodes, self._clock)
        self._held = memory.Held(os.getpid(), 0.0, "loading")
        self._stop = asyncio.Event()
        self._error: Refusal | Gone | None = None

    def start_workers(self, words: list[str]) -> None:
        """Have Ray start the other ranks, where it is Ray that does."""
        if self._crew.ray and not self._crew.rank:
            plain = [word for word in words if word not in _RAY]
            self._crew.start_workers(self._one.name, plain)

    async def run(self) -> int:
        """Load and serve until a signal. Raises Refusal and Gone."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        _ = self._tasks.spawn(self._load_or_end(), name="load")
        try:
            await self._stop.wait()
        finally:
            await self._server.close()
            await self._tasks.close()
            await self._crew.close()
            memory.forget(self._box, self._held.pid)
            memory.refresh(self._box)
        if self._error:
            raise self._error
        say("INFO:     Shutting down\nINFO:     Finished server process [1]\n")
        return 0

    async def _load_or_end(self) -> None:
        try:
            await self._load()
        except (Refusal, Gone) as error:
            self._error = error
            self._stop.set()

    async def _load(self) -> None:
        taken = None if self._crew.rank else self._address()
        model = self._share(model_files.look(self._one, self._serve.model))
        version = read_table().version
        await self._print(vllm_log.boot(self._serve, model, version))
        await self._may_die()
        try:
            room = self._room(model)
        except Refusal as refusal:
            self._blame(str(refusal))
            raise Refusal(_CORE_FAILED) from None
        if taken is not None:
            await self._server.listen(taken)
        await self._crew.meet()
        _ = self._tasks.spawn(self._mind_the_crew(), name="crew")
        lines = list(vllm_log.weights(model, self._crew.rank, self._crew.size))
        await self._print(lines[: len(lines) // 2])
        await self._may_fail()
        await self._print(lines[len(lines) // 2 :])
        if self._crew.rank:
            await self._print(vllm_log.warm(model, room))
            await self._crew.loaded()
            self._report(state="serving")
            return
        brain = await self._brain(model)
        await self._crew.loaded()
        await self._print(vllm_log.warm(model, room))
        await self._print(vllm_log.up(self._serve))
        root, longest = self._serve.model, room.max_len
        owner = REAL_OWNER if isinstance(brain, Llama) else script.OWNER
        self._front.models = script.models(self._serve.names, root, owner, longest)
        self._front.longest = longest
        self._front.brain = brain
        self._report(state="serving")
        await self._attend(brain)

    def _share(self, model: Model) -> Model:
        """Return what one rank holds of the model."""
        size = self._crew.size
        return model._replace(
            weights_gib=model.weights_gib / size, kv_bytes=model.kv_bytes // size
        )

    async def _mind_the_crew(self) -> None:
        """Be stuck when another rank is gone; end when the first one is."""
        await self._crew.broken.wait()
        self._front.stuck = True
        if self._crew.rank:
            self._blame("torch.distributed.DistNetworkError: Connection closed by remote peer\n")
            self._error = Refusal(_CORE_FAILED)
            self._stop.set()

    def _address(self) -> socket.socket:
        host, port = self._serve.host, self._serve.port
        try:
            return bind(str(self._box.spark()["host"]) if host in _ANY else host, port)
        except OSError as error:
            raise Refusal(f"OSError: [Errno {error.errno}] {error.strerror}\n") from None

    def _room(self, model: Model) -> vllm_fit.Room:
        free = memory.free_now(self._box)
        return vllm_fit.room(model, self._serve.share, self._serve.max_len, free)

    async def _brain(self, model: Model) -> Scripted | Llama:
        real = self._box.settings().get("real")
        wanted = real.get(model.repo) if isinstance(real, dict) else None
        if not wanted:
            say(f"Spark Control lab: the scripted engine plays {model.repo}; no model runs.\n")
            return Scripted(self._front, model.repo, self._clock, self._pace)
        say(f"Spark Control lab: llama.cpp runs {model.repo} on the CPU; this is not vLLM.\n")
        llama = Llama(self._front)
        try:
            core = await llama.start({**wanted, "alias": self._serve.names[0]})
        except RuntimeError as error:
            self._blame(f"{error}\n")
            raise Refusal(_CORE_FAILED) from None
        memory.forget(self._box, self._held.pid)
        self._held = self._held._replace(pid=core)
        return llama

    async def _attend(self, brain: Scripted | Llama) -> None:
        """Keep the record of what the engine does, until its core dies."""
        if isinstance(brain, Llama):
            _ = self._tasks.spawn(self._mourn(brain), name="core")
        busy = 0
        while not self._stop.is_set():
            if busy != self._front.busy:
                busy = self._front.busy
                self._report(busy=busy)
            await self._clock.sleep(_LOOK_S)

    async def _mourn(self, brain: Llama) -> None:
        await brain.ended()
        self._blame("EngineCore encountered a fatal error.\n")
        self._stop.set()

    def _blame(self, text: str) -> None:
        core = self._held.pid
        complain(f"(EngineCore pid={core}) ERROR {self._when()} [core.py:866] {text}")

    def _when(self) -> str:
        return self._clock.now().strftime("%m-%d %H:%M:%S")

    def _report(self, **changes: object) -> None:
        self._held = self._held._replace(**changes)  # type: ignore[arg-type]  # fields of our own
        memory.report(self._box, self._held)
        memory.refresh(self._box)

    async def _print(self, lines: Iterable[Line]) -> None:
        for line in lines:
            while self._front.stuck:
                await self._clock.sleep(_LOOK_S)
            if line.after and self._pace:
                await self._clock.sleep(line.after * self._pace)
            say(dressed(line, os.getpid(), self._when()))
            if line.held_gib != self._held.gib and line.held_gib:
                self._report(gib=line.held_gib)

    async def _may_die(self) -> None:
        after = self._box.fault("dies-after-launch")
        if after is not None:
            await self._clock.sleep(float(after or 1))
            raise Gone(137)

    async def _may_fail(self) -> None:
        if self._box.fault("failed-load") is not None:
            self._blame("torch.AcceleratorError: CUDA error: an illegal memory access was met\n")
            raise Refusal(_CORE_FAILED)
        while self._box.fault("never-ready") is not None:
            await self._clock.sleep(_LOOK_S)


def main(_name: str, words: list[str]) -> int:
    """Do what `vllm WORDS` does."""
    box = boxes.here()
    if words[:1] == ["--version"]:
        say(f"{read_table().version}\n")
        return 0
    if words[:1] != ["serve"]:
        complain("usage: vllm [-h] [-v] {chat,complete,serve,bench,collect-env,run-batch} ...\n")
        return 2
    try:
        one = containers.find(box, boxes.inside())
        nodes = boxes.environment().get(launch_older.NODES, "")
        engine = Engine(box, one, parse(words[1:]), nodes)
        engine.start_workers(words[1:])
        return asyncio.run(engine.run())
    except Refusal as refusal:
        complain(str(refusal))
        return refusal.status
    except Gone as gone:
        return gone.status
