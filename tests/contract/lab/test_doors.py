"""The faults of the SSH server: another host key, and connections that break before the login."""

import asyncssh
import pytest

from spark_control.lab.faults import Fault
from tests.contract.lab.near import Near


async def shown(near: Near) -> str:
    (spark,) = [one for one in near.lab.sparks if one.name == "spark1"]
    key = await asyncssh.get_server_host_key(spark.host, spark.port, config=None)
    assert key is not None
    return key.get_fingerprint()


async def test_another_host_key_until_the_fault_is_off(near: Near) -> None:
    own = await shown(near)
    async with await near.connect() as connection:
        process = await connection.create_process("sleep 1000")
        await near.lab.set_fault("spark1", Fault.KEY_CHANGED)
        assert (await process.wait()).exit_status is None
    other = await shown(near)
    assert other != own
    assert await shown(near) == other
    await near.lab.clear_fault("spark1", Fault.KEY_CHANGED)
    assert await shown(near) == own


async def test_a_spark_that_is_off_comes_back_with_another_key(near: Near) -> None:
    own = await shown(near)
    await near.lab.set_fault("spark1", Fault.OFFLINE)
    await near.lab.set_fault("spark1", Fault.KEY_CHANGED)
    with pytest.raises(ConnectionRefusedError):
        await near.connect()
    await near.lab.clear_fault("spark1", Fault.OFFLINE)
    assert await shown(near) != own


@pytest.mark.parametrize("param", ["", "0", "1", "30", "900"])
async def test_a_handshake_that_is_cut(near: Near, param: str) -> None:
    await near.lab.set_fault("spark1", Fault.HANDSHAKE_CUT, param)
    with pytest.raises((asyncssh.Error, OSError)):
        await near.connect()
    await near.lab.clear_fault("spark1", Fault.HANDSHAKE_CUT)
    assert (await near.run("echo back")).out == "back\n"


async def test_a_number_of_bytes_that_is_none_clears_the_fault(near: Near) -> None:
    await near.lab.set_fault("spark1", Fault.HANDSHAKE_CUT, "many")
    assert (await near.run("echo back")).out == "back\n"
