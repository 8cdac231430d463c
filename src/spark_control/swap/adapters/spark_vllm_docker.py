"""Launches engines through `launch-cluster.sh` of spark-vllm-docker, over a `Host`.

Its contract is asked for, not assumed (`--help`), and its word is never taken: it returns 0 before
the engine has done anything, and its `stop` returns 0 whatever happened. `docker` tells the truth.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from spark_control.core.clock import Clock
from spark_control.core.shell import Command, RemotePath
from spark_control.fleet.ports import Host, Result
from spark_control.swap.domain import Unit, UnitStatus
from spark_control.swap.errors import (
    DockerRefused,
    ImageMissing,
    LaunchBusy,
    LauncherFailed,
    LauncherMissing,
    LauncherTooOld,
    LaunchFenced,
    StopFailed,
)
from spark_control.swap.fence import BUSY, BUSY_SAYS, FENCED, FENCED_SAYS
from spark_control.swap.script import LABEL_JOB, launch_command, launch_script, script_path

COMMAND_S = 20.0
GRACE_S = 10.0
POLL_S = 0.15
_ABSENT = re.compile(r"no such (?:object|container|image)", re.IGNORECASE)
_REFUSED = re.compile(
    r"permission denied|cannot connect to the docker daemon|docker: (?:command )?not found",
    re.IGNORECASE,
)
_ENGINE = re.compile(r"\bvllm\b|VLLM::", re.IGNORECASE)
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)


class SparkVllmDocker:
    """The launcher of this fleet's Sparks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def prepare(self, host: Host, unit: Unit) -> None:
        await asyncio.gather(self._contract(host, unit), self._image(host, unit))
        await host.put(script_path(unit), launch_script(unit).encode(), mode=0o755)

    async def _contract(self, host: Host, unit: Unit) -> None:
        command = Command.of(
            "./launch-cluster.sh", "--help", cwd=RemotePath.parse(unit.launch_dir)
        )
        said = await host.run(command, timeout_s=COMMAND_S)
        text = said.stdout + said.stderr
        # Usage comes with exit status 1 by design, so the text decides and not the status.
        if "launch-cluster.sh" not in text or said.exit_status in {126, 127}:
            raise LauncherMissing(
                f"{host.name} has no launch-cluster.sh in {unit.launch_dir}.", detail=_words(said)
            )
        if "--solo" not in text or "--launch-script" not in text:
            raise LauncherTooOld(f"The launch scripts on {host.name} know no solo launch.")

    async def _image(self, host: Host, unit: Unit) -> None:
        said = await _docker(host, "image", "inspect", unit.image)
        if said.exit_status != 0:
            raise ImageMissing(f"{host.name} has no image {unit.image}.", detail=_words(said))

    async def start(self, host: Host, unit: Unit, *, timeout_s: float) -> None:
        said = await host.run(launch_command(unit), timeout_s=timeout_s)
        if said.exit_status == FENCED and FENCED_SAYS in said.stderr:
            raise LaunchFenced(f"{host.name} has seen a newer swap lock.", detail=_words(said))
        if said.exit_status == BUSY and BUSY_SAYS in said.stderr:
            raise LaunchBusy(f"Another launch runs on {host.name}.", detail=_words(said))
        if said.exit_status != 0:
            raise LauncherFailed(
                f"The launch script on {host.name} ended with {said.exit_status}.",
                detail=_words(said),
            )

    async def stop(self, host: Host, container: str, *, timeout_s: float) -> bool:
        status = await self.status(host, container)
        if not status.container:
            return False
        deadline = self._clock.monotonic() + timeout_s
        if status.engine:
            await self._ask_to_end(host, container)
        said = await _docker(host, "rm", "-f", container)
        while (await self.status(host, container, inside=False)).container:
            if self._clock.monotonic() > deadline:
                raise StopFailed(f"{container} on {host.name} does not stop.", detail=_words(said))
            await self._clock.sleep(POLL_S)
            said = await _docker(host, "rm", "-f", container)
        return True

    async def _ask_to_end(self, host: Host, container: str) -> None:
        """Let the engine end by itself first: a killed one may leave memory pinned."""
        deadline = self._clock.monotonic() + GRACE_S
        await _docker(host, "exec", container, "pkill", "-TERM", "-f", "vllm serve")
        while self._clock.monotonic() < deadline:
            if not (await self.status(host, container)).engine:
                return
            await self._clock.sleep(POLL_S)

    async def status(self, host: Host, container: str, *, inside: bool = True) -> UnitStatus:
        said = await _docker(host, "inspect", "--type", "container", container)
        if said.exit_status != 0:
            return UnitStatus(container=False, engine=False)
        running, job = _inspected(said.stdout)
        if not running or not inside:
            return UnitStatus(container=True, engine=False, job=job)
        top = await _docker(host, "top", container)
        alive = top.exit_status == 0 and any(
            _ENGINE.search(line) for line in top.stdout.splitlines()[1:]
        )
        return UnitStatus(container=True, engine=alive, job=job)

    async def memory_available(self, host: Host) -> int | None:
        said = await host.run(
            Command.of("sh", "-c", 'cat "${SPARK_ROOT:-}/proc/meminfo"'), timeout_s=COMMAND_S
        )
        found = _AVAILABLE.search(said.stdout)
        return int(found[1]) * 1024 if found else None

    def logs(
        self, host: Host, container: str, *, follow: bool, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        flags = ("-f", "--timestamps") if follow else ("--timestamps",)
        command = Command.of("docker", "logs", *flags, container)
        return host.stream(command, timeout_s=timeout_s)


async def _docker(host: Host, *words: str) -> Result:
    said = await host.run(Command.of("docker", *words), timeout_s=COMMAND_S)
    refused = said.exit_status == 127 or _REFUSED.search(said.stderr)
    if said.exit_status != 0 and refused and not _ABSENT.search(said.stderr):
        raise DockerRefused(f"Docker cannot be used on {host.name}.", detail=_words(said))
    return said


def _inspected(text: str) -> tuple[bool, str | None]:
    try:
        row = json.loads(text)[0]
        job = ((row.get("Config") or {}).get("Labels") or {}).get(LABEL_JOB)
        return bool((row.get("State") or {}).get("Running")), job
    except (ValueError, LookupError, AttributeError):
        return False, None


def _words(said: Result) -> dict[str, object]:
    """Return the last words of a command, enough to see why it failed."""
    return {"exit_status": said.exit_status, "said": (said.stderr or said.stdout)[-2000:]}
