"""What a test of the lab needs: a key, a connection, a wait with an end, and what is left over."""

import asyncio
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from spark_control.core.clock import RealClock
from spark_control.lab import folder
from spark_control.lab.standins import procs
from spark_control.lab.world import Lab

KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = KEY.export_public_key().decode()
SERVE = (
    "vllm serve {model} --served-model-name {key} {model} --port 8888 --host 0.0.0.0 -tp 1 {more}"
)
LAUNCH = "~/spark-vllm-docker/launch-cluster.sh --solo -t vllm-node --name vllm_node -d"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; a status of None means that nobody knows."""

    status: int | None
    out: str
    err: str


class Near:
    """A client of one Spark of the lab."""

    def __init__(self, lab: Lab, number: int = 1) -> None:
        self.lab = lab
        self.spark = lab.sparks[number - 1]

    async def connect(self, **options: object) -> asyncssh.SSHClientConnection:
        """Return a connection that accepts the host key of this Spark only."""
        known = asyncssh.import_known_hosts(
            f"[{self.spark.host}]:{self.spark.port} {self.spark.host_key}\n"
        )
        return await asyncssh.connect(
            self.spark.host,
            self.spark.port,
            config=None,
            username="anybody",
            client_keys=[KEY],
            known_hosts=known,
            agent_path=None,
            **options,
        )

    async def run(self, command: str, stdin: str = "") -> Ended:
        """Run one command on a connection of its own."""
        connection = await self.connect()
        try:
            done = await connection.run(command, input=stdin, encoding="utf-8")
        finally:
            connection.close()
            await connection.wait_closed()
        return Ended(done.exit_status, str(done.stdout), str(done.stderr))

    async def launch(self, model: str, key: str, more: str = "", env: str = "") -> Ended:
        """Start an engine the way Spark Control does: a script of its own, in the background."""
        script = f"#!/bin/bash\nset -e\n{SERVE.format(model=model, key=key, more=more)}\n"
        put = await self.run("cat > ~/job.sh", script)
        assert put.status == 0, put
        return await self.run(f"{env} {LAUNCH} --launch-script ~/job.sh")

    async def ask(self, path: str, body: Mapping[str, object] | None = None) -> tuple[int, bytes]:
        """Ask the engine; a status of 0 means that nothing answers."""
        return await asyncio.to_thread(self._ask, path, body)

    async def health(self, status: int, within_s: float = 60.0) -> None:
        """Wait until the engine's health has that status; 0 is no answer."""
        clock = RealClock()
        end = clock.monotonic() + within_s
        while (found := (await self.ask("/health"))[0]) != status:
            assert clock.monotonic() < end, f"{found}, not {status} within {within_s} s"
            await clock.sleep(0.02)

    def _ask(self, path: str, body: Mapping[str, object] | None) -> tuple[int, bytes]:
        engine = http.client.HTTPConnection(self.spark.host, 8888, timeout=30)
        try:
            data = None if body is None else json.dumps(body)
            engine.request("GET" if data is None else "POST", path, data)
            answer = engine.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            engine.close()

    async def logs(self) -> str:
        """Return the log of the container."""
        return (await self.run("docker logs vllm_node")).out


async def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    """Return once `condition` holds; fail when it does not in time."""
    clock = RealClock()
    end = clock.monotonic() + within_s
    while not condition():
        assert clock.monotonic() < end, f"not within {within_s} s"
        await clock.sleep(0.02)


def survivors(state: Path) -> list[str]:
    """Return the command lines of the processes a lab left behind."""
    return [procs.command_line(pid) for pid in procs.marked(folder.mark(state.resolve()))]
