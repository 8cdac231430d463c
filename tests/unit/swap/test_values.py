"""Values of options: what the parser takes, and what the settings take later."""

import pytest

from spark_control.swap.options import Option
from spark_control.swap.values import out_of_range, refused, tokens
from tests.unit.swap.tables import packaged

FLAGS = packaged().by_flag


@pytest.mark.parametrize(("flag", "text"), [
    ("--max-model-len", "32k"), ("--max-model-len", "32.5K"), ("--max-model-len", "auto"),
    ("--max-model-len", "-1"), ("--max-num-batched-tokens", "8k"), ("--seed", "3"),
    ("--gpu-memory-utilization", "0.8"), ("--dtype", "half"), ("--moe-backend", "DEEP-GEMM"),
    ("--speculative-config", '{"method": "ngram"}'), ("--max-lora-rank", "16"),
    ("--quantization", "None"), ("--kv-cache-memory-bytes", ""), ("--load-format", "anything"),
])  # fmt: skip
def test_values_that_are_taken(flag: str, text: str) -> None:
    assert refused(FLAGS[flag], text) is None


@pytest.mark.parametrize(("flag", "text", "wanted"), [
    ("--max-model-len", "abc", "32K, or `auto`"),
    ("--tensor-parallel-size", "2.5", "whole number"),
    ("--gpu-memory-utilization", "most", "a number"), ("--dtype", "fp16", "`half`"),
    ("--moe-backend", "nope", "`triton`"), ("--speculative-config", "{method: ngram}", "JSON"),
    ("--max-lora-rank", "7", "`16`"), ("--max-num-batched-tokens", "auto", "32K"),
    ("--speculative-config", "[" * 100_000, "JSON"),
])  # fmt: skip
def test_values_that_are_refused(flag: str, text: str, wanted: str) -> None:
    assert wanted in str(refused(FLAGS[flag], text))


@pytest.mark.parametrize(("flag", "text", "wanted"), [
    ("--gpu-memory-utilization", "1.5", "more than 0 and at most 1"),
    ("--gpu-memory-utilization", "0", "more than 0 and at most 1"),
    ("--port", "99999", "from 1 to 65535"), ("--max-num-seqs", "-4", "1 or more"),
    ("-tp", "0", "1 or more"), ("--kv-cache-dtype", "fp9", "`fp8`"),
    ("--max-num-batched-tokens", "0", "1 or more"),
])  # fmt: skip
def test_values_outside_the_limits(flag: str, text: str, wanted: str) -> None:
    assert wanted in str(out_of_range(FLAGS[flag], text))


@pytest.mark.parametrize(("flag", "text"), [
    ("--gpu-memory-utilization", "1"), ("--port", "8888"), ("--max-num-seqs", "x"),
    ("--kv-cache-dtype", "fp8"), ("--seed", "-4"), ("--max-num-batched-tokens", "16K"),
])  # fmt: skip
def test_values_inside_the_limits(flag: str, text: str) -> None:
    assert out_of_range(FLAGS[flag], text) is None


def test_thousands_and_powers_of_two() -> None:
    assert (tokens("32k"), tokens("32K"), tokens("7")) == (32000, 32768, 7)


def test_a_number_too_large_to_be_one() -> None:
    assert refused(Option(("--x",), kind="human_readable_int"), "9" * 400 + "k") is not None
