"""What the parser lets through; 2496 > 2048 and 2096 > 2048 among it."""

import pytest

from spark_control.models.domain import Facts
from spark_control.swap.argv import scan
from spark_control.swap.traps import Finding, Launch, traps
from tests.unit.swap.tables import packaged

TABLE = packaged()
PLAIN = Facts()
SEES = Facts(multimodal=True)
HYBRID = Facts(hybrid=True)


def found(line: str, facts: Facts = PLAIN, env: dict[str, str] | None = None) -> list[Finding]:
    return list(traps(TABLE, scan(TABLE, ["M", *line.split()]), Launch(facts, env or {})))


def codes(line: str, facts: Facts = PLAIN, env: dict[str, str] | None = None) -> list[str]:
    return [one.code for one in found(line, facts, env)]


def test_an_image_larger_than_a_batch() -> None:
    (one,) = found("", SEES)
    assert (one.code, one.error, one.grammar) == ("batch_below_item", True, False)
    assert "2496" in one.message
    assert "2048" in one.message
    assert "--max-num-batched-tokens 16384" in one.message
    assert codes("--max-num-batched-tokens 2495", SEES) == ["batch_below_item"]
    assert codes("--max_num_batched_tokens=16384", SEES) == []
    assert codes("--max-num-batched-tokens 16K", SEES) == []
    assert codes("--language-model-only", SEES) == []
    assert codes("--max-num-batched-tokens lots", SEES) == []


def test_a_block_larger_than_a_batch() -> None:
    (one,) = found("--enable-prefix-caching", HYBRID)
    assert (one.code, one.error) == ("batch_below_block", True)
    assert "2096" in one.message
    assert codes("", HYBRID) == ["batch_below_block"]
    assert codes("--max-num-batched-tokens 2096", HYBRID) == []
    assert codes("--no-enable-prefix-caching", HYBRID) == []
    assert codes("--disable-prefix-caching", HYBRID) == []
    assert codes("--mamba-cache-mode none", HYBRID) == []
    assert codes("--mamba-cache-mode align", HYBRID) == ["batch_below_block"]


def test_parsers() -> None:
    assert codes("--enable-auto-tool-choice") == ["tool_parser_missing"]
    assert codes("--tool-call-parser hermes") == ["tools_off"]
    assert codes("--tool-call-parser hermes --no-enable-auto-tool-choice") == ["tools_off"]
    assert codes("--enable-auto-tool-choice --tool-call-parser hermes") == []
    (one,) = found("--enable-auto-tool-choice --tool-call-parser hermess")
    assert (one.code, one.error, one.grammar) == ("unknown_parser", True, True)
    assert "Near it: `hermes`" in one.message
    (none,) = found("--reasoning-parser zzzzzzzzz")
    assert none.message.endswith("`zzzzzzzzz`.")
    assert codes("--reasoning-parser mine --reasoning-parser-plugin /x.py") == []


def test_context() -> None:
    facts = Facts(context=32768, remote_code=True)
    assert codes("--max-model-len 65536 --trust-remote-code", facts) == ["context_beyond_model"]
    assert codes("--max-model-len 65536", facts, {"VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1"}) == [
        "remote_code"
    ]
    assert codes("--max-model-len 65536 --hf-overrides {} --trust-remote-code", facts) == []
    assert codes("--max-model-len 32768 --trust-remote-code", facts) == []
    assert codes("--max-model-len auto", facts) == []


def test_memory() -> None:
    assert codes("--gpu-memory-utilization 0.9") == ["share_high"]
    assert codes("--gpu-memory-utilization 0.8") == []
    assert codes("--gpu-memory-utilization much") == []
    assert codes("--gpu-memory-utilization 0.8 --kv-cache-memory-bytes 4G") == ["share_void"]


def test_names_nobody_checks() -> None:
    assert codes("--load-format nosuch --quantization nvfp5") == ["unknown_name", "unknown_name"]
    assert codes("--load-format fastsafetensors -q fp8") == []


@pytest.mark.parametrize(("line", "code"), [
    ("--gpu-memory-util 0.8", "shortened"), ("--config=f.yaml", "config_unread"),
    ("--model X", "model_twice"), ("--max-model-len 4k", "thousands"),
    ("--max-model-len 1 --max_model_len 2", "twice"), ("-tp 1 --tensor-parallel-size 2", "twice"),
    ("--speculative-config {} --speculative-config.method ngram", "twice"),
])  # fmt: skip
def test_what_is_said_oddly(line: str, code: str) -> None:
    assert codes(line) == [code]


@pytest.mark.parametrize("line", [
    "--config f.yaml", "--max-model-len 4K", "--middleware a --middleware b",
    "--speculative-config.method ngram --speculative-config.tokens 3", "--max_model_len 1",
])  # fmt: skip
def test_what_is_said_well(line: str) -> None:
    assert codes(line) == []


def test_two_ways_of_one_option_lose_something() -> None:
    (one,) = found("--speculative-config {} --speculative-config.method ngram")
    assert "loses what the JSON said" in one.message
