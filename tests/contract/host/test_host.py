"""The contract of `Host`, the same for this machine, OpenSSH and the lab."""

import asyncio
import hashlib
import stat

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from spark_control.core.clock import RealClock
from spark_control.core.ids import RandomIds
from spark_control.core.shell import Command, RemotePath
from spark_control.core.tasks import Tasks
from spark_control.fleet.errors import CommandFailed, CommandTimeout
from spark_control.fleet.ports import Host
from tests.contract.host.conftest import Place
from tests.contract.host.waiting import eventually, running

LIMIT_S = 20.0


def sh(script: str, *words: str) -> Command:
    return Command.of("sh", "-c", script, "sh", *words)


def mark() -> str:
    """Return a word by which the processes of one test can be told from all others."""
    return RandomIds().new("mark")


async def printed(host: Host, command: Command, stdin: bytes | None = None) -> str:
    result = await host.run(command, timeout_s=LIMIT_S, stdin=stdin)
    assert result.exit_status == 0, result
    return result.stdout


@pytest.mark.parametrize("status", [0, 1, 3, 124, 137, 255])
async def test_the_exit_status_is_kept(host: Host, status: int) -> None:
    result = await host.run(sh(f"exit {status}"), timeout_s=LIMIT_S)
    assert result.exit_status == status


@pytest.mark.parametrize(("name", "number"), [("KILL", 9), ("TERM", 15), ("SEGV", 11)])
async def test_an_end_by_a_signal_is_told_as_a_shell_tells_it(
    host: Host, name: str, number: int
) -> None:
    result = await host.run(sh(f"ulimit -c 0; kill -{name} $$"), timeout_s=LIMIT_S)
    assert result.exit_status == 128 + number


async def test_a_command_that_is_not_there_is_127(host: Host) -> None:
    result = await host.run(Command.of("no-such-command"), timeout_s=LIMIT_S)
    assert result.exit_status == 127
    assert "no-such-command" in result.stderr


async def test_output_and_errors_come_apart(host: Host) -> None:
    result = await host.run(sh("echo out; echo err >&2; echo out"), timeout_s=LIMIT_S)
    assert (result.stdout, result.stderr) == ("out\nout\n", "err\n")


async def test_bytes_that_are_no_text_are_replaced(host: Host) -> None:
    assert await printed(host, sh(r"printf 'a\377b\303\244'")) == "a\N{REPLACEMENT CHARACTER}bä"


async def test_much_output_comes_whole(host: Host) -> None:
    out = await printed(host, sh("head -c 5000000 /dev/zero | tr '\\0' x"))
    assert len(out) == 5_000_000


async def test_input_reaches_the_command(host: Host) -> None:
    body = bytes(range(256)) * 4096
    out = await printed(host, Command.of("sha256sum"), stdin=body)
    assert out.split()[0] == hashlib.sha256(body).hexdigest()


async def test_without_input_a_reader_sees_the_end(host: Host) -> None:
    assert await printed(host, Command.of("cat")) == ""


async def test_input_that_nobody_reads_is_no_failure(host: Host) -> None:
    assert await printed(host, Command.of("true"), stdin=b"x" * 1_000_000) == ""


async def test_variables_and_folder_reach_the_command(place: Place) -> None:
    folder = place.home / "it's a folder"
    folder.mkdir()
    command = Command.of(
        "sh",
        "-c",
        'pwd; printf %s "$WORD"',
        cwd=RemotePath.parse("~/it's a folder"),
        env={"WORD": "$(echo no) 'ä'\n\""},
    )
    out = await printed(place.host, command)
    assert out == f"{folder}\n$(echo no) 'ä'\n\""


async def test_a_folder_that_is_not_there_is_a_failure(host: Host) -> None:
    command = Command.of("touch", "here", cwd=RemotePath.parse("~/nowhere"))
    result = await host.run(command, timeout_s=LIMIT_S)
    assert result.exit_status != 0
    assert "nowhere" in result.stderr


WORDS = st.lists(
    st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"])
        | st.sampled_from("'\"$`\\ \n;&|<>*?~!#()[]{}\r\t-"),
        max_size=20,
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=WORDS)
async def test_any_words_arrive_as_they_are(host: Host, words: list[str]) -> None:
    out = await printed(host, sh(r"""printf '%s\0' "$@" """, *words))
    assert out == "".join(f"{word}\0" for word in words)


@pytest.mark.parametrize("start", ["~", "$HOME", "${HOME}"])
async def test_home_is_the_home_over_there(place: Place, start: str) -> None:
    folder = place.home / "a b $HOME 'c'"
    folder.mkdir()
    (folder / "file").write_text("here")
    path = RemotePath.parse(f"{start}/a b $HOME 'c'/file")
    assert await printed(place.host, Command.of("cat", path)) == "here"


async def test_a_timeout_ends_the_whole_tree(host: Host) -> None:
    word = mark()
    command = sh(f"sleep 300 & : {word}; sh -c 'sleep 300; : {word}'")
    with pytest.raises(CommandTimeout) as caught:
        await host.run(command, timeout_s=0.5)
    assert "0.5 s" in caught.value.message
    await eventually(lambda: not running(word))


async def test_a_timeout_ends_what_does_not_want_to(host: Host) -> None:
    word = mark()
    command = sh(f"trap '' TERM; : {word}; while :; do sleep 0.1; done")
    with pytest.raises(CommandTimeout):
        await host.run(command, timeout_s=0.5)
    await eventually(lambda: not running(word))


async def test_a_cancelled_command_ends_over_there(host: Host) -> None:
    word = mark()
    tasks = Tasks("test")

    async def work() -> None:
        await host.run(sh(f"sleep 300; : {word}"), timeout_s=300)

    task = tasks.spawn(work(), name="command")
    await eventually(lambda: bool(running(word)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: not running(word))


async def test_a_cancel_at_any_moment_leaves_nothing_behind(host: Host) -> None:
    word = mark()
    tasks = Tasks("test")

    async def work() -> None:
        await host.run(sh(f"sleep 300; : {word}"), timeout_s=300)

    for moment in range(24):
        task = tasks.spawn(work(), name="command")
        await RealClock().sleep(moment / 2000)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await eventually(lambda: not running(word))
    # Had each left a session behind, there would be none left.
    assert await asyncio.gather(*(printed(host, sh("echo fine")) for _ in range(8)))


async def test_thirty_commands_at_once_all_succeed(host: Host) -> None:
    commands = (printed(host, sh("sleep 0.05; echo $1", str(n))) for n in range(30))
    assert await asyncio.gather(*commands) == [f"{n}\n" for n in range(30)]


async def test_a_stream_gives_line_by_line(host: Host) -> None:
    script = r"printf 'one\ntwo\r'; printf 'three\r\n' >&2; printf '\nfi\377ve\nlast'; exit 3"
    async with host.stream(sh(script), timeout_s=LIMIT_S) as lines:
        assert [line async for line in lines] == [
            "one", "two", "three", "", "fi\N{REPLACEMENT CHARACTER}ve", "last",
        ]  # fmt: skip


async def test_a_stream_gives_lines_while_the_command_runs(host: Host) -> None:
    word = mark()
    command = sh(f"echo first; sleep 300; : {word}")
    async with host.stream(command, timeout_s=300) as lines:
        assert await anext(lines) == "first"
        assert running(word)
    assert not running(word)


async def test_a_stream_left_early_ends_a_command_that_prints_on(host: Host) -> None:
    word = mark()
    async with host.stream(Command.of("yes", word), timeout_s=300) as lines:
        assert await anext(lines) == word
    assert not running(word)


async def test_a_stream_ends_at_its_limit(host: Host) -> None:
    word = mark()
    async with host.stream(sh(f"echo first; sleep 300; : {word}"), timeout_s=0.5) as lines:
        assert await anext(lines) == "first"
        with pytest.raises(CommandTimeout):
            await anext(lines)
    await eventually(lambda: not running(word))


async def test_a_line_without_end_comes_in_pieces(host: Host) -> None:
    async with host.stream(
        sh("head -c 200000 /dev/zero | tr '\\0' x"), timeout_s=LIMIT_S
    ) as lines:
        pieces = [line async for line in lines]
    assert "".join(pieces) == "x" * 200_000
    assert max(map(len, pieces)) == 65536


async def test_an_error_of_the_reader_stays_the_readers(host: Host) -> None:
    async def read() -> None:
        async with host.stream(sh("echo one; echo two"), timeout_s=LIMIT_S) as lines:
            await anext(lines)
            raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        await read()


@pytest.mark.parametrize("body", [b"", b"text\n", bytes(range(256)) * 8192])
async def test_a_file_is_put_whole(place: Place, body: bytes) -> None:
    path = RemotePath.parse("~/new folder/it's/file $HOME")
    await place.host.put(path, body, mode=0o640)
    file = place.home / "new folder" / "it's" / "file $HOME"
    assert file.read_bytes() == body
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [name.name for name in file.parent.iterdir()] == [file.name]


async def test_a_put_replaces_and_is_private_by_default(place: Place) -> None:
    path = RemotePath.parse("~/file")
    await place.host.put(path, b"old", mode=0o644)
    await place.host.put(path, b"new")
    assert (place.home / "file").read_bytes() == b"new"
    assert stat.S_IMODE((place.home / "file").stat().st_mode) == 0o600


async def test_a_put_that_fails_says_so_and_leaves_nothing(place: Place) -> None:
    (place.home / "box" / "folder").mkdir(parents=True)
    with pytest.raises(CommandFailed) as caught:
        await place.host.put(RemotePath.parse("~/box/folder"), b"body")
    assert caught.value.detail["exit_status"] == 1
    assert [name.name for name in (place.home / "box").iterdir()] == ["folder"]


async def test_after_close_it_can_be_used_again(host: Host) -> None:
    assert await printed(host, sh("echo one")) == "one\n"
    await host.close()
    assert await printed(host, sh("echo two")) == "two\n"
