"""Commands per second: a held connection against spawning `ssh` for each."""

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager

import asyncssh

from bench import lab, openssh
from bench.lab import Lab
from bench.table import Outcome, Row, single, spread
from bench.wish import Wish, on_a_loop
from spark_control.core.clock import RealClock
from spark_control.core.shell import Command
from spark_control.fleet.adapters.ssh import SshHost

Act = Callable[[], Awaitable[None]]
AT_ONCE = 8
NOTES = (
    "Every command is `true`. Client and server share the cores. Ours runs it under `sh` and "
    "`timeout`, so that it ends over there too when we are gone; the others run it bare.",
    "Spawning `ssh` connects each time; the master is ssh's own way to hold a connection "
    "(`ControlMaster`), with one more process per Spark and no errors but texts.",
)


def measure(wish: Wish) -> Outcome:
    """Compare against OpenSSH's server and against the lab's."""
    rows: list[Row] = []
    places: dict[str, AbstractContextManager[Lab]] = {
        "sshd": openssh.sshd(wish.folder / "sshd"),
        "lab": lab.running(wish.folder / "lab", 1),
    }
    for name, place in places.items():
        with place as there, openssh.held_by_ssh(there) as held:
            rows += on_a_loop(_compared(name, there, held, wish))
    return Outcome(tuple(rows), NOTES)


async def _compared(name: str, place: Lab, held: list[str], wish: Wish) -> list[Row]:
    host = SshHost(place.sparks[0], access=place.access(), clock=RealClock())
    bare = await _connect(place)

    # One at a time: it takes more channels than eight when eight are asked for.
    async def alone() -> None:
        _well((await bare.run("true")).exit_status)

    ways: dict[str, tuple[Act, int]] = {
        "ours": (lambda: _ours(host), wish.times(1000, 200)),
        "asyncssh alone": (alone, wish.times(1000, 200)),
        "ssh over a master": (lambda: _spawned(held), wish.times(400, 80)),
        "spawned ssh": (lambda: _spawned(openssh.words(place)), wish.times(80, 16)),
    }
    rows: list[Row] = []
    rates: dict[tuple[str, int], float] = {}
    for way, (act, count) in ways.items():
        await act()
        for parallel in (1,) if act is alone else (1, AT_ONCE):
            times, took = await _timed(act, count, parallel)
            rates[way, parallel] = count / took
            label = f"{name}, {way}, {parallel} at once"
            rows.append(single(f"{label}: rate", "commands/s", count / took))
            rows.append(spread(f"{label}: each", "ms", times))
    for parallel in (1, AT_ONCE):
        ratio = rates["ours", parallel] / rates["spawned ssh", parallel]
        rows.append(
            single(f"{name}, {parallel} at once: ours against spawned ssh", "times", ratio)
        )
    await host.close()
    bare.close()
    await bare.wait_closed()
    return rows


async def _timed(act: Act, count: int, parallel: int) -> tuple[list[float], float]:
    """Return the milliseconds of each command, and the seconds of all."""
    times: list[float] = []
    left = iter(range(count))

    async def one_after_the_other() -> None:
        for _ in left:
            began = time.perf_counter()
            await act()
            times.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(parallel)))
    return times, time.perf_counter() - began


async def _connect(place: Lab) -> asyncssh.SSHClientConnection:
    spark = place.sparks[0]
    return await asyncssh.connect(
        spark.host, spark.port, username=spark.user, config=None, agent_path=None,
        client_keys=[str(place.key)], known_hosts=None,
    )  # fmt: skip


async def _ours(host: SshHost) -> None:
    result = await host.run(Command.of("true"), timeout_s=30)
    _well(result.exit_status)


async def _spawned(words: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *words, "true", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _well(await process.wait())


def _well(status: int | None) -> None:
    if status != 0:
        raise RuntimeError(f"a command ended with {status}")
