"""Plays an older `launch-cluster.sh`: no solo, no scripts; containers with Ray, and no engine."""

from pathlib import Path

from spark_control.lab.standins.box import Box, environment, say
from spark_control.lab.standins.launch_args import Asked, Wrong
from spark_control.lab.standins.launch_nodes import Nodes

USAGE = """Usage: ./launch-cluster.sh [-n <node_ips>] [-t <image_name>] [--name <container_name>] \
[--eth-if <if_name>] [--ib-if <if_name>] [--nccl-debug <level>] [--check-config] [-d] [action] \
[command]
  -n, --nodes     Comma-separated list of node IPs (Optional, auto-detected if omitted)
  -t              Docker image name (Optional, default: vllm-node)
  --name          Container name (Optional, default: vllm_node)
  --eth-if        Ethernet interface (Optional, auto-detected)
  --ib-if         InfiniBand interface (Optional, auto-detected)
  --nccl-debug    NCCL debug level (Optional, one of: VERSION, WARN, INFO, TRACE).
  --apply-mod     Path to directory or zip file containing run.sh to apply before launch
  --check-config  Check configuration and auto-detection without launching
  -d              Daemon mode (only for 'start' action)
  action          start | stop | status | exec (Default: start)
  command         Command to run (only for 'exec' action)
"""
_VALUES = {
    "-n": "nodes",
    "--nodes": "nodes",
    "-t": "image",
    "--name": "name",
    "--eth-if": "eth_if",
    "--ib-if": "ib_if",
    "--apply-mod": "mod",
}
NODES = "LAB_RAY_NODES"
"""The addresses that Ray would know, for the engine that is played."""


def parse(words: list[str]) -> Asked:
    """Read the words; one that is not known begins a command. Raises Wrong."""
    values: dict[str, list[str]] = {}
    switches: set[str] = set()
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word in {"-h", "--help"}:
            raise Wrong(USAGE)
        if word in _VALUES and queue:
            values.setdefault(_VALUES[word], []).append(queue.pop(0))
        elif word in {"-d", "--check-config"}:
            switches.add(word.lstrip("-"))
        elif word in {"start", "stop", "status"}:
            return Asked(word, queue, values, frozenset(switches))
        else:
            queue = queue if word == "exec" else [word, *queue]
            return Asked("exec", queue, values, frozenset(switches))
    return Asked("start", [], values, frozenset(switches))


def act(box: Box, asked: Asked) -> int:
    """Do what was asked. Raises Wrong."""
    addresses = [one for one in asked.one("nodes").split(",") if one]
    if not addresses:
        raise Wrong("Error: No active IB interfaces found.\n")
    nodes = Nodes(box, asked.one("name", "vllm_node"), addresses)
    if asked.action == "stop":
        nodes.stop()
        say("Cluster stopped.\n")
        return 0
    if asked.action == "exec":
        raise Wrong("The lab does not play `exec` of the older launcher.\n")
    if asked.action == "status":
        say("Checking status...\n")
        return 0
    nodes.check_ssh()
    if "check-config" in asked.switches:
        say("Configuration Check Complete.\n")
        return 0
    image = asked.one("image", "vllm-node")
    nodes.start([_words(box, nodes, image) for _ in nodes.all])
    say("Waiting for cluster to be ready...\nCluster head is responsive.\n")
    say("Cluster started in background (Daemon mode).\n")
    return 0


def _words(box: Box, nodes: Nodes, image: str) -> list[str]:
    cache = Path(str(box.spark()["home"])) / ".cache/huggingface"
    words = ["-d", "--privileged", "--gpus", "all", "--rm", "--ipc=host", "--network", "host"]
    words += ["--name", nodes.name, "-e", "NCCL_IGNORE_CPU_AFFINITY=1"]
    words += ["-v", f"{cache}:/root/.cache/huggingface", "-e", f"{NODES}={','.join(nodes.all)}"]
    words += environment().get("VLLM_SPARK_EXTRA_DOCKER_ARGS", "").split()
    ray = "echo 'Ray runtime started.'; exec sleep infinity"
    return [*nodes.homely(words), image, "bash", "-c", ray]
