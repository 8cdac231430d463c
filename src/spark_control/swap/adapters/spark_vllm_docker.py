"""Launches engines through `launch-cluster.sh` of spark-vllm-docker, over a `Host`.

Its contract is asked for, not assumed (`--help`), and its word is never taken: it returns 0 before
the engine has done anything, and its `stop` returns 0 whatever happened. `docker` tells the truth.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from spark_control.core.clock import Clock
from spark_control.core.shell import Command, RemotePath
from spark_control.fleet.ports import Host, Result
from spark_control.swap.domain import Fence, Link, Unit, UnitStatus
from spark_control.swap.errors import (
    DockerRefused,
    ImageDiffers,
    ImageMissing,
    LaunchBusy,
    LauncherFailed,
    LauncherMissing,
    LauncherTooOld,
    LaunchFenced,
    PeerRefused,
    StopFailed,
)
from spark_control.swap.fence import BUSY, BUSY_SAYS, FENCED, FENCED_SAYS, HELD, hold_command
from spark_control.swap.links import SCRIPT as LOOK
from spark_control.swap.links import links_of, read_seen
from spark_control.swap.script import (
    LABEL_JOB,
    LABEL_MODEL,
    LABEL_RANKS,
    Contract,
    contract_of,
    copy_command,
    exec_command,
    launch_command,
    launch_script,
    peer_command,
    script_path,
    start_command,
)
from spark_control.swap.together import together

COMMAND_S = 20.0
GRACE_S = 10.0
POLL_S = 0.15
_ABSENT = re.compile(r"no such (?:object|container|image)", re.IGNORECASE)
_REFUSED = re.compile(
    r"permission denied|cannot connect to the docker daemon|docker: (?:command )?not found",
    re.IGNORECASE,
)
_ENGINE = re.compile(r"\bvllm\b|VLLM::|ray::RayWorkerWrapper", re.IGNORECASE)
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)


class SparkVllmDocker:
    """The launcher of this fleet's Sparks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def prepare(self, hosts: Sequence[Host], unit: Unit) -> None:
        contract, _ = await asyncio.gather(
            self._contract(hosts[0], unit), self._images(hosts, unit)
        )
        if unit.ranks:
            await self._peers(hosts, unit)
        script = launch_script(unit, contract)
        await hosts[0].put(script_path(unit), script.encode(), mode=0o755)

    async def _contract(self, host: Host, unit: Unit) -> Contract:
        command = Command.of(
            "./launch-cluster.sh", "--help", cwd=RemotePath.parse(unit.launch_dir)
        )
        said = await host.run(command, timeout_s=COMMAND_S)
        # Usage comes with exit status 1 by design, so the text decides and not the status.
        contract = contract_of(said.stdout + said.stderr)
        if contract is None or said.exit_status in {126, 127}:
            raise LauncherMissing(
                f"{host.name} has no launch-cluster.sh in {unit.launch_dir}.", detail=_words(said)
            )
        if contract is Contract.OLD and not unit.ranks:
            raise LauncherTooOld(f"The launch scripts on {host.name} know no solo launch.")
        if contract is Contract.OLD and unit.mount:
            raise LauncherTooOld(f"The launch scripts on {host.name} can mount no folder.")
        return contract

    async def _images(self, hosts: Sequence[Host], unit: Unit) -> None:
        """See that every Spark has the image, and that it is the same one."""
        first, *others = await together(*(_image(host, unit.image) for host in hosts))
        for host, image in zip(hosts[1:], others, strict=True):
            if image != first:
                raise ImageDiffers(
                    f"{unit.image} on {host.name} is another image than on {hosts[0].name}.",
                    detail={hosts[0].name: first, host.name: image},
                )

    async def _peers(self, hosts: Sequence[Host], unit: Unit) -> None:
        """See that the first Spark reaches the others as its launcher will."""
        for link in (await self.links(hosts, unit))[1:]:
            said = await hosts[0].run(peer_command(link.address), timeout_s=COMMAND_S)
            if said.exit_status != 0:
                raise PeerRefused(
                    f"{hosts[0].name} cannot reach {link.spark} at {link.address} by SSH.",
                    detail=_words(said),
                )

    async def links(self, hosts: Sequence[Host], unit: Unit) -> tuple[Link, ...]:
        command = Command.of("sh", "-c", LOOK, cwd=RemotePath.parse(unit.launch_dir))
        bare = Command.of("sh", "-c", LOOK)  # the scripts need not be on the other Sparks
        said = await together(
            hosts[0].run(command, timeout_s=COMMAND_S),
            *(host.run(bare, timeout_s=COMMAND_S) for host in hosts[1:]),
        )
        return links_of([host.name for host in hosts], [read_seen(one.stdout) for one in said])

    async def start(self, hosts: Sequence[Host], unit: Unit, *, timeout_s: float) -> None:
        if not unit.ranks:
            await self._launch(hosts[0], launch_command(unit), timeout_s)
            return
        links = await self.links(hosts, unit)
        contract = await self._contract(hosts[0], unit)
        async with AsyncExitStack() as stack:
            for host in hosts[1:]:
                await stack.enter_async_context(_held(host, unit.under, timeout_s))
            if contract is Contract.NEW:
                await self._launch(hosts[0], launch_command(unit, links), timeout_s)
            else:
                await self._launch_older(hosts[0], unit, links, timeout_s)

    async def _launch_older(
        self, host: Host, unit: Unit, links: Sequence[Link], timeout_s: float
    ) -> None:
        await self._launch(host, start_command(unit, links), timeout_s)
        there = await self.status(host, unit.container, inside=False)
        if there.job == unit.job:  # in a container of somebody else nothing is started
            await self._launch(host, copy_command(unit), COMMAND_S)
            await self._launch(host, exec_command(unit), COMMAND_S)

    async def _launch(self, host: Host, command: Command, timeout_s: float) -> None:
        said = await host.run(command, timeout_s=timeout_s)
        _refused(host, said.stderr if said.exit_status in {FENCED, BUSY} else "", _words(said))
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
        ask = Command.of("docker", "exec", container, "pkill", "-TERM", "-f", "vllm serve")
        said = await host.run(ask, timeout_s=COMMAND_S)
        if said.exit_status in {126, 127}:
            return  # no pkill in this image; docker is there, it has just told the status
        while self._clock.monotonic() < deadline:
            if not (await self.status(host, container)).engine:
                return
            await self._clock.sleep(POLL_S)

    async def status(self, host: Host, container: str, *, inside: bool = True) -> UnitStatus:
        said = await _docker(host, "inspect", "--type", "container", container)
        if said.exit_status != 0:
            if not _ABSENT.search(said.stderr):  # a hiccup of docker is no proof of an end
                raise DockerRefused(f"Docker on {host.name} tells nothing.", detail=_words(said))
            return UnitStatus(container=False, engine=False)
        running, status = _inspected(said.stdout)
        if not running or not inside:
            return status
        top = await _docker(host, "top", container)
        alive = top.exit_status == 0 and any(
            _ENGINE.search(line) for line in top.stdout.splitlines()[1:]
        )
        return replace(status, engine=alive)

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


@asynccontextmanager
async def _held(host: Host, fence: Fence | None, limit_s: float) -> AsyncIterator[None]:
    """Keep other launches off `host` meanwhile. Raises LaunchFenced and LaunchBusy."""
    if fence is None:
        yield
        return
    async with host.stream(hold_command(fence), timeout_s=limit_s) as lines:
        async for line in lines:
            if HELD in line:
                break
            _refused(host, line, {"said": line})
        else:
            raise LauncherFailed(f"No guard could be set up on {host.name}.")
        yield


def _refused(host: Host, text: str, detail: dict[str, object]) -> None:
    """Raise what the guard of a launch said, if it said anything."""
    if FENCED_SAYS in text:
        raise LaunchFenced(f"{host.name} has seen a newer swap lock.", detail=detail)
    if BUSY_SAYS in text:
        raise LaunchBusy(f"Another launch runs on {host.name}.", detail=detail)


async def _image(host: Host, name: str) -> str:
    """Return the digest of an image. Raises ImageMissing."""
    said = await _docker(host, "image", "inspect", name)
    if said.exit_status != 0:
        raise ImageMissing(f"{host.name} has no image {name}.", detail=_words(said))
    return str(_first(said.stdout).get("Id", ""))


async def _docker(host: Host, *words: str) -> Result:
    said = await host.run(Command.of("docker", *words), timeout_s=COMMAND_S)
    refused = said.exit_status == 127 or _REFUSED.search(said.stderr)
    if said.exit_status != 0 and refused and not _ABSENT.search(said.stderr):
        raise DockerRefused(f"Docker cannot be used on {host.name}.", detail=_words(said))
    return said


def _first(text: str) -> Mapping[str, Any]:
    try:
        row = json.loads(text)[0]
    except (ValueError, LookupError, TypeError):
        return {}
    return row if isinstance(row, dict) else {}


def _inspected(text: str) -> tuple[bool, UnitStatus]:
    """Return whether the container runs, and what its labels say."""
    row = _first(text)
    held = (row.get("Config") or {}).get("Labels") or {}
    ranks = str(held.get(LABEL_RANKS) or "")
    status = UnitStatus(
        container=True, engine=False, job=held.get(LABEL_JOB),
        model=str(held.get(LABEL_MODEL) or ""), ranks=tuple(filter(None, ranks.split(","))),
    )  # fmt: skip
    return bool((row.get("State") or {}).get("Running")), status


def _words(said: Result) -> dict[str, object]:
    """Return the last words of a command, enough to see why it failed."""
    return {"exit_status": said.exit_status, "said": (said.stderr or said.stdout)[-2000:]}
