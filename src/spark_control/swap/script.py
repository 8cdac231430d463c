"""The launch script of one swap, and the commands that run it: pure texts and words.

The last line is the one `vllm serve` line, because the launcher appends to it in a cluster, and
holds no `exec`, because the launcher looks for `vllm serve`. Every value is one quoted word.
"""

import shlex
from collections.abc import Sequence
from enum import StrEnum

from spark_control.core.shell import Command, RemotePath, Word
from spark_control.swap.domain import Link, Unit
from spark_control.swap.fence import guarded


class Contract(StrEnum):
    """What the launch scripts on a Spark can do, as they say themselves."""

    NEW = "new"
    """`--solo` and `--launch-script`; a cluster without Ray."""
    OLD = "old"
    """`start` brings up Ray in containers; an engine is then started by somebody else, by us."""


def contract_of(usage: str) -> Contract | None:
    """Return which contract `launch-cluster.sh --help` tells of, None when it tells of none."""
    if "launch-cluster.sh" not in usage:
        return None
    new = "--solo" in usage and "--launch-script" in usage
    return Contract.NEW if new else Contract.OLD


FOLDER = RemotePath(".spark-control", in_home=True)
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - apps and other Sparks reach the engine there
LABEL_JOB = "sc.job"
LABEL_MODEL = "sc.model"
LABEL_RANKS = "sc.ranks"
INSIDE = "/tmp/spark-control-launch.sh"  # noqa: S108 - in a container of our own
"""Where the script lies in the container of the older launcher, which copies none."""
_TO_LOG = 'exec "$@" > /proc/1/fd/1 2>&1'


def serve_words(unit: Unit) -> tuple[str, ...]:
    """Return the words of the engine: model, its names (key and repo), address, size, recipe."""
    names = tuple(dict.fromkeys((unit.key, unit.source)))
    return (
        "vllm", "serve", unit.source, "--served-model-name", *names,
        "--host", EVERY_ADDRESS, "--port", str(unit.port), "-tp", str(unit.size), *unit.args,
    )  # fmt: skip


def launch_script(unit: Unit, contract: Contract = Contract.NEW) -> str:
    """Return the text of the script that runs inside the container."""
    lines = ["#!/bin/bash", f"# Written by Spark Control for {unit.job}."]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(unit.env.items())]
    ray = ("--distributed-executor-backend", "ray") if contract is Contract.OLD else ()
    lines.append(shlex.join((*serve_words(unit), *ray)))
    return "\n".join(lines) + "\n"


def script_path(unit: Unit) -> RemotePath:
    """Return where the script lies on the Spark; one per container, replaced by each launch."""
    return FOLDER / f"launch-{unit.container}.sh"


def labels(unit: Unit) -> str:
    """Return what the launcher adds to each `docker run`: job, model and Sparks as labels.

    They hold only characters of ids, keys and names of Sparks, because the launcher splits that
    variable at blanks without quoting, and hands it to another shell on the other Sparks.
    """
    words = {LABEL_JOB: unit.job, LABEL_MODEL: unit.key}
    if unit.ranks:
        words[LABEL_RANKS] = ",".join(unit.ranks)
    return " ".join(f"--label {name}={value}" for name, value in words.items())


def launch_command(unit: Unit, links: Sequence[Link] = ()) -> Command:
    """Return the command that starts `unit` in the background, on its first Spark.

    A cluster needs the `links` of its Sparks, the head first.
    """
    script: tuple[Word, ...] = ("-d", "--launch-script", script_path(unit))
    solo = () if unit.ranks else ("--solo",)
    mount = ("-v", f"{unit.mount}:{unit.mount}") if unit.mount else ()
    return _launch(unit, (*solo, *_cluster(links), *_mods(unit), *mount, *script))


def start_command(unit: Unit, links: Sequence[Link]) -> Command:
    """Return the command of the older launcher: containers with Ray, and no engine yet."""
    return _launch(unit, (*_cluster(links), *_mods(unit), "-d", "start"))


def _launch(unit: Unit, words: Sequence[Word]) -> Command:
    launch = Command.of(
        "./launch-cluster.sh", "--name", unit.container, "-t", unit.image, *words,
        cwd=RemotePath.parse(unit.launch_dir),
        env={"VLLM_SPARK_EXTRA_DOCKER_ARGS": labels(unit)},
    )  # fmt: skip
    return guarded(launch, unit.under)


def _mods(unit: Unit) -> tuple[str, ...]:
    return tuple(word for mod in unit.mods for word in ("--apply-mod", mod))


def _cluster(links: Sequence[Link]) -> tuple[str, ...]:
    """Return the words that say which Sparks, and by which devices, where we know them."""
    if not links:
        return ()
    head = links[0]
    words = ["-n", ",".join(link.address for link in links)]
    words += ["--eth-if", head.eth] if head.eth else []
    words += ["--ib-if", head.ib] if head.ib else []
    return tuple(words)


def copy_command(unit: Unit) -> Command:
    """Return the command that puts our script into the container of the older launcher."""
    return Command.of("docker", "cp", script_path(unit), f"{unit.container}:{INSIDE}")


def exec_command(unit: Unit) -> Command:
    """Return the command that starts the engine there; what it says goes to docker's log."""
    return Command.of(
        "docker", "exec", "-d", unit.container, "bash", "-c", _TO_LOG, "bash", "bash", INSIDE
    )


def peer_command(address: str) -> Command:
    """Return the very words with which the launcher tries SSH to another Spark."""
    return Command.of(
        "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "StrictHostKeyChecking=no",
        address, "true",
    )  # fmt: skip
