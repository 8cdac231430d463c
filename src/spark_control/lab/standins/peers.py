"""The other Sparks of the lab as one of them sees them: by the address of its fast link."""

import subprocess

from spark_control.lab.standins.box import Box

_NET = "192.168.177"


def link_address(host: str) -> str:
    """Return the address that the Spark at `host` has on the fast link."""
    return f"{_NET}.{host.rpartition('.')[2]}"


def own_address(box: Box) -> str:
    """Return the address of this Spark on the fast link."""
    return link_address(str(box.spark()["host"]))


def find(box: Box, address: str) -> Box | None:
    """Return the Spark that has this address, or None."""
    for path in sorted(box.state.glob("*/spark.json")):
        peer = Box(path.parent)
        host = str(peer.spark()["host"])
        if address in {host, link_address(host)}:
            return peer
    return None


def reachable(box: Box, address: str) -> str:
    """Return where this machine reaches that address."""
    peer = find(box, address)
    return str(peer.spark()["host"]) if peer else address


def trouble(box: Box, address: str) -> str:
    """Return what `ssh` says when it does not get there; the empty text when it does."""
    peer = find(box, address)
    if peer is None or peer.fault("offline") is not None:
        return f"ssh: connect to host {address} port 22: No route to host\n"
    if peer.fault("frozen") is not None:
        return f"ssh: connect to host {address} port 22: Connection timed out\n"
    if peer.fault("no-peer-ssh") is not None:
        return f"spark@{address}: Permission denied (publickey,password).\n"
    return ""


def run(box: Box, address: str, line: str, text: str | None = None) -> tuple[int, str, str]:
    """Run a line of `sh` on the other Spark; return how it ended and what it said.

    Without `text` for its input it has our own input and outputs, and the texts are empty.
    """
    peer = find(box, address)
    facts = peer.spark() if peer else {}
    env = facts.get("env")
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env={str(k): str(v) for k, v in env.items()} if isinstance(env, dict) else {},
        cwd=str(facts["home"]),
        input=text,
        capture_output=text is not None,
        text=True,
        check=False,
    )
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return status, done.stdout or "", done.stderr or ""
