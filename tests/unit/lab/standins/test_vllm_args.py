"""Words after `vllm serve`, with vLLM's own table of options."""

import pytest

from spark_control.lab.standins.vllm_args import Refusal, parse
from spark_control.lab.standins.vllm_parser import human_int


def test_the_call_spark_control_makes() -> None:
    words = (
        "a/b --served-model-name key a/b --port 8888 --host 0.0.0.0 -tp 1 "
        "--gpu-memory-utilization 0.8 --max-model-len 32K --enable-prefix-caching "
        "--tool-call-parser hermes --enable-auto-tool-choice --limit-mm-per-prompt.image 2"
    )
    serve = parse(words.split())
    assert (serve.model, serve.names, serve.port) == ("a/b", ("key", "a/b"), 8888)
    assert (serve.host, serve.share, serve.max_len) == ("0.0.0.0", 0.8, 32768)
    assert serve.given["tensor_parallel_size"] == 1


def test_spellings_and_defaults() -> None:
    serve = parse(["a/b", "--max_model_len=4k", "--gpu_memory_util", "0.5", "-O3", "-cc.level=1"])
    assert (serve.max_len, serve.share, serve.names) == (4000, 0.5, ("a/b",))
    assert (serve.port, serve.host) == (8000, "")
    assert parse(["--model", "c/d", "--max-model-len", "auto"]).model == "c/d"
    assert parse([]).model == "Qwen/Qwen3-0.6B"
    assert parse(["m", "--compilation-config.level", "3", "--port", "1"]).port == 1


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["m", "--wrong", "1"], 2, "unrecognized arguments: --wrong 1"),
        (["m", "--wrong.key", "1"], 2, "unrecognized arguments: --wrong"),
        (["m", "--compilation-config.level"], 1, "IndexError"),
        (["m", "--compilation-config", "{level: 1}"], 2, "cannot be converted"),
        (["m", "--dtype", "int3"], 2, "argument --dtype: invalid choice: 'int3'"),
        (["m", "--port", "x"], 2, "argument --port: invalid int value: 'x'"),
        (["m", "--max-model-len", "many"], 2, "invalid human_readable_int_or_auto value: 'many'"),
        (["m", "--enable-auto-tool-choice"], 1, "requires --tool-call-parser"),
        (["m", "--tool-call-parser", "nope"], 1, "invalid tool parser: nope"),
        (["m", "--reasoning-parser", "nope"], 1, "invalid reasoning parser: nope"),
        (["m", "--gpu-memory-utilization", "1.5"], 1, "gpu_memory_utilization"),
    ],
)
def test_refusals(words: list[str], status: int, text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse(words)
    assert (caught.value.status, text in str(caught.value)) == (status, True)


def test_human_int() -> None:
    assert [human_int(text) for text in ("7", "1.5k", "2K", "1M")] == [7, 1500, 2048, 1048576]
    with pytest.raises(ValueError, match="k7"):
        human_int("k7")
