"""A saved knob replaces the recipe's flag and is what the next swap launches."""

import pytest

from spark_control.models.domain import NO_KNOBS, Knobs, Recipe
from spark_control.models.knobs import effective_args, effective_knobs


def recipe(*args: str) -> Recipe:
    return Recipe(key="a", name="A", repo="org/a", vllm_args=args)


def test_without_knobs_the_recipe_is_launched_as_written() -> None:
    args = ("--max_model_len=5", "--gpu-memory-utilization", "0.7")
    assert effective_args(recipe(*args), NO_KNOBS) == args


@pytest.mark.parametrize(
    "args",
    [
        ("--max-model-len", "262144"),
        ("--max-model-len=262144",),
        ("--max_model_len", "262144"),
        ("--max-model-len", "262144", "--max_model_len=1"),
        (),
    ],
)
def test_the_context_is_never_doubled(args: tuple[str, ...]) -> None:
    assert effective_args(recipe(*args), Knobs(max_model_len=131072)) == (
        "--max-model-len", "131072",
    )  # fmt: skip


@pytest.mark.parametrize(
    "args",
    [
        ("--gpu-memory-utilization", "0.7"),
        ("--gpu_memory_utilization=0.7",),
        ("--gpu-memory-util", "0.7"),
        ("--device-memory-utilization", "0.7"),
        ("--gpu-memory-utilization-gb", "108"),
        ("--gpu-memory-utilization", "0.7", "--kv-cache-memory-bytes", "8G"),
    ],
)
def test_the_share_takes_the_place_of_all_that_would_overrule_it(args: tuple[str, ...]) -> None:
    assert effective_args(recipe(*args), Knobs(gpu_memory_utilization=0.8)) == (
        "--gpu-memory-utilization", "0.8",
    )  # fmt: skip


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--enable-prefix-caching",),
        ("--no-enable-prefix-caching",),
        ("--disable-prefix-caching",),
        ("--enable_prefix_caching", "--no-enable-prefix-caching"),
    ],
)
def test_prefix_caching_is_said_once(args: tuple[str, ...]) -> None:
    on, off = Knobs(prefix_caching=True), Knobs(prefix_caching=False)
    assert effective_args(recipe(*args), on) == ("--enable-prefix-caching",)
    assert effective_args(recipe(*args), off) == ("--no-enable-prefix-caching",)


@pytest.mark.parametrize(
    ("args", "wish", "expected"),
    [
        ((), True, ("--load-format", "fastsafetensors")),
        ((), False, ()),
        (("--load-format", "fastsafetensors"), True, ("--load-format", "fastsafetensors")),
        (("--load_format=fastsafetensors",), False, ()),
        (("--load-format", "instanttensor"), True, ("--load-format", "fastsafetensors")),
        (("--load-format", "instanttensor"), False, ("--load-format", "instanttensor")),
    ],
)
def test_fastsafetensors(args: tuple[str, ...], wish: bool, expected: tuple[str, ...]) -> None:  # noqa: FBT001 - a case
    assert effective_args(recipe(*args), Knobs(fastsafetensors=wish)) == expected


@pytest.mark.parametrize(
    ("args", "wish", "expected"),
    [
        ((), True, ("--kv-cache-dtype", "fp8")),
        ((), False, ()),
        (("--kv-cache-dtype=fp8",), False, ()),
        (("--kv-cache-dtype", "fp8_e4m3"), True, ("--kv-cache-dtype", "fp8_e4m3")),
        (("--kv-cache-dtype", "fp8_e4m3"), False, ()),
        (("--kv-cache-dtype", "nvfp4"), True, ("--kv-cache-dtype", "fp8")),
        (("--kv-cache-dtype", "nvfp4"), False, ("--kv-cache-dtype", "nvfp4")),
    ],
)
def test_fp8_cache(args: tuple[str, ...], wish: bool, expected: tuple[str, ...]) -> None:  # noqa: FBT001 - a case
    assert effective_args(recipe(*args), Knobs(kv_cache_fp8=wish)) == expected


def test_all_knobs_together_keep_the_other_flags() -> None:
    args = ("--max-model-len", "5", "--seed", "7", "--kv-cache-dtype", "auto")
    knobs = Knobs(131072, 0.85, fastsafetensors=True, prefix_caching=True, kv_cache_fp8=True)
    assert effective_args(recipe(*args), knobs) == (
        "--max-model-len", "131072", "--seed", "7", "--kv-cache-dtype", "fp8",
        "--gpu-memory-utilization", "0.85", "--enable-prefix-caching",
        "--load-format", "fastsafetensors",
    )  # fmt: skip


def test_effective_knobs_read_the_recipe_and_the_saved_ones_win() -> None:
    args = (
        "--max-model-len", "262144", "--gpu-memory-utilization", "0.7", "--kv-cache-dtype",
        "fp8", "--load-format", "fastsafetensors", "--enable-prefix-caching",
    )  # fmt: skip
    read = effective_knobs(recipe(*args), NO_KNOBS)
    assert read == Knobs(262144, 0.7, True, True, True)  # noqa: FBT003 - five knobs in order
    saved = effective_knobs(recipe(*args), Knobs(max_model_len=4096, kv_cache_fp8=False))
    assert saved == Knobs(4096, 0.7, True, True, False)  # noqa: FBT003 - five knobs in order


def test_what_vllm_decides_by_itself_is_not_known() -> None:
    assert effective_knobs(recipe(), NO_KNOBS) == Knobs(
        None, None, fastsafetensors=False, prefix_caching=None, kv_cache_fp8=False
    )


def test_the_last_of_two_flags_is_in_force() -> None:
    args = ("--enable-prefix-caching", "--no-enable-prefix-caching", "--max-model-len", "1",
            "--max-model-len", "2")  # fmt: skip
    read = effective_knobs(recipe(*args), NO_KNOBS)
    assert (read.prefix_caching, read.max_model_len) == (False, 2)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("32k", 32000),
        ("32K", 32768),
        ("1.5k", 1500),
        ("1M", 1048576),
        ("auto", None),
        ("-1", None),
    ],
)
def test_context_as_vllm_writes_it(text: str, tokens: int | None) -> None:
    assert effective_knobs(recipe(f"--max-model-len={text}"), NO_KNOBS).max_model_len == tokens


def test_a_share_that_is_no_number_is_not_known() -> None:
    read = effective_knobs(recipe("--gpu-memory-utilization", "much"), NO_KNOBS)
    assert read.gpu_memory_utilization is None


def test_a_model_without_recipe_has_what_was_saved() -> None:
    assert effective_knobs(None, Knobs(max_model_len=5)) == Knobs(max_model_len=5)
