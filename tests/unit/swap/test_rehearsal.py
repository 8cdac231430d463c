"""A dry run: the commands of a swap as lines."""

from spark_control.engines.domain import Address
from spark_control.swap.domain import Plan, Unit
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
