"""What an exit status means, and the commands that both kinds of host send."""

import pytest

from spark_control.core.shell import Command, RemotePath
from spark_control.fleet import commands
from spark_control.fleet.errors import CommandFailed, CommandTimeout
from spark_control.fleet.ports import Result

SLEEP = Command.of("sleep", "9")


@pytest.mark.parametrize(("returncode", "status"), [(0, 0), (255, 255), (-9, 137), (-15, 143)])
def test_a_signal_is_told_as_a_shell_tells_it(returncode: int, status: int) -> None:
    assert commands.exit_status(returncode) == status


@pytest.mark.parametrize("status", [124, 137])
def test_ended_by_timeout_after_the_limit_is_a_timeout(status: int) -> None:
    result = Result(status, "out", "")
    with pytest.raises(CommandTimeout) as caught:
        commands.in_time(SLEEP, result, took_s=5.0, limit_s=5.0)
    assert caught.value.message == "`sleep` did not end within 5 s."
    assert caught.value.detail == {"printed": "out"}


@pytest.mark.parametrize(("status", "took_s"), [(124, 4.9), (137, 1), (0, 9), (143, 9)])
def test_any_other_end_is_a_result(status: int, took_s: float) -> None:
    result = Result(status, "", "")
    assert commands.in_time(SLEEP, result, took_s=took_s, limit_s=5.0) is result


def test_a_timeout_of_nothing_has_a_message_too() -> None:
    assert "did not end" in commands.too_slow(Command.of(), 1.5).message


def test_the_command_that_puts_a_file() -> None:
    path = RemotePath.parse("~/a b/c")
    words = commands.put_command(path, 12, mode=0o644, tag="x1").words
    assert words[3:] == ("put", path.parent, path.parent / ".x1.part", path, "644", "12")
    assert commands.put_limit_s(5_000_000) == 35


def test_a_put_that_failed_is_an_error() -> None:
    path = RemotePath.parse("/etc/x")
    commands.put_done(path, Result(0, "", "warning"))
    with pytest.raises(CommandFailed) as caught:
        commands.put_done(path, Result(1, "", "no space left"))
    assert caught.value.detail == {"exit_status": 1, "stderr": "no space left"}


def test_an_announced_command_tells_its_process_id_first() -> None:
    line = commands.announced("exec printf '%s' a", merged=False)
    assert line.startswith("exec sh -c 'echo spark-control-pid $$ >&2; exec printf ")
    assert "exec 2>&1; exec" in commands.announced("exec true", merged=True)


def test_the_process_id_is_found_once_and_taken_out() -> None:
    stderr = "Welcome!spark-control-pid 123\nspark-control-pid 4\nreal error\n"
    assert commands.announced_pid(stderr) == 123
    assert commands.unannounced(stderr) == "Welcome!spark-control-pid 4\nreal error\n"
    assert commands.announced_pid("nothing") is None
    assert "-123" in commands.ending(123)
