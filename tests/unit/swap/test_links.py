"""How Sparks reach each other, from what they say of their devices."""

import json
from collections.abc import Mapping

import pytest

from spark_control.swap.domain import Link
from spark_control.swap.errors import ClusterNoLink
from spark_control.swap.links import BREAK, Seen, links_of, read_seen

SPARKS = ("spark1", "spark2")


def said(
    nics: Mapping[str, str | None], rdma: Mapping[str, str] | None = None, env: str = ""
) -> str:
    rows = [
        {"ifname": name, "operstate": "UP",
         "addr_info": [{"family": "inet6", "local": "fe80::1"}]
         + ([{"family": "inet", "local": address, "prefixlen": 24}] if address else [])}
        for name, address in nics.items()
    ]  # fmt: skip
    pairs = {"rocep1s0f0": "enp1s0f0np0"} if rdma is None else rdma
    paths = "".join(f"/sys/class/infiniband/{d}/device/net/{n}\n" for d, n in pairs.items())
    return f"{json.dumps(rows)}\n{BREAK}\n{paths}{BREAK}\n{env}"


def seen(last: int, **more: str) -> Seen:
    return read_seen(said({"enp1s0f0np0": f"10.88.1.{last}", "enP7s7": "10.88.0.1"}, **more))  # type: ignore[arg-type]


def test_the_usual_pair() -> None:
    assert links_of(SPARKS, [seen(11), seen(12)]) == (
        Link("spark1", "10.88.1.11", "enp1s0f0np0", "rocep1s0f0"),
        Link("spark2", "10.88.1.12", "enp1s0f0np0", "rocep1s0f0"),
    )


def test_of_two_halves_of_a_port_the_plain_one_coordinates_and_both_carry() -> None:
    pairs = {"roceP2p1s0f0": "enP2p1s0f0np0", "rocep1s0f0": "enp1s0f0np0", "mlx9": "down0"}

    def halves(last: int) -> Seen:
        nics = {"enP2p1s0f0np0": f"10.88.2.{last}", "enp1s0f0np0": f"10.88.1.{last}"}
        return read_seen(said(nics, pairs))

    head = links_of(SPARKS, [halves(11), halves(12)])[0]
    assert head == Link("spark1", "10.88.1.11", "enp1s0f0np0", "roceP2p1s0f0,rocep1s0f0")


@pytest.mark.parametrize("slow", ["enP7s7", "wlP9s9"])
def test_a_mesh_is_left_to_the_launcher_but_for_the_addresses(slow: str) -> None:
    pairs = {f"roce{n}": f"en{n}" for n in range(4)}

    def mesh(last: int) -> Seen:
        nics = dict.fromkeys(pairs.values()) | {slow: f"10.88.0.{last}"}
        return read_seen(said(nics, pairs))

    assert links_of(SPARKS, [mesh(11), mesh(12)]) == (
        Link("spark1", "10.88.0.11"), Link("spark2", "10.88.0.12"),
    )  # fmt: skip


def test_what_the_launcher_was_told_in_its_env_goes_first() -> None:
    env = '# by hand\nETH_IF=enP7s7\nIB_IF="mlx0"\nCLUSTER_NODES=10.88.0.2, 10.88.0.9\nBROKEN\n'
    first = read_seen(said({"enP7s7": "10.88.0.2", "enp1s0f0np0": "10.88.1.11"}, env=env))
    second = read_seen(said({"enP7s7": "10.88.0.3"}))
    assert links_of(SPARKS, [first, second]) == (
        Link("spark1", "10.88.0.2", "enP7s7", "mlx0"),
        Link("spark2", "10.88.0.3", "enP7s7", "mlx0"),
    )


def test_of_several_addresses_the_one_in_the_list() -> None:
    row = {"ifname": "enp1s0f0np0", "operstate": "UP", "addr_info": [
        {"family": "inet", "local": "169.254.3.4"}, {"family": "inet", "local": "10.88.1.11"},
    ]}  # fmt: skip
    path = "/sys/class/infiniband/rocep1s0f0/device/net/enp1s0f0np0"
    env = "CLUSTER_NODES=10.88.1.11,10.88.1.12"
    text = f"{json.dumps([row])}\n{BREAK}\n{path}\n{BREAK}\n{env}\n"
    found = links_of(SPARKS, [read_seen(text), seen(12)])
    assert [link.address for link in found] == ["10.88.1.11", "10.88.1.12"]


@pytest.mark.parametrize(
    "text",
    ["", "{}", "nonsense", f'[1, {{"ifname": "x", "operstate": "DOWN"}}]\n{BREAK}\n/sys/*/net/*\n',
     f'[{{"ifname": "x", "operstate": "UP", "addr_info": 7}}]\n{BREAK}\nshort/path\n{BREAK}\n'],
)  # fmt: skip
def test_a_spark_without_a_link(text: str) -> None:
    with pytest.raises(ClusterNoLink, match="spark1 has no address at its ConnectX port"):
        links_of(SPARKS, [read_seen(text), seen(12)])


def test_a_port_without_an_address_is_no_link() -> None:
    bare = read_seen(said({"enp1s0f0np0": None}))
    with pytest.raises(ClusterNoLink):
        links_of(SPARKS, [seen(11), bare])


def test_cables_in_different_ports() -> None:
    other = read_seen(said({"enp1s0f1np1": "10.88.1.12"}, {"rocep1s0f1": "enp1s0f1np1"}))
    with pytest.raises(ClusterNoLink) as caught:
        links_of(SPARKS, [seen(11), other])
    assert "spark1 is connected at enp1s0f0np0 and spark2 at enp1s0f1np1" in caught.value.message
    assert "same port" in caught.value.advice


def test_two_sparks_with_one_address() -> None:
    with pytest.raises(ClusterNoLink, match="same address"):
        links_of(SPARKS, [seen(11), seen(11)])
