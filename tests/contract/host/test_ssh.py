"""What only a connection can do wrong: refuse, break, freeze, and change its key."""

import asyncio
import logging
import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from typing_extensions import override

from spark_control.core.clock import RealClock
from spark_control.core.errors import HostTrouble
from spark_control.core.shell import Command, RemotePath
from spark_control.core.tasks import Tasks
from spark_control.fleet.adapters.known_hosts import KnownHosts
from spark_control.fleet.adapters.ssh import SshHost
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.fleet.adapters.ssh_link import SshAccess, SshLimits
from spark_control.fleet.errors import (
    CommandTimeout,
    ConnectionLost,
    HostKeyChanged,
    HostRefusedKey,
    HostUnreachable,
    KeyFileTrouble,
)
from spark_control.fleet.ports import Host
from spark_control.settings.domain import Spark
from tests.contract.host import sites
from tests.contract.host.proxy import Proxy, free_port
from tests.contract.host.sites import Site
from tests.contract.host.test_host import LIMIT_S, mark, printed, sh
from tests.contract.host.waiting import children, eventually, running

QUICK = SshLimits(
    connect_s=2.0,
    login_s=3.0,
    keepalive_s=0.3,
    keepalive_count=2,
    grace_s=1.0,
    end_s=3.0,
    backoff_s=0.01,
    backoff_cap_s=0.02,
)
HELLO = sh("echo hello")


def key_line(name: str = "127.0.0.1") -> str:
    key = asyncssh.generate_private_key("ssh-ed25519")
    return f"{name} {key.export_public_key().decode().strip()}\n"


async def test_those_who_come_first_share_one_connection(site: Site, proxy: Proxy) -> None:
    host = site.host(port=proxy.port)
    out = await asyncio.gather(*(printed(host, sh("echo $1", str(n))) for n in range(20)))
    assert out == [f"{n}\n" for n in range(20)]
    assert proxy.connections == 1
    await host.close()


async def test_a_cut_in_mid_command_is_never_a_result(site: Site, proxy: Proxy) -> None:
    host = site.host(port=proxy.port, limits=QUICK)
    word = mark()
    tasks = Tasks("test")

    async def work() -> None:
        with pytest.raises(ConnectionLost):
            await host.run(sh(f"echo begun; sleep 300; : {word}"), timeout_s=1.5)

    task = tasks.spawn(work(), name="command")
    await eventually(lambda: bool(running(word)))
    proxy.cut()
    await task
    # Nobody could tell it to end; its own limit does.
    await eventually(lambda: not running(word))
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


async def test_a_cut_stream_is_never_an_end(site: Site, proxy: Proxy) -> None:
    host = site.host(port=proxy.port, limits=QUICK)
    async with host.stream(sh("echo begun; sleep 300"), timeout_s=2) as lines:
        assert await anext(lines) == "begun"
        proxy.cut()
        with pytest.raises(ConnectionLost):
            await anext(lines)
    await host.close()


@pytest.mark.parametrize("sent", [6_000, 100_000, 1_000_000])
async def test_a_put_that_is_cut_leaves_the_old_file(site: Site, proxy: Proxy, sent: int) -> None:
    box = site.home / "box"
    box.mkdir()
    (box / "file").write_bytes(b"old")
    host = site.host(port=proxy.port, limits=QUICK)
    proxy.cut_after_sent = sent
    with pytest.raises(HostTrouble):
        await host.put(RemotePath.parse("~/box/file"), b"new" * 1_000_000)
    await eventually(lambda: [path.name for path in box.iterdir()] == ["file"])
    assert (box / "file").read_bytes() == b"old"
    proxy.cut_after_sent = None
    await host.put(RemotePath.parse("~/box/file"), b"new")
    assert (box / "file").read_bytes() == b"new"
    await host.close()


@pytest.mark.parametrize("sent", [0, 40, 800, 2500, 4000])
async def test_a_cut_handshake_is_an_error_and_the_next_one_works(
    site: Site, proxy: Proxy, sent: int
) -> None:
    proxy.cut_after = sent
    host = site.host(port=proxy.port, limits=QUICK)
    with pytest.raises((HostUnreachable, ConnectionLost)):
        await host.run(sh("head -c 9000 /dev/zero"), timeout_s=LIMIT_S)
    proxy.cut_after = None
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


@pytest.mark.parametrize("sent", [0, 10, 700, 1500, 2600])
async def test_a_handshake_cut_on_the_way_there_is_an_error_and_the_next_one_works(
    site: Site, proxy: Proxy, sent: int
) -> None:
    proxy.cut_after_sent = sent
    host = site.host(port=proxy.port, limits=QUICK)
    with pytest.raises((HostUnreachable, ConnectionLost)):
        await host.run(Command.of("true", "x" * 4000), timeout_s=LIMIT_S)
    proxy.cut_after_sent = None
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


async def test_a_spark_that_answers_nothing_is_unreachable(site: Site, proxy: Proxy) -> None:
    proxy.swallow = True
    limits = replace(QUICK, login_s=0.5)
    host = site.host(port=proxy.port, limits=limits)
    with pytest.raises(HostUnreachable):
        await host.run(HELLO, timeout_s=LIMIT_S)
    await host.close()


async def test_a_port_nobody_listens_on_is_unreachable(site: Site) -> None:
    host = site.host(port=free_port(), limits=QUICK)
    with pytest.raises(HostUnreachable) as caught:
        await host.run(HELLO, timeout_s=LIMIT_S)
    assert caught.value.code == "host_unreachable"
    await host.close()


async def test_a_slow_login_is_not_unreachable(site: Site, proxy: Proxy) -> None:
    """The limit for the network ends when the network is through."""
    host = site.host(port=proxy.port, limits=replace(QUICK, connect_s=0.02, login_s=10.0))
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


async def test_a_network_that_goes_silent_is_noticed(site: Site, proxy: Proxy) -> None:
    host = site.host(port=proxy.port, limits=QUICK)
    async with host.stream(sh("echo begun; sleep 300"), timeout_s=3) as lines:
        assert await anext(lines) == "begun"
        begun = RealClock().monotonic()
        proxy.swallow = True
        with pytest.raises(ConnectionLost):
            await anext(lines)
        assert RealClock().monotonic() - begun < 5
    proxy.swallow = False
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


async def test_a_frozen_server_is_noticed(openssh: Site) -> None:
    host = openssh.host(limits=QUICK)
    assert await printed(host, HELLO) == "hello\n"
    frozen = children(openssh.pid)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(ConnectionLost):
            await host.run(HELLO, timeout_s=LIMIT_S)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


def faults_of_the_lab(folder: Path) -> Path:
    (found,) = folder.glob("lab/*/faults")
    return found


async def test_a_frozen_spark_of_the_lab_is_noticed(tmp_path: Path) -> None:
    async with sites.lab(tmp_path) as site:
        host = site.host(limits=QUICK)
        assert await printed(host, HELLO) == "hello\n"
        fault = faults_of_the_lab(tmp_path) / "frozen"
        fault.touch()
        with pytest.raises(ConnectionLost):
            await host.run(sh("sleep 30"), timeout_s=LIMIT_S)
        fault.unlink()
        with suppress(HostUnreachable):  # the lab looks at its faults five times a second
            await host.run(HELLO, timeout_s=LIMIT_S)
        assert await printed(host, HELLO) == "hello\n"
        await host.close()


async def test_a_server_that_ends_in_mid_command_is_a_loss(openssh: Site) -> None:
    host = openssh.host(limits=QUICK)
    async with host.stream(sh("echo begun; sleep 300"), timeout_s=2) as lines:
        assert await anext(lines) == "begun"
        above = [pid for pid in children(openssh.pid) if "sshd" in _name(pid)]
        for pid in above:
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(ConnectionLost):
            await anext(lines)
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


async def test_more_sessions_than_the_server_allows_wait_or_are_said(site: Site) -> None:
    host = site.host(limits=replace(QUICK, channels=14))
    brief = [host.run(sh("sleep 0.3"), timeout_s=LIMIT_S) for _ in range(14)]
    assert {result.exit_status for result in await asyncio.gather(*brief)} == {0}
    long = [host.run(sh("sleep 4"), timeout_s=LIMIT_S) for _ in range(14)]
    results = await asyncio.gather(*long, return_exceptions=True)
    refused = [result for result in results if isinstance(result, HostTrouble)]
    assert len(refused) == 4
    assert "MaxSessions" in refused[0].advice
    await host.close()


async def test_open_streams_leave_room_for_commands(site: Site) -> None:
    host = site.host()
    tasks = Tasks("test")

    async def follow() -> None:
        async with host.stream(sh("echo begun; sleep 300"), timeout_s=300) as lines:
            async for _ in lines:
                pass

    streams = [tasks.spawn(follow(), name="stream") for _ in range(12)]
    out = await asyncio.gather(*(printed(host, HELLO) for _ in range(12)))
    assert out == ["hello\n"] * 12
    assert not any(stream.done() for stream in streams)
    await tasks.close()
    await host.close()


async def test_a_key_that_is_not_authorised_is_refused(site: Site, tmp_path: Path) -> None:
    ensure_key(tmp_path / "other")
    host = replace(site, key_path=tmp_path / "other").host()
    with pytest.raises(HostRefusedKey):
        await host.run(HELLO, timeout_s=LIMIT_S)
    # Its host key has been seen all the same, and that is what counts.
    assert len(site.known_hosts.read_text().splitlines()) == 1
    await host.close()


async def test_the_first_key_is_pinned_and_said_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "spark_control"):
        for _ in range(2):
            host = site.host()
            assert await printed(host, HELLO) == "hello\n"
            await host.close()
    (line,) = site.known_hosts.read_text().splitlines()
    assert line.startswith(f"[{site.spark.host}]:{site.spark.port} ")
    assert [record.levelname for record in caplog.records if "pinned" in record.message] == [
        "WARNING"
    ]


async def test_another_key_than_the_pinned_one_is_refused(site: Site) -> None:
    pinned = key_line(f"[{site.spark.host}]:{site.spark.port}")
    site.known_hosts.write_text(pinned)
    host = site.host()
    with pytest.raises(HostKeyChanged) as caught:
        await host.run(HELLO, timeout_s=LIMIT_S)
    assert str(caught.value.detail["shown"]).startswith("SHA256:")
    assert site.known_hosts.read_text() == pinned
    # Once the person has removed the line, the next try is a first one.
    site.known_hosts.write_text("")
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


async def test_the_key_of_another_port_says_nothing_about_this_one(site: Site) -> None:
    site.known_hosts.write_text(key_line(site.spark.host))
    host = site.host()
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


async def test_a_pinned_key_is_found_among_others_and_hashed(site: Site) -> None:
    host = site.host()
    assert await printed(host, HELLO) == "hello\n"
    await host.close()
    lines = "# a remark\n" + key_line("example.org") + site.known_hosts.read_text().strip()
    site.known_hosts.write_text(lines)
    host = site.host()
    assert await printed(host, HELLO) == "hello\n"
    assert site.known_hosts.read_text() == lines
    await host.close()


async def test_known_hosts_that_cannot_be_read_or_kept_stop_it(site: Site) -> None:
    site.known_hosts.mkdir()
    host = site.host()
    with pytest.raises(KeyFileTrouble):
        await host.run(HELLO, timeout_s=LIMIT_S)
    site.known_hosts.rmdir()
    site.known_hosts.symlink_to("/proc/no/such/folder")
    with pytest.raises(KeyFileTrouble):
        await host.run(HELLO, timeout_s=LIMIT_S)
    await host.close()


@pytest.mark.parametrize("content", [None, b"", b"no key"])
async def test_a_key_that_cannot_be_used_is_named(
    site: Site, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "bad key"
    if content is not None:
        path.write_bytes(content)
    host = replace(site, key_path=path).host()
    with pytest.raises(KeyFileTrouble, match="bad key"):
        await host.run(HELLO, timeout_s=LIMIT_S)
    await host.close()


async def test_the_users_own_configuration_leads_there(site: Site, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host played\n HostName {site.spark.host}\n Port {site.spark.port}\n"
        f" User {site.spark.user}\n IdentityFile {site.key_path}\n"
    )
    ensure_key(tmp_path / "other")  # nobody over there knows ours
    known = KnownHosts(site.known_hosts)
    access = SshAccess(known_hosts=known, key_path=tmp_path / "other", config=(config,))
    host = SshHost(Spark("spark1", "played", ""), access=access, clock=RealClock())
    assert await printed(host, HELLO) == "hello\n"
    assert site.known_hosts.read_text().startswith("played ")
    await host.close()


async def test_a_configuration_that_cannot_be_read_is_named(site: Site, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n Port many\n")
    access = replace(site.access(), config=(config,))
    host = SshHost(site.spark, access=access, clock=RealClock())
    with pytest.raises(KeyFileTrouble, match="configuration"):
        await host.run(HELLO, timeout_s=LIMIT_S)
    await host.close()


async def test_close_ends_what_runs(site: Site) -> None:
    host = site.host()
    word = mark()
    tasks = Tasks("test")

    async def work() -> None:
        with pytest.raises(ConnectionLost):
            await host.run(sh(f"sleep 300; : {word}"), timeout_s=300)

    task = tasks.spawn(work(), name="command")
    await eventually(lambda: bool(running(word)))
    await host.close()
    await task
    assert not running(word)


async def test_close_ends_the_wait_for_a_connection(site: Site, proxy: Proxy) -> None:
    proxy.swallow = True
    host: Host = site.host(port=proxy.port)
    tasks = Tasks("test")

    async def work() -> None:
        with pytest.raises(ConnectionLost):
            await host.run(HELLO, timeout_s=LIMIT_S)

    task = tasks.spawn(work(), name="command")
    await eventually(lambda: proxy.connections == 1)
    await host.close()
    await task


async def test_a_caller_that_leaves_does_not_take_the_connection_along(
    site: Site, proxy: Proxy
) -> None:
    host = site.host(port=proxy.port)
    tasks = Tasks("test")

    async def work() -> None:
        await host.run(HELLO, timeout_s=LIMIT_S)

    first = tasks.spawn(work(), name="first")
    await eventually(lambda: proxy.connections == 1)
    second = tasks.spawn(work(), name="second")
    first.cancel()
    await second
    assert first.cancelled()
    assert proxy.connections == 1
    await host.close()


class WaitlessClock(RealClock):
    """Sleeps not at all and remembers for how long it should have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    @override
    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_after_each_failure_it_waits_longer_and_a_success_ends_that(
    site: Site, proxy: Proxy
) -> None:
    clock = WaitlessClock()
    limits = replace(QUICK, backoff_s=1.0, backoff_cap_s=5.0)
    spark = Spark("spark1", "127.0.0.1", site.spark.user, proxy.port)
    host = SshHost(spark, access=site.access(), clock=clock, limits=limits, chance=lambda: 1.0)
    proxy.cut_after = 0
    for _ in range(5):
        with pytest.raises(HostUnreachable):
            await host.run(HELLO, timeout_s=LIMIT_S)
    proxy.cut_after = None
    assert await printed(host, HELLO) == "hello\n"
    assert clock.slept == [0, 1, 2, 4, 5, 5]
    proxy.cut()
    with pytest.raises(ConnectionLost):
        await host.run(HELLO, timeout_s=LIMIT_S)
    assert await printed(host, HELLO) == "hello\n"
    await host.close()


async def test_commands_say_nothing_of_how_they_are_sent(site: Site) -> None:
    host = site.host()
    result = await host.run(Command.of("sh", "-c", "echo mine >&2"), timeout_s=LIMIT_S)
    assert result.stderr == "mine\n"
    await host.close()


async def test_a_child_that_holds_the_output_open_does_not_hide_the_status(
    openssh: Site,
) -> None:
    word = mark()
    host = openssh.host(limits=QUICK)
    script = f"(sleep 3; : {word}) & echo done; exit 3"
    result = await host.run(sh(script), timeout_s=0.3)
    assert (result.exit_status, result.stdout) == (3, "done\n")
    await host.close()
    await eventually(lambda: not running(word))


async def test_a_command_that_falls_silent_ends_at_its_limit(site: Site, proxy: Proxy) -> None:
    limits = replace(QUICK, keepalive_s=60.0, grace_s=0.2, end_s=0.2)
    host = site.host(port=proxy.port, limits=limits)
    word = mark()
    tasks = Tasks("test")

    async def work() -> None:
        with pytest.raises(CommandTimeout):
            await host.run(sh(f"sleep 300; : {word}"), timeout_s=0.5)

    task = tasks.spawn(work(), name="command")
    await eventually(lambda: bool(running(word)))
    proxy.swallow = True
    await task
    await host.close()


async def test_a_stream_that_falls_silent_ends_at_its_limit(site: Site, proxy: Proxy) -> None:
    limits = replace(QUICK, keepalive_s=60.0, grace_s=0.2, end_s=0.2)
    host = site.host(port=proxy.port, limits=limits)
    async with host.stream(sh("echo begun; sleep 300"), timeout_s=0.5) as lines:
        assert await anext(lines) == "begun"
        proxy.swallow = True
        with pytest.raises(CommandTimeout):
            await anext(lines)
    await host.close()
