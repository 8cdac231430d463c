"""The guard before a launch, in the real shell: one at a time, and none under an older fence."""

import subprocess
from pathlib import Path

import pytest

from spark_control.core.shell import Command, render
from spark_control.swap.domain import Fence
from spark_control.swap.fence import (
    BUSY,
    BUSY_SAYS,
    FENCED,
    FENCED_SAYS,
    HELD,
    guarded,
    hold_command,
)

LAUNCH = Command.of("sh", "-c", 'echo "launched $LABEL in $PWD" "$@"', "x", "a b", "'q' $HOME",
                    env={"LABEL": "l"})  # fmt: skip


def run(home: Path, command: Command) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", render(command, limit_s=20)],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"}, cwd=home, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def launch(home: Path, number: int, realm: str = "r1") -> subprocess.CompletedProcess[str]:
    return run(home, guarded(LAUNCH, Fence(realm, number)))


def seen(home: Path, realm: str = "r1") -> str:
    return (home / ".spark-control" / f"swap.fence-{realm}").read_text()


def test_without_a_fence_nothing_is_guarded() -> None:
    assert guarded(LAUNCH, None) is LAUNCH


def test_what_is_launched_gets_its_words_folder_and_variables(tmp_path: Path) -> None:
    done = launch(tmp_path, 3)
    assert done.stdout == f"launched l in {tmp_path} a b 'q' $HOME\n"
    assert (done.returncode, done.stderr) == (0, "")
    assert seen(tmp_path) == "3\n"


def test_an_older_fence_is_refused_and_the_same_one_is_not(tmp_path: Path) -> None:
    for number, status in ((0, 0), (9, 0), (9, 0), (8, FENCED), (10, 0), (9, FENCED)):
        done = launch(tmp_path, number)
        assert done.returncode == status, (number, done)
        assert bool(done.stdout) is (status == 0)
        assert (FENCED_SAYS in done.stderr) is (status == FENCED)
    assert seen(tmp_path) == "10\n"


def test_another_database_has_a_fence_of_its_own(tmp_path: Path) -> None:
    assert launch(tmp_path, 9).returncode == 0
    assert launch(tmp_path, 1, "r2").returncode == 0
    assert (seen(tmp_path), seen(tmp_path, "r2")) == ("9\n", "1\n")


def test_a_number_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    launch(tmp_path, 5)
    (tmp_path / ".spark-control" / "swap.fence-r1").write_text("x; echo hacked\n")
    done = launch(tmp_path, 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert seen(tmp_path) == "1\n"


def test_the_outcome_of_the_launch_is_passed_on(tmp_path: Path) -> None:
    failing = Command.of("sh", "-c", "echo no >&2; exit 7")
    done = run(tmp_path, guarded(failing, Fence("r1", 1)))
    assert (done.returncode, done.stdout, done.stderr) == (7, "no\n", "")


def test_a_launch_goes_on_when_nobody_reads_any_more(tmp_path: Path) -> None:
    done = tmp_path / "done"
    launcher = Command.of("sh", "-c", 'read -r _; echo on; sh -c "echo on"; touch "$0"', str(done))
    line = render(guarded(launcher, Fence("r1", 1)), limit_s=20)
    with subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", line], env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as lost:  # fmt: skip
        assert lost.stdin is not None
        assert lost.stdout is not None
        assert lost.stderr is not None
        lost.stdout.close()
        lost.stderr.close()
        lost.stdin.write(b"\n")
        lost.stdin.close()
    assert done.exists()
    assert (tmp_path / ".spark-control" / "launch.log").read_text() == "on\non\n"


@pytest.mark.slow
def test_a_launch_waits_for_another_one_and_gives_up(tmp_path: Path) -> None:
    """Takes the five seconds that the guard waits; only then can it be seen to give up."""
    launch(tmp_path, 1)
    lock = tmp_path / ".spark-control" / "swap.lock"
    with subprocess.Popen(  # noqa: S603
        ["/usr/bin/flock", str(lock), "sh", "-c", "echo held; cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"held\n"
        done = launch(tmp_path, 2)
        other.stdin.close()
    assert (done.returncode, done.stdout) == (BUSY, "")
    assert BUSY_SAYS in done.stderr
    assert seen(tmp_path) == "1\n"


def test_what_is_launched_does_not_keep_the_lock(tmp_path: Path) -> None:
    engine = Command.of("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!")
    done = run(tmp_path, guarded(engine, Fence("r1", 1)))
    try:
        assert launch(tmp_path, 1).returncode == 0
    finally:
        subprocess.run(["/bin/kill", done.stdout.strip()], check=True)  # noqa: S603


def test_a_spark_is_held_until_nobody_listens(tmp_path: Path) -> None:
    line = render(hold_command(Fence("r1", 4)), limit_s=20)
    with subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", line], env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE, text=True,
    ) as holding:  # fmt: skip
        assert holding.stdout is not None
        assert holding.stdout.readline() == f"{HELD}\n"
        assert seen(tmp_path) == "4\n"
        holding.stdout.close()
        holding.wait(10)
    assert run(tmp_path, hold_command(Fence("r1", 3))).returncode == FENCED
    assert launch(tmp_path, 4).returncode == 0
