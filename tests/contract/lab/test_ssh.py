"""The SSH server of the lab behaves as OpenSSH does, with a real shell behind it."""

import asyncio
import shlex
from pathlib import Path

import asyncssh
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spark_control.lab import folder
from spark_control.lab.sshd import MAX_SESSIONS
from spark_control.lab.standins import procs
from spark_control.lab.world import Lab
from tests.contract.lab.near import KEY, PUBLIC, Near, survivors, until


async def test_a_command_has_its_home_its_root_and_both_outputs(near: Near) -> None:
    done = await near.run('cd; echo "$PWD|$SPARK_ROOT|$USER"; echo wrong >&2; exit 3')
    assert (done.status, done.err) == (3, "wrong\n")
    assert done.out == f"{near.spark.home}|{near.spark.root}|anybody\n"
    assert " " in done.out
    assert "'" in done.out


async def test_standard_input_reaches_scripts_and_files_and_ends(near: Near) -> None:
    done = await near.run("python3 - 'an argument'", "import sys; print(sys.argv[1:], 6 * 7)")
    assert done.out == "['an argument'] 42\n"
    text = "line\n" * 200_000
    assert (await near.run("cat > ~/large", text)).status == 0
    assert (near.spark.home / "large").read_text() == text
    assert len((await near.run("cat ~/large")).out) == len(text)


async def test_quoted_words_arrive_as_they_are(near: Near) -> None:
    async with await near.connect() as connection:

        @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
        @given(
            st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), max_size=4)
        )
        def check(words: list[str]) -> None:
            examples.append(words)

        examples: list[list[str]] = [["a b", "$(id)", "'\"`;\\\n", "é✓"]]
        check()
        for words in examples:
            line = shlex.join(["python3", "-c", "import sys; print(sys.argv[1:])", *words])
            done = await connection.run(line, encoding="utf-8")
            assert done.stdout == f"{words!r}\n"


async def test_a_signal_ends_the_whole_group(near: Near) -> None:
    async with await near.connect() as connection:
        process = await connection.create_process("sleep 1000 & echo $!; wait")
        child = int(await process.stdout.readline())
        process.terminate()
        done = await process.wait()
        assert done.exit_signal is not None
        assert done.exit_signal[0] == "TERM"
    await until(lambda: not procs.command_line(child))


async def test_a_closed_channel_ends_the_whole_group(near: Near) -> None:
    async with await near.connect() as connection:
        process = await connection.create_process("sleep 1000 & echo $!; wait")
        child = int(await process.stdout.readline())
        process.close()
        await process.wait_closed()
        await until(lambda: not procs.command_line(child))


async def test_a_command_outlives_a_connection_that_breaks(near: Near) -> None:
    connection = await near.connect()
    process = await connection.create_process("echo $$; exec sleep 1000")
    child = int(await process.stdout.readline())
    connection.abort()
    await connection.wait_closed()
    assert (await near.run("true")).status == 0
    assert procs.command_line(child) == "sleep 1000"


async def test_death_by_signal_is_told(near: Near) -> None:
    async with await near.connect() as connection:
        done = await connection.run("kill -KILL $$")
        assert done.exit_status is None or done.exit_status < 0
        assert done.exit_signal is not None
        assert done.exit_signal[0] == "KILL"


async def test_more_sessions_than_openssh_allows_are_refused(near: Near) -> None:
    async with await near.connect() as connection:
        open_ones = [await connection.create_process("cat") for _ in range(MAX_SESSIONS)]
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("true")
        open_ones[0].close()
        await open_ones[0].wait_closed()
        assert (await connection.run("true")).exit_status == 0


async def test_another_key_is_refused(near: Near) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(
            near.spark.host,
            near.spark.port,
            config=None,
            username="anybody",
            client_keys=[stranger],
            agent_path=None,
            known_hosts=None,
        )


async def test_the_host_key_is_its_own_and_stays(near: Near) -> None:
    other = asyncssh.import_known_hosts(
        f"[{near.spark.host}]:{near.spark.port} {KEY.export_public_key().decode()}\n"
    )
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await asyncssh.connect(
            near.spark.host, near.spark.port, config=None, client_keys=[KEY], known_hosts=other
        )
    kept = near.lab.state_dir / "spark1" / "host_key"
    again = asyncssh.read_private_key(kept).export_public_key().decode().strip()
    assert again == near.spark.host_key
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_nothing_of_this_machine_leaks_into_a_session(near: Near) -> None:
    names = (await near.run("env")).out.splitlines()
    kept = {line.partition("=")[0] for line in names}
    assert kept <= {
        *("HOME", "USER", "LOGNAME", "SHELL", "LANG", "PATH", "PWD", "OLDPWD", "SHLVL", "_"),
        *("SPARK_ROOT", "SPARK_LAB"),
    }


async def test_commands_that_would_reach_this_machine_are_refused(near: Near) -> None:
    for command in ("sudo reboot", "systemctl poweroff", "killall python3", "apt-get update"):
        done = await near.run(command)
        assert (done.status, "the lab does not play" in done.err) == (1, True)
    # The pattern does not match the shell that holds it.
    found = await near.run("pgrep -f 'p[y]test' || pkill -f 'p[y]test'")
    assert (found.status, found.out) == (1, "")


async def test_survivors_sees_a_process_that_left_its_group(near: Near) -> None:
    await near.run("setsid sleep 1000 > /dev/null 2>&1 < /dev/null &")
    await until(lambda: "sleep 1000" in survivors(near.lab.state_dir))  # setsid becomes it


async def test_it_ends_while_sessions_start(tmp_path: Path) -> None:
    """A start that is cut off waits for all that its shell has started, which must go first."""
    state = tmp_path / "lab"
    async with Lab(state, authorized_keys=[PUBLIC], sparks=1, models=[]) as lab:
        near = Near(lab)
        async with await near.connect() as connection:
            for _ in range(MAX_SESSIONS):
                await connection.create_process("sleep 1000; echo")
            # The commands are there before the server has heard of it.
            await until(lambda: any(procs.marked(folder.mark(state))))
            await asyncio.wait_for(lab.close(), 20)
    assert survivors(state) == []
