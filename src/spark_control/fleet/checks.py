"""Judges what a Spark answered when it was tested: one line for each check, with a remedy."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from spark_control.core.errors import AppError
from spark_control.core.shell import Command, RemotePath
from spark_control.fleet.domain import HostKey, KeyState, Way
from spark_control.fleet.ports import Result
from spark_control.settings.domain import Spark

LITTLE_BYTES = 50 * 10**9
_OLDEST_PYTHON = (3, 8)


class Check(StrEnum):
    """What is looked at, in this order."""

    NAME = "name"
    PORT = "port"
    HOST_KEY = "host_key"
    LOGIN = "login"
    PYTHON = "python3"
    DOCKER = "docker"
    SCRIPTS = "launch_scripts"
    GPU = "nvidia_smi"
    DISK = "disk"


class Mark(StrEnum):
    """How a check went; `attention` asks for a person, and stops nothing."""

    OK = "ok"
    ATTENTION = "attention"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Line:
    """One check: how it went, in a sentence, and what to do."""

    check: Check
    mark: Mark
    message: str
    hint: str = ""
    key: HostKey | None = None


BEFORE_LOGIN = (Check.NAME, Check.PORT, Check.HOST_KEY)


def skipped(check: Check, why: str) -> Line:
    """Return the line of a check that was not made."""
    return Line(check, Mark.SKIPPED, why)


def after(check: Check) -> tuple[Check, ...]:
    """Return the checks that come after `check`."""
    order = tuple(Check)
    return order[order.index(check) + 1 :]


def troubled(check: Check, error: AppError) -> Line:
    """Return the line of a check that ended with an error."""
    reason = str(error.detail.get("reason", ""))
    message = f"{error.message} ({reason})" if reason else error.message
    return Line(check, Mark.FAILED, message, error.advice)


def name_line(way: Way, addresses: Collection[str]) -> Line:
    """Judge what the name of the Spark leads to."""
    if way.over:
        return skipped(Check.NAME, f"{way.host} is looked up by the jump host, {way.over}.")
    if way.host in addresses:
        return Line(Check.NAME, Mark.OK, f"{way.host} is an address.")
    return Line(Check.NAME, Mark.OK, f"{way.host} is {', '.join(sorted(addresses))}.")


def port_line(way: Way) -> Line:
    """Return the line of a port that takes connections."""
    if way.over:
        return skipped(Check.PORT, f"Port {way.port} is reached over {way.over}.")
    return Line(Check.PORT, Mark.OK, f"Port {way.port} takes connections.")


def key_line(key: HostKey) -> Line:
    """Judge the key that the Spark shows."""
    shown = f"{key.kind} {key.fingerprint}"
    if key.state is KeyState.KNOWN:
        return Line(Check.HOST_KEY, Mark.OK, f"It shows the pinned key: {shown}", "", key)
    if key.state is KeyState.NEW:
        kind = next((word for word in ("ecdsa", "rsa") if word in key.kind), "ed25519")
        hint = (
            f"Compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub` prints there."
        )
        return Line(Check.HOST_KEY, Mark.ATTENTION, f"It shows a new key: {shown}", hint, key)
    hint = "If the Spark was set up anew, compare the fingerprint there and trust it; if not, "
    hint += "somebody may be between you and it."
    return Line(Check.HOST_KEY, Mark.FAILED, f"Its key has changed: {shown}", hint, key)


def login_line(spark: Spark, who: Result) -> Line:
    """Judge who we are there."""
    name = who.stdout.strip()
    if who.exit_status == 0 and name:
        how = "Runs here as" if spark.here else "The key lets us in as"
        return Line(Check.LOGIN, Mark.OK, f"{how} {name[:64]}.")
    return Line(Check.LOGIN, Mark.FAILED, f"Commands do not run there: {_said(who)}",
                "Check the shell of that user and what its login prints.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Probe:
    """A command on the Spark and how its result is judged."""

    check: Check
    command: Command
    judge: Callable[[Result], Line]


WHO = Command.of("id", "-un")


def probes(launch_dir: RemotePath) -> tuple[Probe, ...]:
    """Return what to run once we are in."""
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    script = launch_dir / "launch-cluster.sh"
    gpu = ("--query-gpu=name,driver_version", "--format=csv,noheader")
    return (
        Probe(Check.PYTHON, Command.of("python3", "-I", "-S", "-c", version), python_line),
        Probe(Check.DOCKER, Command.of("docker", "ps", "--format", "{{.ID}}"), docker_line),
        Probe(Check.SCRIPTS, Command.of("test", "-x", script),
              lambda result: scripts_line(launch_dir, result)),
        Probe(Check.GPU, Command.of("nvidia-smi", *gpu), gpu_line),
        Probe(Check.DISK, Command.of("df", "-B1", "--output=avail,size", RemotePath.parse("~")),
              disk_line),
    )  # fmt: skip


def python_line(result: Result) -> Line:
    """Judge the version of Python."""
    found = re.fullmatch(r"(\d+)\.(\d+)", result.stdout.strip())
    hint = "Install Python 3.8 or newer: `sudo apt install python3`."
    if result.exit_status != 0 or not found:
        return Line(Check.PYTHON, Mark.FAILED, f"python3 does not run: {_said(result)}", hint)
    version = (int(found[1]), int(found[2]))
    if version < _OLDEST_PYTHON:
        return Line(Check.PYTHON, Mark.FAILED, f"python3 is {found[0]}, which is too old.", hint)
    return Line(Check.PYTHON, Mark.OK, f"python3 is {found[0]}.")


def docker_line(result: Result) -> Line:
    """Judge whether that user may use docker."""
    if result.exit_status == 0:
        return Line(Check.DOCKER, Mark.OK, "docker works.")
    said = _said(result)
    if "permission denied" in said.lower():
        return Line(Check.DOCKER, Mark.FAILED, "That user may not use docker.",
                    "Run `sudo usermod -aG docker $USER` there.")  # fmt: skip
    if _not_found(result):
        return Line(Check.DOCKER, Mark.FAILED, "docker is not installed.",
                    "Install Docker Engine on the Spark.")  # fmt: skip
    return Line(Check.DOCKER, Mark.FAILED, f"docker does not work: {said}",
                "Look at `systemctl status docker` there.")  # fmt: skip


def scripts_line(launch_dir: RemotePath, result: Result) -> Line:
    """Judge whether the launch scripts are where they are looked for."""
    if result.exit_status == 0:
        return Line(Check.SCRIPTS, Mark.OK, f"launch-cluster.sh is in {launch_dir}.")
    return Line(Check.SCRIPTS, Mark.FAILED, f"There is no launch-cluster.sh in {launch_dir}.",
                "Clone spark-vllm-docker there, or set `VLLM_LAUNCH_DIR`.")  # fmt: skip


def gpu_line(result: Result) -> Line:
    """Judge what nvidia-smi says."""
    rows = [row.strip() for row in result.stdout.splitlines() if row.strip()]
    if result.exit_status == 0 and rows:
        name, _, driver = rows[0].partition(",")
        also = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        text = f"{name.strip()}{also}, driver {driver.strip() or 'not known'}."
        return Line(Check.GPU, Mark.OK, text[:200])
    if _not_found(result):
        return Line(Check.GPU, Mark.FAILED, "nvidia-smi is not installed.",
                    "Install the NVIDIA driver on the Spark.")  # fmt: skip
    return Line(Check.GPU, Mark.FAILED, f"nvidia-smi does not work: {_said(result)}",
                "Restart the Spark; if it stays, install the driver anew.")  # fmt: skip


def disk_line(result: Result) -> Line:
    """Judge the room in the home folder, where models go."""
    numbers = [int(word) for word in result.stdout.split() if word.isdecimal()]
    if result.exit_status != 0 or len(numbers) != 2:
        return Line(Check.DISK, Mark.FAILED, f"The disk could not be read: {_said(result)}",
                    "Try `df -h ~` there.")  # fmt: skip
    free, total = numbers
    text = f"{free / 1e9:.0f} of {total / 1e9:.0f} GB are free."
    if free < 10**9:
        return Line(
            Check.DISK, Mark.FAILED, f"The disk is full: {text}", "Delete something there."
        )
    if free < LITTLE_BYTES:
        return Line(Check.DISK, Mark.ATTENTION, text, "Most models need more than that.")
    return Line(Check.DISK, Mark.OK, text)


def _not_found(result: Result) -> bool:
    return result.exit_status == 127


def _said(result: Result) -> str:
    """Return the last line it printed, or its status."""
    lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
    return lines[-1][:200] if lines else f"it ended with {result.exit_status}"
