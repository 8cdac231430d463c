"""The whole check of one launch, over the lists that vLLM's own parser was measured with."""

import shlex

import pytest

from spark_control.models.domain import Facts
from spark_control.swap.preflight import check
from spark_control.swap.traps import Finding, Launch
from tests.unit.swap.tables import packaged

TABLE = packaged()
BARE = Launch(Facts(), {})


def found(line: str) -> list[Finding]:
    return check(TABLE, shlex.split(line), BARE)


GOOD = [
    "M --host 0.0.0.0 --port 8000", "M --max-model-len auto", "M --max-model-len=-1",
    "M --max_model_len 4096", "M -tp 2 -pp 1", "M -O3", "M --kv-cache-dtype fp8",
    "M --moe_backend b12x",
    """M --speculative-config '{"method":"ngram","num_speculative_tokens":3}'""",
    "M --speculative-config.method ngram --speculative-config.num_speculative_tokens 3",
    "M --enable-auto-tool-choice --tool-call-parser hermes --reasoning-parser qwen3",
    "openai/gpt-oss-120b --tensor-parallel-size 2 --distributed-executor-backend ray "
    "--gpu-memory-utilization 0.7 --max-num-seqs 16 --max-num-batched-tokens 8K --load-format "
    "fastsafetensors --enable-auto-tool-choice --tool-call-parser openai --async-scheduling",
]  # fmt: skip
BAD = [
    ("M --foo 1", "unknown_option"), ("M --max-num 8", "ambiguous_option"),
    ("M --max-model-len abc", "bad_value"), ("M --kv-cache-dtype fp9", "out_of_range"),
    ("M --gpu-memory-utilization 1.5", "out_of_range"), ("--max-model-len 4", "model_missing"),
    ("", "model_missing"), ("M --port 99999", "out_of_range"), ("M --dtype fp16", "bad_value"),
    ("M --tensor-parallel-size 0", "out_of_range"), ("M --swap-space 4", "unknown_option"),
]  # fmt: skip


@pytest.mark.parametrize("line", GOOD)
def test_good_lists(line: str) -> None:
    assert found(line) == []


@pytest.mark.parametrize(("line", "code"), BAD)
def test_bad_lists(line: str, code: str) -> None:
    (one,) = found(line)
    assert (one.code, one.error) == (code, True)


def test_all_problems_are_told_and_errors_first() -> None:
    all_of_them = found("M --gpu-memory-util 0.9 --foo 1 --dtype fp16 --dtype fp16")
    assert [one.code for one in all_of_them] == [
        "unknown_option", "bad_value", "share_high", "twice", "shortened",
    ]  # fmt: skip


def test_what_the_image_may_know_better_is_grammar() -> None:
    (name,) = found("M --kv-cache-dtype new_type")
    (share,) = found("M --gpu-memory-utilization 2")
    assert (name.grammar, share.grammar) == (True, False)
