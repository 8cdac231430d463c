"""Whether it fits: vLLM's own numbers, and what must hold for any model."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.models.domain import Layers, Measured
from spark_control.models.fit import (
    GIB,
    Basis,
    Demand,
    Fit,
    Verdict,
    activations,
    fit,
    kv_fixed,
    kv_of_one,
    kv_per_token,
    longest_context,
)

SPARK = int(121.7 * GIB)
QWEN = Layers(full=48, heads=32, kv_heads=4, head_dim=128)
MINIMAX = Layers(full=62, heads=48, kv_heads=8, head_dim=128)
LATENT = Layers(full=61, heads=128, kv_heads=128, head_dim=56, latent=512, rope=64)
MIXED = Layers(full=18, windowed=18, heads=64, kv_heads=8, head_dim=64, window=128)
STATES = Layers(
    full=10, stateful=30, heads=16, kv_heads=2, head_dim=256, conv_values=24576,
    state_values=524288,
)  # fmt: skip
PLAIN = Demand(weight_bytes=30 * GIB, layers=QWEN, context=32768, longest=262144, share=0.7)


def terms(found: Fit) -> dict[str, int | None]:
    return {term.name: term.bytes for term in found.terms}


def test_what_vllm_said_of_two_models() -> None:
    two = Demand(weight_bytes=0, layers=MINIMAX, tp=2)
    assert kv_of_one(MINIMAX, two, 196608) == 23.25 * GIB
    one = Demand(weight_bytes=0, layers=QWEN)
    assert kv_of_one(QWEN, one, 262144) == 24.0 * GIB


def test_latent_attention_is_not_divided() -> None:
    assert kv_per_token(LATENT, 2, 1) == kv_per_token(LATENT, 2, 2) == 61 * 576 * 2
    sparse = replace(LATENT, indexer=128)
    assert kv_per_token(sparse, 1, 2) == 61 * (656 + 132)
    assert kv_per_token(sparse, 2, 1) == 61 * (576 * 2 + 128)


def test_one_head_cannot_be_divided() -> None:
    single = replace(QWEN, kv_heads=1)
    assert kv_per_token(single, 2, 1) == kv_per_token(single, 2, 2)
    assert kv_per_token(QWEN, 0.5625, 1) == 48 * 576


def test_full_layers_of_another_shape() -> None:
    other = replace(QWEN, full_kv_heads=2, full_head_dim=512)
    assert kv_per_token(other, 2, 1) == 48 * 2 * 1024 * 2
    assert kv_per_token(replace(QWEN, value_dim=64), 2, 1) == 48 * 4 * 192 * 2


def test_a_window_stops_growing() -> None:
    demand = Demand(weight_bytes=0, layers=MIXED, batch=8192)
    assert kv_fixed(MIXED, demand, 10**6) == kv_fixed(MIXED, demand, 10**5)
    blocks = (127 + 8192 + 15) // 16 + 1
    assert kv_fixed(MIXED, demand, 10**5) == 18 * blocks * 16 * 8 * 128 * 2
    assert kv_fixed(MIXED, demand, 16) == 18 * 2 * 16 * 8 * 128 * 2


def test_a_state_does_not_grow_and_is_kept_twice_with_cached_prefixes() -> None:
    demand = Demand(weight_bytes=0, layers=STATES)
    one = 30 * (2 * 24576 + 4 * 524288)
    assert kv_fixed(STATES, demand, 1) == kv_fixed(STATES, demand, 10**6) == one
    assert kv_fixed(STATES, replace(demand, states=2), 1) == 2 * one
    assert kv_fixed(STATES, replace(demand, tp=2), 1) == one // 2


def test_the_sum() -> None:
    found = fit(PLAIN, SPARK)
    assert (found.verdict, found.basis) == (Verdict.FITS, Basis.ESTIMATED)
    by_name = terms(found)
    budget = int(0.7 * SPARK)
    engine = activations(PLAIN) + 2 * GIB
    assert by_name["budget"] == budget
    assert by_name["kv_available"] == budget - 30 * GIB - engine
    assert by_name["kv_needed"] == 3 * GIB
    assert found.needed_bytes == 30 * GIB + engine + 3 * GIB
    assert found.spare_bytes == budget - found.needed_bytes
    assert (found.max_context, found.context) == (262144, 32768)
    assert found.max_sequences == (budget - 30 * GIB - engine) // (3 * GIB)
    assert found.reason == f"{(found.spare_bytes or 0) / GIB:.1f} GiB of the KV cache stay free."


def test_activations_grow_with_the_batch_up_to_a_limit() -> None:
    sizes = [activations(replace(PLAIN, batch=batch)) for batch in (0, 8192, 16384, 10**6)]
    assert sizes == [GIB, 2.5 * GIB, 4 * GIB, 4 * GIB]


@pytest.mark.parametrize(
    ("weights", "share", "verdict", "reason"),
    [
        (73, 0.7, Verdict.TIGHT, "Only 4.7 GiB of the KV cache stay free."),
        (79, 0.7, Verdict.TIGHT, "It is 1.3 GiB short by the estimate, which may be wrong."),
        (83, 0.7, Verdict.NO, "It is 5.3 GiB short."),
        (30, 0.9, Verdict.TIGHT, "It leaves only 12.2 GiB of memory to the system."),
        (30, 0.86, Verdict.FITS, "67.2 GiB of the KV cache stay free."),
    ],
)
def test_the_verdict(weights: int, share: float, verdict: Verdict, reason: str) -> None:
    found = fit(replace(PLAIN, weight_bytes=weights * GIB, share=share), SPARK)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_little_left_for_the_system() -> None:
    small = 30 * GIB
    found = fit(replace(PLAIN, weight_bytes=GIB, share=0.85), small)
    assert (found.verdict, found.reason) == (
        Verdict.TIGHT, "It leaves only 4.5 GiB of memory to the system.",
    )  # fmt: skip


def test_weights_that_shrink_are_given_the_benefit_of_the_doubt() -> None:
    large = replace(PLAIN, weight_bytes=84 * GIB)
    assert fit(large, SPARK).verdict is Verdict.NO
    assert fit(replace(large, shrinks=True), SPARK).verdict is Verdict.TIGHT


def test_nothing_known_of_the_memory() -> None:
    found = fit(PLAIN, None)
    assert (found.verdict, found.max_context) == (Verdict.UNKNOWN, None)
    assert found.needed_bytes is not None
    assert terms(found)["kv_available"] is None


def test_nothing_known_of_the_layers() -> None:
    bare = replace(PLAIN, layers=None)
    assert fit(bare, SPARK).verdict is Verdict.UNKNOWN
    assert fit(bare, None).verdict is Verdict.UNKNOWN
    large = fit(replace(bare, weight_bytes=100 * GIB), SPARK)
    assert (large.verdict, large.reason) == (
        Verdict.NO, "The weights alone are 19.3 GiB too large.",
    )  # fmt: skip
    known = Measured(30 * GIB, 40 * GIB, 400_000)
    assert fit(bare, SPARK, known).verdict is Verdict.FITS
    assert fit(replace(PLAIN, context=None, longest=None), None).verdict is Verdict.UNKNOWN


def test_sizes_in_place_of_a_share() -> None:
    found = terms(fit(replace(PLAIN, budget=60 * GIB), SPARK))
    assert (found["budget"], found["host"]) == (60 * GIB, SPARK - 60 * GIB)
    given_size = fit(replace(PLAIN, kv_given=2 * GIB), None)
    assert (given_size.verdict, given_size.spare_bytes) == (Verdict.TIGHT, -GIB)
    assert fit(replace(PLAIN, kv_given=20 * GIB), None).verdict is Verdict.FITS


def test_as_much_context_as_there_is_room_for() -> None:
    auto = replace(PLAIN, context=None, weight_bytes=60 * GIB)
    found = fit(auto, SPARK)
    assert found.context == found.max_context == 225989
    assert found.verdict is Verdict.TIGHT
    assert fit(auto, None).context == 262144
    assert fit(replace(auto, weight_bytes=110 * GIB), SPARK).context == 1


def test_what_was_measured_takes_the_place_of_the_estimate() -> None:
    found = fit(PLAIN, SPARK, Measured(31 * GIB, 9 * GIB, 98304))
    by_basis = {term.name: term.basis for term in found.terms}
    assert found.basis is Basis.MEASURED
    assert by_basis["weights"] is by_basis["kv_available"] is Basis.MEASURED
    assert found.spare_bytes == 6 * GIB
    assert fit(PLAIN, SPARK, Measured(31 * GIB, 2 * GIB)).verdict is Verdict.NO
    assert fit(PLAIN, SPARK, Measured(31 * GIB)).basis is Basis.ESTIMATED


def test_two_sparks_share_weights_and_heads() -> None:
    half = fit(replace(PLAIN, tp=2), SPARK)
    by_name = terms(half)
    assert by_name["weights"] == 30 * GIB * 103 // 200
    assert by_name["kv_needed"] == 1.5 * GIB


def test_without_graphs() -> None:
    assert terms(fit(replace(PLAIN, graphs=False), SPARK))["graphs"] == 0


any_layers = st.builds(
    Layers,
    full=st.integers(0, 100), windowed=st.integers(0, 100), stateful=st.integers(0, 50),
    heads=st.just(32), kv_heads=st.integers(1, 32), head_dim=st.sampled_from([64, 128, 256]),
    window=st.sampled_from([0, 128, 4096]), latent=st.sampled_from([0, 512]), rope=st.just(64),
    conv_values=st.integers(0, 10**5), state_values=st.integers(0, 10**6),
)  # fmt: skip
any_demand = st.builds(
    Demand,
    weight_bytes=st.integers(0, 200 * GIB), layers=any_layers,
    context=st.integers(1, 10**6), longest=st.just(10**6), sequences=st.integers(1, 64),
    batch=st.sampled_from([2048, 8192, 16384]), share=st.floats(0.1, 1.0),
    width=st.sampled_from([0.5625, 1.0, 2.0]), tp=st.sampled_from([1, 2]),
)  # fmt: skip


def spare(demand: Demand) -> int:
    found = fit(demand, SPARK).spare_bytes
    assert found is not None
    return found


@given(any_demand, st.integers(0, 10**5))
def test_more_context_never_needs_less(demand: Demand, more: int) -> None:
    longer = replace(demand, context=(demand.context or 0) + more)
    assert spare(longer) <= spare(demand)


@given(any_demand, st.integers(0, 10))
def test_more_sequences_never_need_less(demand: Demand, more: int) -> None:
    assert spare(replace(demand, sequences=demand.sequences + more)) <= spare(demand)


@given(any_demand, st.floats(0, 0.5))
def test_a_larger_share_never_leaves_less(demand: Demand, more: float) -> None:
    larger = replace(demand, share=min(1.0, demand.share + more))
    assert spare(larger) >= spare(demand)
    before, after = fit(demand, SPARK), fit(larger, SPARK)
    assert (after.max_context or 0) >= (before.max_context or 0)
    assert (after.max_sequences or 0) >= (before.max_sequences or 0)


@given(any_demand, st.integers(0, 100 * GIB))
def test_the_longest_context_fits_and_one_more_does_not(demand: Demand, room: int) -> None:
    assert demand.layers is not None
    longest = longest_context(demand.layers, demand, room)
    if longest:
        assert kv_of_one(demand.layers, demand, longest) <= room
    if longest < 10**6:
        assert kv_of_one(demand.layers, demand, longest + 1) > room
