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
    ClusterUnsupported,
    DoesNotFit,
    ModelIncomplete,
    NeedsSetup,
    NotLaunchable,
)
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
        (but(mode=Mode.CLUSTER), Wish("qwen36"), ClusterUnsupported),
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
