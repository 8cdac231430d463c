"""A swap is decided from one snapshot."""

from datetime import UTC, datetime

import pytest

from spark_control.core.errors import AppError
from spark_control.engines.domain import Address, Engine, EngineState, Look
from spark_control.fleet.errors import HostUnknown, NoHosts
from spark_control.models.domain import (
    Facts,
    Kind,
    Knobs,
    Layers,
    Measured,
    Mode,
    Model,
    Recipe,
    Room,
)
from spark_control.swap.errors import (
    ClusterTooSmall,
    DoesNotFit,
    ModelIncomplete,
    NeedsSetup,
    NotLaunchable,
)
from spark_control.swap.groups import Group
from spark_control.swap.plan import Wish, World, plan_swap

RECIPE = Recipe(
    key="qwen36", name="Qwen3.6", repo="Qwen/Qwen3.6", vllm_args=("--max-model-len", "262144"),
    env=(("VLLM_X", "1"),), image="vllm-node-x", mods=("mods/a",),
)  # fmt: skip
MODEL = Model(
    key="qwen36", name="Qwen3.6", repo="Qwen/Qwen3.6", hosts=("spark1", "spark2"),
    complete_on=("spark1", "spark2"), recipe=RECIPE, kind=Kind.CHAT,
)  # fmt: skip
SLOTS = {"spark1": Address("10.88.0.11", 8888), "spark2": Address("10.88.0.12", 8888)}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def world(model: Model = MODEL, *engines: Engine, sparks: tuple[str, ...] = tuple(SLOTS)) -> World:
    return World(sparks, SLOTS, engines, model, "vllm_node", "~/spark-vllm-docker")


def but(**changes: object) -> Model:
    from dataclasses import replace

    return replace(MODEL, **changes)  # type: ignore[arg-type]


def test_the_first_spark_that_holds_it_whole() -> None:
    assert plan_swap(world(), Wish("qwen36"), job="sw_1").spark == "spark1"
    only_second = but(complete_on=("spark2",))
    assert plan_swap(world(only_second), Wish("qwen36"), job="sw_1").spark == "spark2"


def test_the_spark_that_was_asked_for() -> None:
    plan = plan_swap(world(), Wish("qwen36", "spark2"), job="sw_1")
    assert (plan.spark, plan.address) == ("spark2", SLOTS["spark2"])


def test_the_unit_is_the_recipe_with_its_knobs() -> None:
    model = but(knobs=Knobs(max_model_len=4096))
    unit = plan_swap(world(model), Wish("qwen36"), job="sw_1").unit
    assert (unit.job, unit.key, unit.source, unit.image) == (
        "sw_1", "qwen36", "Qwen/Qwen3.6", "vllm-node-x",
    )  # fmt: skip
    assert unit.args == ("--max-model-len", "4096")
    assert (unit.env, unit.mods, unit.mount, unit.port) == (
        {"VLLM_X": "1"}, ("mods/a",), None, 8888,
    )  # fmt: skip


def test_a_model_that_is_a_folder_is_mounted() -> None:
    path = "/home/user/models/x"
    model = but(repo=None, local_path=path)
    unit = plan_swap(world(model), Wish("qwen36"), job="sw_1").unit
    assert (unit.source, unit.mount) == (path, path)


def test_what_has_to_go() -> None:
    there = Engine("spark1", SLOTS["spark1"], Look(EngineState.SERVING, ("old", "org/old")), NOW)
    beside = Engine("spark2", SLOTS["spark2"], Look(EngineState.SERVING, ("other",)), NOW)
    loading = Engine("spark1", SLOTS["spark1"], Look(EngineState.LOADING), NOW)
    plan = plan_swap(world(MODEL, there, beside, loading), Wish("qwen36"), job="sw_1")
    assert plan.replaces == ("old",)


@pytest.mark.parametrize(
    ("model", "wish", "kind"),
    [
        (but(kind=Kind.EMBEDDING), Wish("qwen36"), NotLaunchable),
        (but(recipe=None), Wish("qwen36"), NeedsSetup),
        (
            but(hosts=("spark1",), complete_on=("spark1",)),
            Wish("qwen36", "spark2"),
            ModelIncomplete,
        ),
        (but(complete_on=()), Wish("qwen36"), ModelIncomplete),
        (but(complete_on=("spark1",)), Wish("qwen36", "spark2"), ModelIncomplete),
        (MODEL, Wish("qwen36", "spark9"), HostUnknown),
    ],
)
def test_what_cannot_be_done(model: Model, wish: Wish, kind: type[AppError]) -> None:
    with pytest.raises(kind):
        plan_swap(world(model), wish, job="sw_1")


def test_no_spark() -> None:
    with pytest.raises(NoHosts):
        plan_swap(world(sparks=()), Wish("qwen36"), job="sw_1")


GIB = 1 << 30
FACTS = Facts(context=262144, layers=Layers(full=48, heads=32, kv_heads=4, head_dim=128))


def roomy(memory: int | None, **more: object) -> World:
    model = but(facts=FACTS, weight_bytes=30 * GIB, **more)
    from dataclasses import replace

    return replace(world(model), room=Room({} if memory is None else {"spark1": memory * GIB}))


def test_what_does_not_fit_is_refused_with_the_sum() -> None:
    with pytest.raises(DoesNotFit) as caught:
        plan_swap(roomy(60), Wish("qwen36"), job="")
    error = caught.value
    assert error.message.startswith("Qwen3.6 does not fit on spark1: It is ")
    longest = error.detail["max_context"]
    assert error.advice.startswith(f"There is room for a context of {longest} tokens. ")
    terms = error.detail["terms"]
    assert isinstance(terms, list)
    assert {"name": "kv_needed", "bytes": 24 * GIB, "basis": "estimated"} in terms


def test_what_cannot_fit_at_all_has_no_context_to_offer() -> None:
    with pytest.raises(DoesNotFit) as caught:
        plan_swap(roomy(20), Wish("qwen36"), job="")
    assert caught.value.advice == DoesNotFit.hint


@pytest.mark.parametrize("memory", [None, 70, 122])
def test_what_is_tight_or_not_known_is_not_refused(memory: int | None) -> None:
    assert plan_swap(roomy(memory), Wish("qwen36"), job="").spark == "spark1"


def test_what_came_up_before_is_not_refused() -> None:
    from dataclasses import replace

    there = roomy(60)
    seen = replace(there, room=replace(there.room, measured=Measured(30 * GIB, 25 * GIB, 266_000)))
    assert plan_swap(seen, Wish("qwen36"), job="").spark == "spark1"


CLUSTER = but(mode=Mode.CLUSTER)
THREE = {**SLOTS, "spark3": Address("10.88.0.13", 8888)}
ALL = tuple(THREE)


def over(model: Model, *engines: Engine, sparks: tuple[str, ...] = ALL) -> World:
    return World(sparks, THREE, engines, model, "vllm_node", "~/spark-vllm-docker")


def test_a_cluster_takes_the_sparks_that_hold_the_model() -> None:
    plan = plan_swap(over(CLUSTER), Wish("qwen36"), job="sw_1")
    assert (plan.spark, plan.ranks, plan.sparks) == ("spark1", ("spark1", "spark2"), plan.ranks)
    assert plan.address == SLOTS["spark1"]
    assert [seat.address for seat in plan.workers] == [SLOTS["spark2"]]
    assert (plan.unit.ranks, plan.unit.size) == (("spark1", "spark2"), 2)
    asked = plan_swap(over(CLUSTER), Wish("qwen36", "spark2"), job="sw_1")
    assert asked.ranks == ("spark2", "spark1")
    outer = but(mode=Mode.CLUSTER, hosts=("spark1", "spark3"), complete_on=("spark1", "spark3"))
    assert plan_swap(over(outer), Wish("qwen36"), job="sw_1").ranks == ("spark1", "spark3")


def test_a_cluster_is_as_large_as_its_heads_can_be_dealt_out() -> None:
    def ranks(heads: int) -> int:
        facts = Facts(layers=Layers(full=2, heads=heads, kv_heads=8, head_dim=128))
        model = but(mode=Mode.CLUSTER, hosts=ALL, complete_on=ALL, facts=facts)
        return len(plan_swap(over(model), Wish("qwen36"), job="").ranks)

    assert (ranks(48), ranks(64)) == (3, 2)


@pytest.mark.parametrize(
    ("hosts", "whole", "host", "lacking"),
    [
        (("spark1",), ("spark1",), None, "No copy of Qwen3.6 was seen on spark2."),
        (("spark1", "spark2"), ("spark1",), None, "Qwen3.6 is not whole on spark2."),
        (("spark1", "spark2"), ("spark2",), None, "Qwen3.6 is not whole on spark1."),
        (("spark2",), ("spark2",), "spark1", "No copy of Qwen3.6 was seen on spark1."),
    ],
)
def test_a_cluster_that_lacks_a_copy(
    hosts: tuple[str, ...], whole: tuple[str, ...], host: str | None, lacking: str
) -> None:
    model = but(mode=Mode.CLUSTER, hosts=hosts, complete_on=whole)
    with pytest.raises(ModelIncomplete) as caught:
        plan_swap(over(model), Wish("qwen36", host), job="")
    assert caught.value.message == lacking


def test_one_spark_is_no_cluster() -> None:
    with pytest.raises(ClusterTooSmall):
        plan_swap(over(CLUSTER, sparks=("spark1",)), Wish("qwen36"), job="")


def test_a_cluster_must_fit_on_each_of_its_sparks() -> None:
    from dataclasses import replace

    model = but(facts=FACTS, weight_bytes=100 * GIB, mode=Mode.CLUSTER,
                recipe=replace(RECIPE, mode=Mode.CLUSTER))  # fmt: skip
    small = {"spark1": 122 * GIB, "spark2": 40 * GIB}
    with pytest.raises(DoesNotFit) as caught:
        plan_swap(replace(over(model), room=Room(small)), Wish("qwen36"), job="")
    assert caught.value.detail["spark"] == "spark2"
    even = {"spark1": 122 * GIB, "spark2": 122 * GIB}
    plan = plan_swap(replace(over(model), room=Room(even)), Wish("qwen36"), job="")
    assert plan.ranks == ("spark1", "spark2")


def test_a_part_of_a_cluster_takes_the_others_with_it() -> None:
    from dataclasses import replace

    head = Engine("spark1", SLOTS["spark1"], Look(EngineState.SERVING, ("big", "org/big")), NOW)
    group = Group("sw_0", "big", ("spark1", "spark2", "gone"))
    there = replace(over(MODEL, head), groups=[group])
    plan = plan_swap(there, Wish("qwen36", "spark2"), job="sw_1")
    assert (plan.ranks, plan.sparks) == (("spark2",), ("spark2", "spark1"))
    assert (plan.replaces, plan.back_to) == (("big",), "spark1")
    assert plan.unit.ranks == ()
    aside = plan_swap(replace(there, groups=[]), Wish("qwen36", "spark2"), job="sw_1")
    assert (aside.replaces, aside.back_to, aside.ends) == ((), "", ())
