"""Several gateway workers on one port: alike in what they know, and none of them is missed."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
import pytest

from spark_control.core.clock import RealClock
from spark_control.core.sockets import bound
from spark_control.core.tasks import Tasks
from spark_control.gateway.adapters.link_server import LinkServer
from spark_control.gateway.adapters.worker_processes import Spec, WorkerProcesses, tell, there
from spark_control.gateway.record import Trace
from spark_control.gateway.wire import Hello, Stats
from spark_control.settings.load import process_environment
from tests.contract.http.plane import (
    BODY,
    Upstream,
    parsed,
    request,
    state,
    target,
    upstream,
)
from tests.contract.http.plane import says as answers_with
from tests.contract.http.test_ipv6 import has_ipv6
from tests.fleet import held_stream
from tests.fleet.process import SERVE, answers, serving
from tests.until import until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
MOST_LOST = 3
"""Of those that connect in the moment in which a worker closes its port; the kernel keeps some."""


@dataclass(slots=True)
class Told:
    """What the workers have said."""

    counts: dict[object, Mapping[str, int]] = field(default_factory=dict)
    rows: list[Trace] = field(default_factory=list)

    def busy(self, worker: object, counts: Mapping[str, int]) -> None:
        self.counts[worker] = counts

    def records(self, rows: Sequence[Trace]) -> None:
        self.rows += rows

    def stats(self, stats: Stats) -> None: ...

    def wedged(self, service: str, status: int) -> None: ...

    def left(self, pid: int) -> None: ...

    def running(self) -> int:
        return sum(sum(counts.values()) for counts in self.counts.values())


@dataclass(slots=True)
class Crew:
    """Workers, and the control process that the test is for them."""

    run: Path
    port: int
    link: LinkServer
    told: Told

    def alive(self) -> list[Hello]:
        return there(self.run)

    async def ask(self, data: bytes) -> bytes:
        """Send `data` on a connection of its own; return all that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        try:
            return await asyncio.wait_for(reader.read(-1), 20)
        finally:
            writer.close()

    async def statuses(self, count: int) -> Counter[int]:
        found = await asyncio.gather(*(self.ask(request(BODY)) for _ in range(count)))
        return Counter(parsed(one)[0] for one in found)


@asynccontextmanager
async def crew(run: Path, count: int, *engines: Upstream) -> AsyncIterator[Crew]:
    """Run `count` worker processes that know of these engines."""
    tasks, told = Tasks("crew"), Told()
    link = LinkServer(path=run / "link.sock", ears=told, tasks=tasks)
    await link.start()
    link.publish(state([target(one) for one in engines]))
    with bound("127.0.0.1", 0, shared=True) as held:
        port = held.getsockname()[1]
        spec = Spec(
            run=run, log=run / "log", host="127.0.0.1", port=port, count=count, release="t",
            environment={name: text for name, text in process_environment().items()
                         if name in {"PATH", "PYTHONPATH", "HOME"}},
        )  # fmt: skip
        link.config = spec.config
        workers = WorkerProcesses(spec=spec, link=link, clock=RealClock(), tasks=tasks, drain_s=20)
        workers.start()
        try:
            await workers.ready()
            yield Crew(run, port, link, told)
        finally:
            await workers.stop()
            await link.close()
            await tasks.close()


async def test_all_decide_by_a_new_state_before_it_is_settled(tmp_path: Path) -> None:
    """One that does not get to it is waited for, so that no request goes where none may."""
    async with (
        upstream(answers_with(OK)) as old,
        upstream(answers_with(OK)) as new,
        crew(tmp_path, 2, old) as ours,
    ):
        assert await ours.statuses(20) == {200: 20}
        slow = ours.alive()[0]
        tell(slow, signal.SIGSTOP)
        try:
            ours.link.publish(msgspec.structs.replace(state([target(new)]), version=2))
            settled = asyncio.gather(ours.link.settled())
            done, _ = await asyncio.wait({settled}, timeout=0.3)
            assert not done
        finally:
            tell(slow, signal.SIGCONT)
        await asyncio.wait_for(settled, 10)
        before = len(old.asked)
        assert await ours.statuses(40) == {200: 40}
        assert (len(old.asked) - before, len(new.asked)) == (0, 40)


async def test_both_serve_and_their_counts_are_added(tmp_path: Path) -> None:
    go = asyncio.Event()

    async def waits(_: object, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        writer.write(OK)

    async with upstream(waits) as engine, crew(tmp_path, 2, engine) as ours:
        asked = asyncio.gather(*(ours.ask(request(BODY)) for _ in range(32)))
        await until(lambda: ours.told.running() == 32)
        assert len(ours.told.counts) == 2
        assert all(counts for counts in ours.told.counts.values())
        go.set()
        assert {parsed(one)[0] for one in await asked} == {200}
        await until(lambda: ours.told.running() == 0 and len(ours.told.rows) == 32)


async def test_whoever_connects_while_a_worker_leaves_is_served(tmp_path: Path) -> None:
    """Each in turn is told to leave and replaced; the other one, and the next, take its place."""
    found, over = Counter[str](), asyncio.Event()

    async def visits(one: Crew) -> None:
        while not over.is_set():
            try:
                found[str(parsed(await one.ask(request(BODY)))[0])] += 1
            except (OSError, ValueError) as error:
                found[type(error).__name__] += 1

    async with upstream(answers_with(OK)) as engine, crew(tmp_path, 2, engine) as ours:
        crowd = asyncio.gather(*(visits(ours) for _ in range(8)))
        for leaving in ours.alive():
            tell(leaving, signal.SIGTERM)
            await until(lambda gone=leaving: _replaced(ours, gone), within_s=20)  # type: ignore[misc]
        over.set()
        await crowd
    served = found.pop("200")
    print(f"{served} were served, not so {dict(found)}")  # noqa: T201 - what the bound is for
    assert served > 50
    assert found.total() <= MOST_LOST, found


def _replaced(one: Crew, gone: Hello) -> bool:
    """Tell whether two that decide by our state are there, and `gone` is not."""
    up = {line.hello.pid for line in one.link._lines if line.hello and line.acked}
    return len(up) == 2 and gone.pid not in up | _pids(one.run)


async def test_each_is_started_again(tmp_path: Path) -> None:
    async with upstream(answers_with(OK)) as engine, crew(tmp_path, 2, engine) as ours:
        gone = _pids(ours.run)
        for hello in ours.alive():
            tell(hello, signal.SIGKILL)
        await until(lambda: len(_pids(ours.run) - gone) == 2, within_s=20)
        await asyncio.wait_for(ours.link.met(2), 20)
        assert await ours.statuses(20) == {200: 20}


async def test_a_serve_with_other_options_takes_over(tmp_path: Path) -> None:
    """Its workers are there before those of the one before go; a stream that runs is complete."""
    go = asyncio.Event()
    async with held_stream.held_stream(go, tmp_path) as variables:
        run = tmp_path / "run"
        async with serving(*SERVE, cwd=None, **variables) as (first, url):
            await held_stream.serves_m(url)
            (before,) = there(run)
            async with (
                httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http,
                http.stream("POST", held_stream.CHAT, json=held_stream.ASKED) as stream,
            ):
                lines = stream.aiter_lines()
                assert await anext(lines) == "data: 1"
                first.kill()
                await first.wait()
                port = url.rpartition(":")[2]
                words = (*SERVE[:-1], port, "--workers", "2")
                async with serving(*words, cwd=None, **variables) as (second, again):
                    assert again == url
                    await held_stream.serves_m(url)
                    await until(lambda: len(_pids(run) - {before.pid}) == 2, within_s=20)
                    assert before.pid in _pids(run)  # its stream still runs
                    assert before not in there(run)  # and nobody takes it over
                    go.set()
                    assert [line async for line in lines if line] == ["data: [DONE]"]
                    await until(lambda: before.pid not in _pids(run))
                    await answers(url)
                    second.send_signal(signal.SIGTERM)
                    assert await asyncio.wait_for(second.wait(), 30) == 0
        assert there(run) == []


def _pids(run: Path) -> set[int]:
    return {hello.pid for hello in there(run)}


async def test_ipv4_and_ipv6_on_one_port(tmp_path: Path) -> None:
    """`--host ::` takes both, with several workers too."""
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    words = (*SERVE, "--host", "::", "--workers", "2")
    async with serving(*words, DATA_DIR=str(tmp_path)) as (process, url):
        port = url.rpartition(":")[2]
        assert url == f"http://[::]:{port}"
        for host in ("127.0.0.1", "[::1]", "localhost"):
            await answers(f"http://{host}:{port}")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
