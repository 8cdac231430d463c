"""Plays `launch-cluster.sh` of spark-vllm-docker, bad manners included.

`--help` exits with 1, `stop` always succeeds, `-d` returns before the engine has even started,
and a container that runs already gets a second engine.
"""

import contextlib
import signal
import sys
import time
from pathlib import Path

from spark_control.lab.standins import box as boxes
from spark_control.lab.standins import container_run, containers, docker, launch_older
from spark_control.lab.standins.box import Box, complain, environment, say
from spark_control.lab.standins.containers import Container
from spark_control.lab.standins.docker_args import Refused, Taken
from spark_control.lab.standins.launch_args import Asked, Wrong, parse, parse_env
from spark_control.lab.standins.launch_nodes import Nodes, serve

_CACHES = (
    (".cache/huggingface", "/root/.cache/huggingface"),
    (".cache/vllm", "/root/.cache/vllm"),
    (".cache/flashinfer", "/root/.cache/flashinfer"),
    (".triton", "/root/.triton"),
    (".tilelang", "/root/.tilelang"),
)
_SCRIPT = "/workspace/exec-script.sh"


def _dot_env(asked: Asked, home: Path) -> dict[str, str]:
    path = Path(asked.one("config")) if asked.one("config") else home / "spark-vllm-docker/.env"
    if not path.is_file():
        if asked.one("config"):
            raise Wrong(f"Error: Config file '{path}' not found.\n")
        return {}
    return parse_env(path.read_text())


def _nodes(asked: Asked, env: dict[str, str], name: str) -> Nodes | None:
    """Return the Sparks of a cluster; None for one Spark. Raises Wrong."""
    if "solo" in asked.switches:
        return None
    nodes = [one for one in (asked.one("nodes") or env.get("CLUSTER_NODES", "")).split(",") if one]
    if not nodes:
        raise Wrong("Error: Unexpected number of active CX7 interfaces (0). Expected 2 or 4.\n")
    found = Nodes(boxes.here(), name, nodes)
    return found if found.workers else None


def _docker_args(
    asked: Asked, env: dict[str, str], home: Path, name: str, address: str = "127.0.0.1"
) -> list[str]:
    """Return the words after `docker run`."""
    hub = Path(environment().get("HF_HOME") or home / _CACHES[0][0])
    sources = [hub, *(home / own for own, _ in _CACHES[1:])]
    caches = [] if "no_caches" in asked.switches else sources[1:]
    for folder in [hub, *caches]:
        folder.mkdir(parents=True, exist_ok=True)
    words = ["-d", "--rm", "--gpus", "all", "--network", "host", "--ipc=host", "--name", name]
    words += ["--privileged"] if "non_privileged" not in asked.switches else []
    for source, (_, target) in zip([hub, *caches], _CACHES, strict=False):
        words += ["-v", f"{source}:{target}"]
    for volume in asked.all("volume"):
        words += ["-v", volume]
    words += ["-e", f"VLLM_HOST_IP={address}", "-e", "NCCL_IGNORE_CPU_AFFINITY=1"]
    for key, value in env.items():
        if key.startswith("CONTAINER_") and key != "CONTAINER_NAME":
            words += ["-e", f"{key.removeprefix('CONTAINER_')}={value}"]
    for pair in asked.all("env"):
        words += ["-e", pair]
    # Unquoted in the script, so the shell splits it at spaces and nowhere else.
    words += environment().get("VLLM_SPARK_EXTRA_DOCKER_ARGS", "").split()
    return [*words, asked.one("image", "vllm-node"), "sleep", "infinity"]


def _start(box: Box, asked: Asked, env: dict[str, str], name: str) -> None:
    running = [one for one in containers.every(box) if one.running and one.name == name]
    if running:
        say("Cluster containers are already running. Skipping launch.\n")
        return
    say("Starting Head Node on 127.0.0.1 (solo mode)...\n")
    home = Path(str(box.spark()["home"]))
    if docker.main("docker", ["run", *_docker_args(asked, env, home, name)]):
        raise Wrong("")


def _given(box: Box, asked: Asked) -> Path:
    """Return where the launch script lies. Raises Wrong."""
    given = Path(asked.one("script"))
    if not given.is_file():
        given = Path(str(box.spark()["home"])) / "spark-vllm-docker/examples" / given.name
    if not given.is_file():
        raise Wrong(f"Error: Launch script '{asked.one('script')}' not found.\n")
    return given


def _script(one: Container, asked: Asked) -> list[str]:
    """Copy the launch script into the container and return the words that run it."""
    given = _given(one.box, asked)
    say(f"Copying launch script to container: {given}\n")
    target = one.files / _SCRIPT.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(given.read_bytes())
    return ["bash", _SCRIPT]


def _dispatch(one: Container, words: list[str]) -> int:
    say("Executing command in the background on the head node...\n")
    detached = Taken({"detach": ["true"]}, [])
    quoted = ["bash", "-c", 'exec "$@" > /proc/1/fd/1 2>&1', "bash", *words]
    container_run.execute(one, detached, quoted)
    say("Command dispatched in background (Daemon mode).\n")
    return 0


def _foreground(one: Container, words: list[str]) -> int:
    """Run on this terminal; whatever ends it, the container is stopped."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, leave)
    say("Executing command...\n")
    try:
        return container_run.execute(one, Taken({"interactive": ["true"]}, []), words)
    finally:
        say("\nStopping cluster...\n")
        docker.main("docker", ["stop", one.name])


def _exec(box: Box, asked: Asked, env: dict[str, str], name: str) -> int:
    _start(box, asked, env, name)
    one = containers.find_running(box, name)
    words = _script(one, asked) if asked.one("script") else asked.command
    return (_dispatch if "daemon" in asked.switches else _foreground)(one, words)


def _cluster(box: Box, asked: Asked, env: dict[str, str], nodes: Nodes) -> int:
    """Act on several Sparks. Raises Wrong."""
    if asked.action == "stop":
        nodes.stop()
        say("Cluster stopped.\n")
        return 0
    say(f"Head Node: {nodes.head}\nWorker Nodes: {' '.join(nodes.workers)}\n")
    nodes.check_ssh()
    if asked.action not in {"start", "exec"}:
        return 0
    nodes.check_images(asked.one("image", "vllm-node"))
    home = Path(str(box.spark()["home"]))
    nodes.start([
        nodes.homely(_docker_args(asked, env, home, nodes.name, address)) for address in nodes.all
    ])  # fmt: skip
    if asked.action == "start":
        return 0
    if not asked.one("script") or "daemon" not in asked.switches:
        raise Wrong("The lab plays a cluster with `-d --launch-script` only.\n")
    serve(nodes, asked, _given(box, asked).read_text())
    return 0


def _act(box: Box, asked: Asked) -> int:
    env = _dot_env(asked, Path(str(box.spark()["home"])))
    name = asked.one("name") or env.get("CONTAINER_NAME") or "vllm_node"
    nodes = _nodes(asked, env, name)
    if nodes is not None:
        return _cluster(box, asked, env, nodes)
    if asked.action == "stop":
        say("Stopping cluster...\n")
        with contextlib.suppress(Refused):
            docker.main("docker", ["stop", name])
        say("Cluster stopped.\n")
    elif asked.action == "status":
        running = [one for one in containers.every(box) if one.running and name in one.name]
        say("Checking cluster status...\n")
        say(f"[HEAD] Container '{name}' is {'running' if running else 'NOT running'}.\n")
    elif asked.action == "start":
        _start(box, asked, env, name)
        say("Cluster started.\n")
    elif asked.action == "exec":
        return _exec(box, asked, env, name)
    else:
        say(f"Mode: solo\nImage: {asked.one('image', 'vllm-node')}\nContainer: {name}\n")
        return 0 if asked.action == "check" else 1
    return 0


def _sabotaged(box: Box, asked: Asked) -> int | None:
    """Return how a launch ends that a fault spoils, or None."""
    if asked.action not in {"start", "exec"}:
        return None
    if box.fault("launcher-hangs") is not None:
        say("Starting Head Node on 127.0.0.1 (solo mode)...\n")
        while True:
            time.sleep(3600)
    if box.fault("launcher-lies") is not None:
        say("Command dispatched in background (Daemon mode).\n")
        return 0
    if box.fault("launcher-skips") is not None:
        words = ["-d", "--rm", "--name", asked.one("name", "vllm_node"), asked.one("image")]
        docker.main("docker", ["run", *words, "sleep", "infinity"])
    return None


def main(_name: str, words: list[str]) -> int:
    """Do what `./launch-cluster.sh WORDS` does."""
    box = boxes.here()
    older = box.fault("older-launcher") is not None
    try:
        asked = launch_older.parse(words) if older else parse(words)
        spoiled = _sabotaged(box, asked)
        if spoiled is not None:
            return spoiled
        return launch_older.act(box, asked) if older else _act(box, asked)
    except Wrong as wrong:
        say(str(wrong))
        return 1
    except Refused as refused:
        complain(str(refused))
        return 1
