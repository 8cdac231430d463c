"""A Spark is looked at before it is trusted: the `HostKeys` port over real servers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh
import pytest

from spark_control.core.clock import RealClock
from spark_control.fleet.adapters.known_hosts import Confirmed, KnownHosts
from spark_control.fleet.adapters.ssh import SshHost
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.fleet.adapters.ssh_keys import SshKeys
from spark_control.fleet.adapters.ssh_link import SshAccess
from spark_control.fleet.checks import Check, Line, Mark
from spark_control.fleet.domain import KeyState
from spark_control.fleet.errors import (
    HostKeyChanged,
    HostKeyNew,
    HostUnreachable,
    JumpHostRefused,
    KeyFileTrouble,
)
from spark_control.fleet.inspection import Inspection
from spark_control.settings.domain import Spark
from tests.contract.host import sites
from tests.contract.host.proxy import Proxy, free_port
from tests.contract.host.sites import Site
from tests.contract.host.test_host import LIMIT_S, printed
from tests.contract.host.test_ssh import HELLO, QUICK, key_line


def keys_of(site: Site) -> SshKeys:
    return SshKeys(KnownHosts(site.known_hosts), site.access(), RealClock(), QUICK)


def shown_by(site: Site) -> str:
    """Return what the server itself would say its fingerprint is."""
    file = site.key_path.parent / "host_key"
    if not file.exists():
        (file,) = site.key_path.parent.glob("lab/*/host_key")
    return asyncssh.read_private_key(file).get_fingerprint()


async def lines_of(keys: SshKeys, spark: Spark, folder: str = "~/x") -> dict[Check, Line]:
    inspection = Inspection(keys=keys, launch_dir=lambda: folder)
    return {line.check: line async for line in inspection.lines(spark)}


async def test_a_new_key_is_shown_trusted_and_forgotten(site: Site) -> None:
    keys = keys_of(site)
    key = await keys.offered(site.spark)
    assert (key.kind, key.state) == ("ssh-ed25519", KeyState.NEW)
    assert key.fingerprint == shown_by(site)
    assert not site.known_hosts.exists()
    await keys.trust(site.spark, key)
    assert (await keys.offered(site.spark)).state is KeyState.KNOWN
    assert await keys.pinned(site.spark) == (replace(key, state=KeyState.KNOWN),)
    host = site.host()
    assert await printed(host, HELLO) == "hello\n"
    await host.close()
    await keys.forget(site.spark)
    assert await keys.pinned(site.spark) == ()
    assert site.known_hosts.read_text() == ""


async def test_a_changed_key_is_refused_until_it_is_trusted(site: Site) -> None:
    name = f"[{site.spark.host}]:{site.spark.port}"
    other = key_line("example.org")
    site.known_hosts.write_text(other + key_line(name))
    host = site.host(limits=QUICK)
    with pytest.raises(HostKeyChanged):
        await host.run(HELLO, timeout_s=LIMIT_S)
    keys = keys_of(site)
    key = await keys.offered(site.spark)
    assert key.state is KeyState.CHANGED
    await keys.trust(site.spark, key)
    assert await printed(host, HELLO) == "hello\n"
    assert site.known_hosts.read_text().splitlines()[0] == other.strip()
    assert len(site.known_hosts.read_text().splitlines()) == 2
    await host.close()


async def test_a_key_that_needs_a_yes_is_refused_before_it(site: Site) -> None:
    known = KnownHosts(site.known_hosts)
    access = replace(site.access(), known_hosts=Confirmed(known))
    host = SshHost(site.spark, access=access, clock=RealClock(), limits=QUICK)
    keys = keys_of(site)
    key = await keys.offered(site.spark)
    with pytest.raises(HostKeyNew) as caught:
        await host.run(HELLO, timeout_s=LIMIT_S)
    assert caught.value.detail == {"shown": key.fingerprint}
    assert not site.known_hosts.exists()
    await keys.trust(site.spark, key)
    assert await printed(host, HELLO) == "hello\n"
    await host.close()
    site.known_hosts.write_text(key_line(f"[{site.spark.host}]:{site.spark.port}"))
    with pytest.raises(HostKeyChanged):
        await host.run(HELLO, timeout_s=LIMIT_S)
    await host.close()


async def test_what_is_asked_for_is_the_kind_that_is_pinned(openssh: Site) -> None:
    """A server with several keys is asked for the one we know, so nothing seems to change."""
    keys = keys_of(openssh)
    await keys.trust(openssh.spark, await keys.offered(openssh.spark))
    assert (await keys.offered(openssh.spark)).state is KeyState.KNOWN


async def test_every_check_of_a_spark_and_no_trace_of_it(site: Site) -> None:
    (site.home / "x").mkdir()
    script = site.home / "x" / "launch-cluster.sh"
    script.touch(mode=0o755)
    lines = await lines_of(keys_of(site), site.spark)
    assert list(lines) == list(Check)
    assert lines[Check.NAME].mark is lines[Check.PORT].mark is Mark.OK
    assert lines[Check.HOST_KEY].mark is Mark.ATTENTION
    for check in (Check.LOGIN, Check.PYTHON, Check.SCRIPTS):
        assert lines[check].mark is Mark.OK, lines[check]
    assert lines[Check.DISK].mark in {Mark.OK, Mark.ATTENTION}
    assert not site.known_hosts.exists()


async def test_our_key_is_not_let_in(site: Site, tmp_path: Path) -> None:
    ensure_key(tmp_path / "other")
    lines = await lines_of(keys_of(replace(site, key_path=tmp_path / "other")), site.spark)
    assert lines[Check.LOGIN].mark is Mark.FAILED
    assert "authorized_keys" in lines[Check.LOGIN].hint
    assert lines[Check.DOCKER].mark is Mark.SKIPPED


async def test_a_changed_key_ends_the_test_before_the_login(site: Site) -> None:
    site.known_hosts.write_text(key_line(f"[{site.spark.host}]:{site.spark.port}"))
    lines = await lines_of(keys_of(site), site.spark)
    assert lines[Check.HOST_KEY].mark is Mark.FAILED
    assert lines[Check.LOGIN].mark is Mark.SKIPPED


async def test_a_name_that_nobody_knows(site: Site) -> None:
    # No resolver is asked for a name with a label that is too long.
    spark = replace(site.spark, host=f"{'a' * 64}.example.org")
    lines = await lines_of(keys_of(site), spark)
    assert lines[Check.NAME].mark is Mark.FAILED
    assert lines[Check.PORT].mark is Mark.SKIPPED
    assert len(lines) == len(Check)


async def test_a_port_that_is_closed(site: Site) -> None:
    lines = await lines_of(keys_of(site), replace(site.spark, port=free_port()))
    assert lines[Check.PORT].mark is Mark.FAILED
    assert "openssh-server" in lines[Check.PORT].hint


async def test_something_that_is_no_ssh_server(site: Site) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        lines = await lines_of(keys_of(site), replace(site.spark, host="127.0.0.1", port=port))
    assert lines[Check.HOST_KEY].mark is Mark.FAILED


async def test_a_spark_that_falls_silent_is_said_in_time(site: Site, proxy: Proxy) -> None:
    proxy.swallow = True
    keys = SshKeys(KnownHosts(site.known_hosts), site.access(), RealClock(),
                   replace(QUICK, login_s=0.5))  # fmt: skip
    spark = replace(site.spark, host="127.0.0.1", port=proxy.port)
    with pytest.raises(HostUnreachable):
        await keys.offered(spark)


async def test_this_machine_needs_no_connection(site: Site) -> None:
    lines = await lines_of(keys_of(site), Spark("spark1", "localhost", ""))
    assert lines[Check.HOST_KEY].mark is Mark.SKIPPED
    assert lines[Check.LOGIN].message.startswith("Runs here as")
    assert lines[Check.PYTHON].mark is Mark.OK


async def test_known_hosts_that_cannot_be_written_are_said(site: Site) -> None:
    keys = SshKeys(KnownHosts(Path("/proc/no/known_hosts")), site.access(), RealClock(), QUICK)
    key = await keys_of(site).offered(site.spark)
    with pytest.raises(KeyFileTrouble):
        await keys.trust(site.spark, key)


async def test_a_configuration_that_cannot_be_read_is_a_failed_check(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("Host *\n Port many\n")
    access = replace(site.access(), config=(tmp_path / "config",))
    keys = SshKeys(KnownHosts(site.known_hosts), access, RealClock(), QUICK)
    lines = await lines_of(keys, site.spark)
    assert lines[Check.NAME].mark is Mark.FAILED


@dataclass(frozen=True, slots=True)
class Behind:
    """A site that is reached over a jump host, by the configuration of a person."""

    spark: Spark
    access: SshAccess
    known: KnownHosts
    jump_known: Path


@pytest.fixture
async def behind(site: Site, tmp_path: Path) -> AsyncIterator[Behind]:
    (tmp_path / "jump").mkdir()
    async with sites.openssh(tmp_path / "jump") as jump:
        key = await keys_of(jump).offered(jump.spark)
        jump_known = tmp_path / "jump_known"
        jump_known.write_text(f"[127.0.0.1]:{jump.spark.port} {key.line}\n")
        (tmp_path / "config").write_text(
            f"Host played\n HostName {site.spark.host}\n Port {site.spark.port}\n"
            f" User {site.spark.user}\n ProxyJump door\n"
            f"Host door\n HostName 127.0.0.1\n Port {jump.spark.port}\n"
            f" User {jump.spark.user}\n IdentityFile {jump.key_path}\n"
            f" UserKnownHostsFile {jump_known}\n"
        )
        access = replace(site.access(), config=(tmp_path / "config",))
        known = KnownHosts(site.known_hosts)
        yield Behind(Spark("spark1", "played", ""), access, known, jump_known)


async def test_a_jump_host_leads_there(site: Site, behind: Behind) -> None:
    host = SshHost(behind.spark, access=behind.access, clock=RealClock(), limits=QUICK)
    assert await printed(host, HELLO) == "hello\n"
    await host.close()
    assert site.known_hosts.read_text().startswith("played ")
    keys = SshKeys(behind.known, behind.access, RealClock(), QUICK)
    assert (await keys.offered(behind.spark)).state is KeyState.KNOWN
    lines = await lines_of(keys, behind.spark)
    assert lines[Check.NAME].mark is lines[Check.PORT].mark is Mark.SKIPPED
    assert "door" in lines[Check.PORT].message
    assert lines[Check.LOGIN].mark is Mark.OK


async def test_a_jump_host_that_is_not_known_is_named(site: Site, behind: Behind) -> None:
    behind.jump_known.write_text("")
    host = SshHost(behind.spark, access=behind.access, clock=RealClock(), limits=QUICK)
    with pytest.raises(JumpHostRefused):
        await host.run(HELLO, timeout_s=LIMIT_S)
    await host.close()
    keys = SshKeys(behind.known, behind.access, RealClock(), QUICK)
    with pytest.raises(JumpHostRefused):
        await keys.offered(behind.spark)
    assert not site.known_hosts.exists()


async def test_a_changed_key_behind_a_jump_host_is_refused(site: Site, behind: Behind) -> None:
    site.known_hosts.write_text(key_line("played"))
    host = SshHost(behind.spark, access=behind.access, clock=RealClock(), limits=QUICK)
    with pytest.raises(HostKeyChanged):
        await host.run(HELLO, timeout_s=LIMIT_S)
    await host.close()
