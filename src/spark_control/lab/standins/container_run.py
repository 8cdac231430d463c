"""Starts processes in containers: `docker run` and `docker exec`."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from spark_control.lab.standins import containers
from spark_control.lab.standins.box import CONTAINER, SPARK, SYSTEM_PATH, Box, Json, say
from spark_control.lab.standins.containers import Container
from spark_control.lab.standins.docker_args import Refused, Taken, labels, mounts

_DAEMON = "docker: Error response from daemon: "
_MAIN_OUTPUT = ("/proc/1/fd/1", "/proc/1/fd/2", "/proc/1/fd/{1,2}")


def images(box: Box) -> list[Json]:
    """Return the images of this Spark."""
    held = box.spark().get("images")
    return [dict(image) for image in held] if isinstance(held, list) else []


def find_image(box: Box, wanted: str) -> Json | None:
    """Return the image of that name or id on this Spark."""
    name, _, tag = wanted.partition(":")
    for image in images(box):
        named = image["repository"] == name and image["tag"] == (tag or "latest")
        digest = str(image["id"]).removeprefix("sha256:")
        if named or digest.startswith(wanted.removeprefix("sha256:")):
            return image
    return None


def need_image(box: Box, wanted: str) -> Json:
    """Return the image. Raises Refused with what docker says when it can't be pulled."""
    if image := find_image(box, wanted):
        return image
    full = wanted if ":" in wanted else f"{wanted}:latest"
    raise Refused(
        f"Unable to find image '{full}' locally\n{_DAEMON}pull access denied for "
        f"{wanted.partition(':')[0]}, repository does not exist or may require 'docker login': "
        "denied: requested access to the resource is denied\n",
        125,
    )


def make(box: Box, taken: Taken) -> Container:
    """Create the container that `docker run` asks for. Raises Refused."""
    if not taken.words:
        raise Refused('docker: "docker run" requires at least 1 argument.\n')
    if box.fault("disk-full") is not None:
        raise Refused(
            f"{_DAEMON}failed to create the container: write /var/lib/docker/overlay2: "
            "no space left on device\n",
            125,
        )
    image = need_image(box, taken.words[0])
    entry = taken.last("entrypoint")
    command = [*([entry] if entry else []), *(taken.words[1:] or ([] if entry else ["bash"]))]
    one = containers.create(
        box,
        {
            "name": taken.last("name"),
            "image": taken.words[0],
            "image_id": image["id"],
            "labels": labels(taken.all("label")),
            "env": _pairs(taken.all("env")),
            "command": command,
            "mounts": mounts(taken.all("volume")),
            "network": taken.last("network"),
            "privileged": taken.on("privileged"),
            "remove": taken.on("rm"),
            "created": f"{_now()}",
        },
    )
    env = environment(one, [])
    full = [f"{key}={value}" for key, value in env.items()]
    return containers.update(one, full_env=full, words=translated(one, command, env))


def _now() -> str:
    from spark_control.lab.standins.shim import now

    return now()


def _pairs(env: list[str]) -> list[str]:
    return [one if "=" in one else f"{one}={os.environ.get(one, '')}" for one in env]


def environment(one: Container, extra: list[str]) -> dict[str, str]:
    """Return the variables of a process in a container."""
    home = one.files / "root"
    home.mkdir(exist_ok=True)
    asked = (pair.split("=", 1) for pair in [*one.texts("env"), *_pairs(extra)])
    return {
        "PATH": f"{one.box.state / 'container-bin'}:{SYSTEM_PATH}",
        "HOME": str(home),
        "HOSTNAME": one.id[:12],
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(one.box.state / "container-site"),
        **dict(asked),
        SPARK: f"{one.box.folder}/",
        CONTAINER: one.id,
    }


def translated(one: Container, words: list[str], env: dict[str, str]) -> list[str]:
    """Return `words` with the paths of the container turned into those of this machine."""
    # The engine knows the paths of its container by itself, and tells them to its clients.
    own = words[:1] == ["vllm"]
    turned = list(words) if own else [_translate(one, word) for word in words]
    if turned and "/" not in turned[0]:
        turned[0] = shutil.which(turned[0], path=env["PATH"]) or turned[0]
    return turned


def _translate(one: Container, word: str) -> str:
    if word.startswith("/") and (place := one.on_spark(word)) and place.exists():
        return str(place)
    for name in _MAIN_OUTPUT:
        word = word.replace(name, shlex.quote(str(one.pipe)))
    return word


def launch(one: Container) -> None:
    """Start the shim and return when process 1 runs. Raises Refused."""
    said, tell = os.pipe()
    os.set_inheritable(tell, True)  # noqa: FBT003 - the signature of the system
    with Path(os.devnull).open("r+b") as nothing:
        subprocess.Popen(
            [*_runner(), "shim", one.id, str(tell)],
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            close_fds=True,
            pass_fds=(tell,),
            start_new_session=True,
        )
    os.close(tell)
    with os.fdopen(said, "rb") as answer:
        trouble = answer.read().decode()
    if trouble:
        raise Refused(_not_found(one.texts("command")[0], "create", trouble), 127)


def _runner() -> list[str]:
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("run.py"))]


def _not_found(word: str, what: str, trouble: str) -> str:
    why = "executable file not found in $PATH" if "No such file" in trouble else trouble.lower()
    return (
        f"{_DAEMON}failed to {what} task for container: OCI runtime {what} failed: unable to "
        f'start container process: exec: "{word}": {why}: unknown\n'
    )


def execute(one: Container, taken: Taken, words: list[str]) -> int:
    """Run `words` in a container; with `--detach` return at once. Raises Refused."""
    env = environment(one, taken.all("env"))
    folder = one.on_spark(taken.last("workdir")) if taken.last("workdir") else one.files
    away = taken.on("detach")
    quiet = subprocess.DEVNULL if away else None
    try:
        process = subprocess.Popen(
            translated(one, words, env),
            stdin=None if taken.on("interactive") and not away else subprocess.DEVNULL,
            stdout=quiet,
            stderr=quiet,
            env=env,
            cwd=folder or one.files,
            start_new_session=True,
        )
    except OSError as error:
        raise Refused(_not_found(words[0], "exec", str(error.strerror)), 127) from None
    if away:
        return 0
    code = process.wait()
    return code if code >= 0 else 128 - code


def run(box: Box, taken: Taken) -> int:
    """Do `docker run`. Raises Refused."""
    one = make(box, taken)
    if taken.on("detach"):
        launch(one)
        say(f"{one.id}\n")
        return 0
    # In the foreground the command needs this terminal, so a sleeper plays process 1.
    held = containers.update(one, words=["/bin/sleep", "infinity"])
    launch(held)
    try:
        return execute(held, taken, one.texts("command"))
    finally:
        containers.end(containers.load(box, one.folder) or held)
