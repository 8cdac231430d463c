"""The words of a swap."""

from dataclasses import replace

from spark_control.swap.domain import Fence, Unit

UNIT = Unit(
    job="sw_1", key="qwen36", source="Qwen/Qwen3.6", container="vllm_node", image="vllm-node",
    port=8888, launch_dir="~/spark-vllm-docker",
)  # fmt: skip


def test_a_plan_of_an_older_version_is_under_no_fence() -> None:
    assert UNIT.under is None
    assert replace(UNIT, realm="r1", fence=0).under == Fence("r1", 0)
