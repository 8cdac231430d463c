"""The one answer that API, menu, page and swap use."""

from dataclasses import replace

from spark_control.models.assess import assess, cluster_size, loads, usual_spark
from spark_control.models.domain import (
    NO_ROOM,
    Facts,
    Knobs,
    Layers,
    Measured,
    Mode,
    Model,
    Recipe,
    Room,
)
from spark_control.models.fit import GIB, Basis, Verdict

RECIPE = Recipe(
    key="a", name="A", repo="org/a",
    vllm_args=("--max-model-len", "32768", "--gpu-memory-utilization", "0.7"),
)  # fmt: skip
FACTS = Facts(context=262144, layers=Layers(full=48, heads=32, kv_heads=4, head_dim=128))
MODEL = Model(key="a", name="A", repo="org/a", facts=FACTS, weight_bytes=30 * GIB, recipe=RECIPE,
              hosts=("spark1", "spark2"), complete_on=("spark2",))  # fmt: skip
ROOM = Room({"spark1": int(121.7 * GIB), "spark2": 40 * GIB})


def test_each_spark_has_its_own_memory() -> None:
    assert assess(MODEL, ROOM, "spark1").verdict is Verdict.FITS
    assert assess(MODEL, ROOM, "spark2").verdict is Verdict.NO
    assert assess(MODEL, NO_ROOM, "spark1").verdict is Verdict.UNKNOWN


def test_knobs_count() -> None:
    turned = replace(MODEL, knobs=Knobs(max_model_len=1024, kv_cache_fp8=True))
    found = assess(turned, ROOM, "spark1")
    assert {term.name: term.bytes for term in found.terms}["kv_needed"] == 49152 * 1024


def test_what_is_asked_takes_the_place_of_the_launch() -> None:
    found = assess(MODEL, ROOM, "spark1", context=300_000, sequences=4)
    assert (found.context, found.sequences) == (300_000, 4)
    assert assess(MODEL, ROOM, "spark1", sequences=0).sequences == 1


def test_a_model_without_a_recipe_is_judged_by_its_proposal() -> None:
    bare = replace(MODEL, recipe=None)
    assert assess(bare, ROOM, "spark1").context == 262144
    assert loads(bare) == ""


def test_a_cluster_divides_over_those_that_hold_it() -> None:
    many = replace(MODEL, recipe=replace(RECIPE, mode=Mode.CLUSTER), complete_on=("a", "b", "c"))
    notes = {term.name: term.note for term in assess(many, ROOM, "spark1").terms}
    assert notes["weights"] == "files on disk, over 2 Sparks"  # 32 heads are not dealt to three


def test_how_many_sparks_a_cluster_takes() -> None:
    unknown = replace(MODEL, facts=Facts(), complete_on=tuple("abcdef"))
    heads = replace(unknown, facts=Facts(layers=Layers(heads=48)))
    assert [cluster_size(one) for one in (MODEL, unknown, heads)] == [2, 4, 6]


def test_what_was_measured_counts() -> None:
    room = Room(ROOM.memory, Measured(30 * GIB, 20 * GIB, 200_000))
    assert assess(MODEL, room, "spark1").basis is Basis.MEASURED
    assert loads(MODEL) != loads(replace(MODEL, knobs=Knobs(prefix_caching=True)))


def test_the_spark_a_swap_takes() -> None:
    assert usual_spark(MODEL, ROOM) == "spark2"
    assert usual_spark(replace(MODEL, complete_on=()), ROOM) == "spark1"
    assert usual_spark(replace(MODEL, complete_on=(), hosts=()), ROOM) == "spark1"
    assert usual_spark(replace(MODEL, complete_on=(), hosts=()), NO_ROOM) == ""
