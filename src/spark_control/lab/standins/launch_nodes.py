"""Plays what `launch-cluster.sh` does over several Sparks: by SSH, one container on each."""

import contextlib
import io
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from spark_control.lab.standins import docker, peers
from spark_control.lab.standins.box import Box, say
from spark_control.lab.standins.launch_args import Asked, Wrong

SCRIPT = "/workspace/exec-script.sh"
TO_LOG = 'exec "$@" > /proc/1/fd/1 2>&1'
_HOME = "@HOME@"
_SIZE = re.compile(r"(?:-tp|--tensor-parallel-size)[ =](\d+)")


class Said(NamedTuple):
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


class Nodes:
    """The Sparks of one launch, this one first."""

    def __init__(self, box: Box, name: str, addresses: Sequence[str]) -> None:
        self._box = box
        self.name = name
        self.head = peers.own_address(box)
        if self.head not in addresses:
            listed = ",".join(addresses)
            raise Wrong(f"Error: Local IP ({self.head}) is not in the list of nodes ({listed}).\n")
        self.workers = [one for one in addresses if one != self.head]

    @property
    def all(self) -> list[str]:
        """Return every address, the head first."""
        return [self.head, *self.workers]

    def docker(self, address: str, *words: str) -> Said:
        """Run docker on a Spark; paths below `@HOME@` are in the home there."""
        if address != self.head:
            line = shlex.join(["docker", *words]).replace(_HOME, '"$HOME"')
            return self.ssh(address, line)
        home = str(self._box.spark()["home"])
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = docker.main("docker", [word.replace(_HOME, home) for word in words])
        return Said(status, out.getvalue(), err.getvalue())

    def ssh(self, address: str, line: str, text: str = "") -> Said:
        """Run a line on another Spark, as `ssh -o BatchMode=yes ADDRESS LINE` does."""
        if said := peers.trouble(self._box, address):
            return Said(255, "", said)
        return Said(*peers.run(self._box, address, line, text))

    def homely(self, words: Sequence[str]) -> list[str]:
        """Return words in which this Spark's home stands for the home of each Spark."""
        return [word.replace(str(self._box.spark()["home"]), _HOME) for word in words]

    def check_ssh(self) -> None:
        """See that every worker is reached without a password. Raises Wrong."""
        for worker in self.workers:
            if self.ssh(worker, "true").status:
                raise Wrong(
                    f"Error: Passwordless SSH to {worker} failed.\n"
                    "  Please ensure SSH keys are configured and the host is reachable.\n"
                )
            say(f"  SSH to {worker}: OK\n")

    def check_images(self, image: str) -> None:
        """See that every Spark has the same image. Raises Wrong."""
        found = [self.docker(one, "image", "inspect", "-f", "{{.Id}}", image) for one in self.all]
        for address, said in zip(self.workers, found[1:], strict=True):
            if said.status or said.out != found[0].out:
                raise Wrong(f"Error: Docker image mismatch on worker node {address}.\n")

    def running(self) -> bool:
        """Tell whether a container of that name runs on any of them."""
        return any(
            self.name in self.docker(one, "ps", "--format", "{{.Names}}").out.split()
            for one in self.all
        )

    def start(self, words: Sequence[Sequence[str]]) -> None:
        """Start the containers; `words` are those after `docker run` of each. Raises Wrong."""
        if self.running():
            say("Cluster containers are already running. Skipping launch.\n")
            return
        for address, own in zip(self.all, words, strict=True):
            role = "Head" if address == self.head else "Worker"
            say(f"Starting {role} Node on {address}...\n")
            said = self.docker(address, "run", *own)
            if said.status:
                raise Wrong(said.err)

    def stop(self) -> None:
        """Stop the containers; what goes wrong is not said."""
        for address in self.all:
            self.docker(address, "stop", self.name)

    def copy(self, address: str, text: str, target: str) -> None:
        """Put a file into the container of one Spark."""
        beside = "lab-exec-script.sh"
        if address == self.head:
            (Path(str(self._box.spark()["home"])) / beside).write_text(text)
        else:
            self.ssh(address, f"cat > {beside}", text)
        said = self.docker(address, "cp", f"{_HOME}/{beside}", f"{self.name}:{target}")
        if said.status:
            raise Wrong(said.err)

    def dispatch(self, address: str, words: Sequence[str]) -> None:
        """Start a command in the container of one Spark; its output goes to docker's log."""
        self.docker(address, "exec", "-d", self.name, "bash", "-c", TO_LOG, "bash", *words)


def serve(nodes: Nodes, asked: Asked, text: str) -> None:
    """Start every rank without Ray, the workers first. Raises Wrong."""
    found = _SIZE.findall(text)
    size = int(found[-1]) if found else len(nodes.all)
    if size > len(nodes.all):
        raise Wrong(f"Error: tp*pp*dp ({size}) exceeds the number of nodes ({len(nodes.all)}).\n")
    port = asked.one("port", "29501")
    ranks = list(enumerate(nodes.all[:size]))
    for rank, address in reversed(ranks):
        more = (
            f"--nnodes {size} --node-rank {rank} --master-addr {nodes.head} --master-port {port}"
        )
        own = f"{text.rstrip()} {more}{' --headless' if rank else ''}\n"
        nodes.copy(address, own, SCRIPT)
        nodes.dispatch(address, ["bash", SCRIPT])
    say("Command dispatched in background (Daemon mode).\n")
