"""The launch script of one swap, and the command that runs it: pure texts and words.

The last line is the one `vllm serve` line, because the launcher appends to it in a cluster, and
holds no `exec`, because the launcher looks for `vllm serve`. Every value is one quoted word.
"""

import shlex

from spark_control.core.shell import Command, RemotePath
from spark_control.swap.domain import Unit
from spark_control.swap.fence import guarded

FOLDER = RemotePath(".spark-control", in_home=True)
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - apps and other Sparks reach the engine there
LABEL_JOB = "sc.job"
LABEL_MODEL = "sc.model"


def serve_words(unit: Unit) -> tuple[str, ...]:
    """Return the words of the engine: model, its names (key and repo), address, size, recipe."""
    names = tuple(dict.fromkeys((unit.key, unit.source)))
    return (
        "vllm", "serve", unit.source, "--served-model-name", *names,
        "--host", EVERY_ADDRESS, "--port", str(unit.port), "-tp", "1", *unit.args,
    )  # fmt: skip


def launch_script(unit: Unit) -> str:
    """Return the text of the script that the launcher runs inside the container."""
    lines = ["#!/bin/bash", f"# Written by Spark Control for {unit.job}."]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(unit.env.items())]
    lines.append(shlex.join(serve_words(unit)))
    return "\n".join(lines) + "\n"


def script_path(unit: Unit) -> RemotePath:
    """Return where the script lies on the Spark; one per container, replaced by each launch."""
    return FOLDER / f"launch-{unit.container}.sh"


def launch_command(unit: Unit) -> Command:
    """Return the command that starts `unit` in the background.

    The labels carry job and model to the container; they hold only characters of ids and keys,
    because the launcher splits that variable at blanks without quoting.
    """
    labels = f"--label {LABEL_JOB}={unit.job} --label {LABEL_MODEL}={unit.key}"
    mods = (word for mod in unit.mods for word in ("--apply-mod", mod))
    mount = ("-v", f"{unit.mount}:{unit.mount}") if unit.mount else ()
    launch = Command.of(
        "./launch-cluster.sh", "--name", unit.container, "-t", unit.image, "--solo",
        *mods, *mount, "-d", "--launch-script", script_path(unit),
        cwd=RemotePath.parse(unit.launch_dir),
        env={"VLLM_SPARK_EXTRA_DOCKER_ARGS": labels},
    )  # fmt: skip
    return guarded(launch, unit.under)
