"""What a test of a Spark says for each answer, and what to do."""

import pytest

from spark_control.core.shell import RemotePath
from spark_control.fleet import checks
from spark_control.fleet.checks import Check, Mark
from spark_control.fleet.domain import HostKey, KeyState, Way
from spark_control.fleet.errors import HostUnreachable
from spark_control.fleet.ports import Result
from spark_control.settings.domain import Spark

LAUNCH = RemotePath.parse("~/spark-vllm-docker")


def done(stdout: str = "", *, status: int = 0, stderr: str = "") -> Result:
    return Result(status, stdout, stderr)


def key(state: KeyState) -> HostKey:
    return HostKey("ssh-ed25519", "SHA256:abc", state, "ssh-ed25519 AAAA")


def test_where_a_name_leads() -> None:
    address = checks.name_line(Way("10.88.0.11", 22), {"10.88.0.11"})
    assert (address.mark, address.message) == (Mark.OK, "10.88.0.11 is an address.")
    name = checks.name_line(Way("spark1.example.org", 22), {"10.88.0.12", "10.88.0.11"})
    assert name.message == "spark1.example.org is 10.88.0.11, 10.88.0.12."
    assert checks.name_line(Way("spark1", 22, "door"), ()).mark is Mark.SKIPPED


def test_a_port() -> None:
    assert checks.port_line(Way("10.88.0.11", 2222)).message == "Port 2222 takes connections."
    assert checks.port_line(Way("spark1", 22, "door")).mark is Mark.SKIPPED


@pytest.mark.parametrize(
    ("state", "mark", "hint"),
    [
        (KeyState.KNOWN, Mark.OK, ""),
        (KeyState.NEW, Mark.ATTENTION, "ssh-keygen -lf"),
        (KeyState.CHANGED, Mark.FAILED, "somebody may be between"),
    ],
)
def test_a_host_key(state: KeyState, mark: Mark, hint: str) -> None:
    line = checks.key_line(key(state))
    assert (line.mark, line.key) == (mark, key(state))
    assert "ssh-ed25519 SHA256:abc" in line.message
    assert hint in line.hint


def test_the_file_to_compare_with_is_the_one_of_the_kind() -> None:
    shown = HostKey("ecdsa-sha2-nistp256", "SHA256:abc", KeyState.NEW, "x")
    assert "ssh_host_ecdsa_key.pub" in checks.key_line(shown).hint
    assert "ssh_host_ed25519_key.pub" in checks.key_line(key(KeyState.NEW)).hint


def test_what_comes_after() -> None:
    assert checks.after(Check.GPU) == (Check.DISK,)
    assert checks.after(Check.DISK) == ()


def test_an_error_is_a_line() -> None:
    line = checks.troubled(Check.PORT, HostUnreachable("No.", detail={"reason": "timed out"}))
    assert (line.mark, line.message) == (Mark.FAILED, "No. (timed out)")
    assert line.hint == HostUnreachable.hint
    assert checks.troubled(Check.PORT, HostUnreachable("No.")).message == "No."


def test_who_we_are_there() -> None:
    there, here = Spark("spark1", "10.88.0.11", "ubuntu"), Spark("spark1", "localhost", "")
    assert checks.login_line(there, done("ubuntu\n")).message == "The key lets us in as ubuntu."
    assert checks.login_line(here, done("me")).message == "Runs here as me."
    refused = checks.login_line(there, done("This account is not available.", status=1))
    assert (refused.mark, refused.message) == (
        Mark.FAILED, "Commands do not run there: This account is not available.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("check", "result", "mark", "words"),
    [
        (Check.PYTHON, done("3.12\n"), Mark.OK, "python3 is 3.12."),
        (Check.PYTHON, done("3.7"), Mark.FAILED, "too old"),
        (Check.PYTHON, done("welcome\n3.12"), Mark.FAILED, "does not run"),
        (Check.PYTHON, done(status=127, stderr="not found"), Mark.FAILED, "not found"),
        (Check.DOCKER, done("a\nb\n"), Mark.OK, "docker works."),
        (Check.DOCKER, done(status=1, stderr="a\nPermission denied"), Mark.FAILED, "may not use"),
        (Check.DOCKER, done(status=127), Mark.FAILED, "not installed"),
        (Check.DOCKER, done(status=1), Mark.FAILED, "it ended with 1"),
        (Check.SCRIPTS, done(), Mark.OK, "is in ~/spark-vllm-docker."),
        (Check.SCRIPTS, done(status=1), Mark.FAILED, "no launch-cluster.sh"),
        (Check.GPU, done("NVIDIA GB10, 580.95.05\n"), Mark.OK, "NVIDIA GB10, driver 580.95.05."),
        (Check.GPU, done("A, 1\nB, 1\n"), Mark.OK, "A and 1 more, driver 1."),
        (Check.GPU, done("A"), Mark.OK, "driver not known"),
        (Check.GPU, done(), Mark.FAILED, "does not work"),
        (Check.GPU, done(status=127), Mark.FAILED, "not installed"),
        (Check.DISK, done("Avail 1B-blocks\n900000000000 1000000000000"), Mark.OK, "900 of 1000"),
        (Check.DISK, done("a\n40000000000 1000000000000"), Mark.ATTENTION, "40 of 1000 GB"),
        (Check.DISK, done("a\n10 1000000000000"), Mark.FAILED, "full"),
        (Check.DISK, done("nothing"), Mark.FAILED, "could not be read"),
        (Check.DISK, done("1 2", status=1), Mark.FAILED, "could not be read"),
    ],
)
def test_what_a_spark_needs(check: Check, result: Result, mark: Mark, words: str) -> None:
    (probe,) = [one for one in checks.probes(LAUNCH) if one.check is check]
    line = probe.judge(result)
    assert (line.check, line.mark) == (check, mark)
    assert words in line.message
    assert bool(line.hint) == (mark is not Mark.OK)
