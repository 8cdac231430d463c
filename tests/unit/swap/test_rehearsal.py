"""A dry run: the commands of a swap as lines."""

from spark_control.engines.domain import Address
from spark_control.swap.domain import Link, Plan, Seat, Unit
from spark_control.swap.rehearsal import rehearse

UNIT = Unit(
    job="dry-run", key="one", source="org/one", container="vllm_node", image="vllm-node",
    port=8888, launch_dir="~/spark-vllm-docker", args=("--max-model-len", "4096"),
)  # fmt: skip


def test_the_commands_of_a_swap() -> None:
    (host,) = rehearse(Plan("spark2", Address("10.88.0.12", 8888), UNIT))
    assert host.spark == "spark2"
    assert [step.command for step in host.steps][:3] == [
        "exec docker exec vllm_node pkill -TERM -f 'vllm serve'",
        "exec docker rm -f vllm_node",
        'cat > "$HOME"/.spark-control/launch-vllm_node.sh',
    ]
    assert host.steps[2].stdin is not None
    assert host.steps[2].stdin.endswith("-tp 1 --max-model-len 4096\n")
    assert "./launch-cluster.sh --name vllm_node" in host.steps[3].command
    assert "sc.job=dry-run" in host.steps[3].command


def test_the_commands_of_a_cluster_on_each_spark() -> None:
    from dataclasses import replace

    seats = [Seat(f"spark{n}", Address(f"10.88.0.1{n}", 8888)) for n in (1, 2, 3)]
    unit = replace(UNIT, ranks=("spark1", "spark2"))
    plan = Plan("spark1", seats[0].address, unit, workers=(seats[1],), ends=(seats[2],))
    links = (Link("spark1", "10.88.1.11"), Link("spark2", "10.88.1.12"))
    one, two, three = rehearse(plan, links)
    assert [host.spark for host in (one, two, three)] == ["spark1", "spark2", "spark3"]
    assert one.steps[0].does == "Try SSH to spark2"
    assert "-n 10.88.1.11,10.88.1.12" in one.steps[-1].command
    assert [step.does for step in two.steps][2:] == ["See that spark1 has started its part here"]
    assert len(three.steps) == 2
