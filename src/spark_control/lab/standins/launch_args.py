"""Reads the command line and the `.env` of `launch-cluster.sh`, with its manners."""

import re
from typing import NamedTuple

USAGE = """Usage: ./launch-cluster.sh [-n <node_ips>] [-t <image_name>] [--name <container_name>] \
[--eth-if <if_name>] [--ib-if <if_name>] [-j <jobs>] [-e VAR=VALUE] [-v <volume>] [-p <port>] \
[--nccl-debug <level>] [--check-config] [--solo] [--no-ray|--ray] [--master-port <port>] \
[--launch-script <path>] [-d] [action] [command]
  -n, --nodes     Comma-separated list of node IPs (Optional, auto-detected if omitted)
  -t              Docker image name (Optional, default: vllm-node)
  --name          Container name (Optional, default: vllm_node)
  --eth-if        Ethernet interface (Optional, auto-detected)
  --ib-if         InfiniBand interface (Optional, auto-detected)
  -e, --env       Environment variable to pass to container (e.g. -e VAR=val)
  -v, --volume    Additional volume mount, applied on every node
  -p, --publish   Publish a port (solo mode only)
  -j              Number of parallel jobs for build environment variables inside container
  --apply-mod     Path to directory or zip file containing a mod to apply before launch
  --apply-vllm-pr Apply a vLLM pull request before launch
  --launch-script Path to bash script to execute in the container (replaces exec)
  --check-config  Check configuration and auto-detection without launching
  --solo          Solo mode: skip autodetection, launch on this node only
  --ray, --no-ray Choose the multi-node backend (cluster mode only)
  --master-port   Port for cluster coordination (default: 29501), alias --head-port
  --no-cache-dirs Do not mount the default cache directories
  --keep-entrypoint  Keep the entrypoint of the image
  --earlyoom      Run earlyoom as process 1 of the container
  --non-privileged   Run without --privileged
  --config        Path to the .env configuration file
  --setup         Interactive setup of .env, alias --discover
  -d              Daemon mode: run the command in the background
  action          start | stop | status | exec
  command         Command to run (only for exec)
"""

_VALUES = {
    "-n": "nodes",
    "--nodes": "nodes",
    "-t": "image",
    "--name": "name",
    "--eth-if": "eth_if",
    "--ib-if": "ib_if",
    "-e": "env",
    "--env": "env",
    "-v": "volume",
    "--volume": "volume",
    "-p": "publish",
    "--publish": "publish",
    "-j": "jobs",
    "--nccl-debug": "nccl_debug",
    "--apply-mod": "mod",
    "--apply-vllm-pr": "pr",
    "--launch-script": "script",
    "--master-port": "port",
    "--head-port": "port",
    "--earlyoom-args": "earlyoom_args",
    "--mem-limit-gb": "mem",
    "--mem-swap-limit-gb": "swap",
    "--pids-limit": "pids",
    "--shm-size-gb": "shm",
    "--config": "config",
}
_SWITCHES = {
    "-d": "daemon",
    "--check-config": "check",
    "--solo": "solo",
    "--ray": "ray",
    "--no-ray": "no_ray",
    "--no-cache-dirs": "no_caches",
    "--keep-entrypoint": "keep_entrypoint",
    "--earlyoom": "earlyoom",
    "--non-privileged": "non_privileged",
    "--setup": "setup",
    "--discover": "setup",
}
_NCCL_LEVELS = {"VERSION", "WARN", "INFO", "TRACE"}
_ACTIONS = {"start", "stop", "status", "exec"}
_LINE = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)=(.*)$")


class Wrong(Exception):
    """What the script says before it exits with 1."""


class Asked(NamedTuple):
    """What was asked of the script."""

    action: str
    command: list[str]
    values: dict[str, list[str]]
    switches: frozenset[str]

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of an option."""
        return self.values.get(name, [default])[-1]

    def all(self, name: str) -> list[str]:
        """Return every value of an option."""
        return self.values.get(name, [])


def parse(words: list[str]) -> Asked:
    """Read the words. Raises Wrong; options must precede the action."""
    values: dict[str, list[str]] = {}
    switches: set[str] = set()
    queue = list(words)
    while queue and queue[0].startswith("-"):
        word = queue.pop(0)
        if word in {"-h", "--help"}:
            raise Wrong(USAGE)
        if word in _SWITCHES:
            switches.add(_SWITCHES[word])
        elif word == "--nccl-debug":
            optional = queue.pop(0) if queue and queue[0] in _NCCL_LEVELS else "INFO"
            values.setdefault("nccl_debug", []).append(optional)
        elif word in _VALUES:
            if not queue:
                raise Wrong(f"Error: {word} requires a value.\n")
            values.setdefault(_VALUES[word], []).append(queue.pop(0))
        else:
            raise Wrong(f"Unknown option: {word}\n{USAGE}")
    asked = Asked(_action(queue, values, switches), queue[1:], values, frozenset(switches))
    _check(asked)
    return asked


def _action(queue: list[str], values: dict[str, list[str]], switches: set[str]) -> str:
    if "script" in values:
        if queue:
            raise Wrong("Error: --launch-script cannot be combined with an action.\n")
        return "exec"
    if switches & {"check", "setup"}:
        return "check" if "check" in switches else "setup"
    if not queue:
        raise Wrong(f"Error: No action specified.\n{USAGE}")
    if queue[0] not in _ACTIONS:
        raise Wrong(f"Error: Unknown action '{queue[0]}'.\n{USAGE}")
    return queue[0]


def _check(asked: Asked) -> None:
    if {"ray", "no_ray"} <= asked.switches:
        raise Wrong("Error: --ray and --no-ray are mutually exclusive.\n")
    if "solo" in asked.switches and asked.switches & {"ray", "no_ray"}:
        raise Wrong("Error: --ray/--no-ray cannot be used in solo mode.\n")
    if asked.action == "exec" and not asked.command and "script" not in asked.values:
        raise Wrong("Error: exec requires a command.\n")
    if asked.action != "exec" and asked.command:
        raise Wrong(f"Error: Unexpected argument '{asked.command[0]}' after the action.\n")


def parse_env(text: str) -> dict[str, str]:
    """Read a `.env`. Raises Wrong for a bad or doubled line."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip())
        if not match:
            raise Wrong(f"Error: Invalid syntax in .env at line {number}: {line}\n")
        if match.group(1) in found:
            raise Wrong(f"Error: Duplicate key in .env at line {number}: {match.group(1)}\n")
        found[match.group(1)] = match.group(2).strip("\"'")
    return found
