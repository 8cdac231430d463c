"""How the Sparks of a cluster reach one another: read from what each says of its devices.

The launcher would look for the other Sparks by itself and scan the whole network for them, so it
is always told. What somebody wrote into its `.env` goes before what is found here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from spark_control.swap.domain import Link
from spark_control.swap.errors import ClusterNoLink

BREAK = "-- spark-control --"
SCRIPT = f"""\
ip -j addr
echo "{BREAK}"
for path in "${{SPARK_ROOT:-}}"/sys/class/infiniband/*/device/net/*; do echo "$path"; done
echo "{BREAK}"
grep -E "^ *(ETH_IF|IB_IF|CLUSTER_NODES)=" .env 2>/dev/null
true
"""
_MESH = ("enP7s7", "wlP9s9")
"""Where four halves of ports are up, the launcher coordinates over the slow network."""


@dataclass(frozen=True, slots=True)
class Nic:
    """A network device that is up, with its IPv4 addresses."""

    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one Spark said: devices, the RoCE device behind each, and the launcher's `.env`."""

    nics: tuple[Nic, ...] = ()
    rdma: tuple[tuple[str, str], ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


def read_seen(text: str) -> Seen:
    """Read what `SCRIPT` printed; what is missing or broken is left out."""
    parts = [*text.split(f"{BREAK}\n"), "", ""]
    return Seen(_nics(parts[0]), _rdma(parts[1]), _env(parts[2]))


def _nics(text: str) -> tuple[Nic, ...]:
    try:
        rows = json.loads(text)
    except ValueError:
        return ()
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    up = (row for row in rows if row.get("operstate") in {"UP", "UNKNOWN"})
    return tuple(Nic(str(row.get("ifname", "")), _addresses(row)) for row in up)


def _addresses(row: Mapping[str, object]) -> tuple[str, ...]:
    infos = row.get("addr_info")
    held = [info for info in infos if isinstance(info, dict)] if isinstance(infos, list) else []
    return tuple(str(info.get("local")) for info in held if info.get("family") == "inet")


def _rdma(text: str) -> tuple[tuple[str, str], ...]:
    """Return RoCE device and network device of each path `…/infiniband/DEV/device/net/NIC`."""
    paths = [line.split("/") for line in text.splitlines() if "*" not in line]
    return tuple((path[-4], path[-1]) for path in paths if len(path) > 4)


def _env(text: str) -> dict[str, str]:
    pairs = (line.strip().partition("=") for line in text.splitlines())
    return {name: value.strip("\"'") for name, equals, value in pairs if equals and value}


def links_of(sparks: Sequence[str], seen: Sequence[Seen]) -> tuple[Link, ...]:
    """Return how each of `sparks` is reached, the head first. Raises ClusterNoLink."""
    env = seen[0].env
    links = tuple(_link(spark, one, env) for spark, one in zip(sparks, seen, strict=True))
    for left, right in pairwise(links):
        if left.eth != right.eth:
            raise ClusterNoLink(
                f"{left.spark} is connected at {left.eth or 'no port'} and {right.spark} at "
                f"{right.eth or 'no port'}.",
                hint="Put the cable into the same port of both Sparks.",
            )
    if len({link.address for link in links}) < len(links):
        raise ClusterNoLink(f"{' and '.join(sparks)} say that they have the same address.")
    return tuple(_plain(link) for link in links)


def _plain(link: Link) -> Link:
    """Leave out the devices of a mesh: the launcher has settings for it that we do not know."""
    return link if link.ib else Link(link.spark, link.address)


def _link(spark: str, seen: Seen, env: Mapping[str, str]) -> Link:
    up = {nic.name: nic for nic in seen.nics}
    pairs = [(dev, name) for dev, name in seen.rdma if name in up]
    eth = env.get("ETH_IF") or _eth(up, [name for _, name in pairs])
    addresses = up[eth].addresses if eth in up else ()
    named = env.get("CLUSTER_NODES", "").replace(" ", "").split(",")
    address = next((text for text in addresses if text in named), next(iter(addresses), None))
    if address is None:
        raise ClusterNoLink(f"{spark} has no address at its ConnectX port.")
    mesh = len(pairs) > 2
    ib = env.get("IB_IF") or ("" if mesh else ",".join(dev for dev, _ in pairs))
    return Link(spark, address, eth, ib)


def _eth(up: Mapping[str, Nic], fast: Sequence[str]) -> str:
    """Return the device for coordination: of two halves of a port, the one without a `P`."""
    if len(fast) > 2:
        return next((name for name in _MESH if name in up), "")
    held = sorted((name for name in fast if up[name].addresses), key=lambda name: "P" in name)
    return next(iter(held), "")
