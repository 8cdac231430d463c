"""The words of a swap."""

from dataclasses import replace

from spark_control.engines.domain import Address
from spark_control.swap.domain import Fence, Plan, Seat, Unit

UNIT = Unit(
    job="sw_1", key="qwen36", source="Qwen/Qwen3.6", container="vllm_node", image="vllm-node",
    port=8888, launch_dir="~/spark-vllm-docker",
)  # fmt: skip


def test_a_plan_of_an_older_version_is_under_no_fence() -> None:
    assert UNIT.under is None
    assert replace(UNIT, realm="r1", fence=0).under == Fence("r1", 0)


def test_the_sparks_of_a_plan() -> None:
    one, two, three = (Seat(f"spark{n}", Address(f"10.88.0.1{n}", 8888)) for n in (1, 2, 3))
    plan = Plan(one.spark, one.address, UNIT, workers=(two,), ends=(three,))
    assert plan.seats == (one, two, three)
    assert (plan.sparks, plan.ranks) == (("spark1", "spark2", "spark3"), ("spark1", "spark2"))
    assert (UNIT.size, replace(UNIT, ranks=plan.ranks).size) == (1, 2)
