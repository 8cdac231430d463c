"""A sample of the contract of `Host` on a real Spark: OpenSSH, another user, a real cable."""

import pytest

from spark_control.core.clock import RealClock
from spark_control.fleet.errors import ConnectionLost, HostUnreachable
from spark_control.fleet.ports import Host
from tests.contract.host.conftest import Place
from tests.contract.host.sites import Site
from tests.contract.host.test_host import (
    printed,
    sh,
    test_a_cancelled_command_ends_over_there,
    test_a_put_replaces_and_is_private_by_default,
    test_a_timeout_ends_the_whole_tree,
    test_an_end_by_a_signal_is_told_as_a_shell_tells_it,
    test_home_is_the_home_over_there,
    test_input_reaches_the_command,
    test_thirty_commands_at_once_all_succeed,
)
from tests.contract.host.test_ssh import (
    HELLO,
    QUICK,
    test_a_frozen_server_is_noticed,
    test_a_server_that_ends_in_mid_command_is_a_loss,
)
from tests.level2.machine import Machine

pytestmark = pytest.mark.root
__all__ = [
    "test_a_cancelled_command_ends_over_there",
    "test_a_frozen_server_is_noticed",
    "test_a_put_replaces_and_is_private_by_default",
    "test_a_server_that_ends_in_mid_command_is_a_loss",
    "test_a_timeout_ends_the_whole_tree",
    "test_an_end_by_a_signal_is_told_as_a_shell_tells_it",
    "test_home_is_the_home_over_there",
    "test_input_reaches_the_command",
    "test_thirty_commands_at_once_all_succeed",
]


@pytest.fixture
def host(place: Place) -> Host:
    return place.host


async def test_it_is_a_machine_of_its_own(host: Host) -> None:
    said = await printed(host, sh("hostname; id -un; echo $HOME; cat /proc/meminfo; ps ax"))
    assert said.splitlines()[:3] == ["spark1", "user", "/home/user"]
    assert "MemTotal:       127601664 kB" in said
    assert "python" not in said.partition("podman system service")[2]


async def test_a_pulled_cable_is_a_loss_then_unreachable_then_fine(
    site: Site, spark: Machine
) -> None:
    host = site.host(limits=QUICK)
    async with host.stream(sh("echo begun; sleep 300"), timeout_s=4) as lines:
        assert await anext(lines) == "begun"
        begun = RealClock().monotonic()
        spark.off()
        with pytest.raises(ConnectionLost):
            await anext(lines)
        assert RealClock().monotonic() - begun < 5
    with pytest.raises(HostUnreachable):
        await host.run(HELLO, timeout_s=3)
    spark.on()
    assert await printed(host, HELLO) == "hello\n"
    await host.close()
