"""What an engine prints while it loads, in order and with believable times."""

import re

from spark_control.lab.standins import vllm_log
from spark_control.lab.standins.vllm_args import parse
from spark_control.lab.standins.vllm_fit import Model, Room

MODEL = Model("a/b", "LlamaForCausalLM", 28.0, 3, 8192, 1000)
ROOM = Room(28.0, 60.0, 64_000, 8192)
SERVE = parse(["a/b", "--port", "8888"])


def text(lines: list[vllm_log.Line]) -> str:
    return "".join(vllm_log.dressed(line, 7, "11-21 10:00:00") for line in lines)


def test_boot_says_version_and_architecture() -> None:
    said = text(list(vllm_log.boot(SERVE, MODEL, "0.33.0")))
    assert "(APIServer pid=7) INFO 11-21 10:00:00 [utils.py:312]" in said
    assert "version 0.33.0" in said
    assert "Resolved architecture: LlamaForCausalLM" in said


def test_weights_grow_to_all_of_them() -> None:
    lines = list(vllm_log.weights(MODEL))
    held = [line.held_gib for line in lines]
    assert held == sorted(held)
    assert held[-1] == 28.0
    found = re.findall(r"\rLoading safetensors .*?(\d+)% Completed \| (\d)/3", text(lines))
    assert found == [("0", "0"), ("33", "1"), ("66", "2"), ("100", "3")]
    assert sum(line.after for line in lines) > 20


def test_graphs_are_one_line_with_returns() -> None:
    said = text(list(vllm_log.warm(MODEL, ROOM)))
    bar = next(line for line in said.split("\n") if "Capturing" in line)
    assert bar.count("\r") == 7
    assert "Maximum concurrency for 8,192 tokens per request: 7.81x" in said


def test_up() -> None:
    said = text(list(vllm_log.up(SERVE)))
    assert "Starting vLLM API server 0 on http://0.0.0.0:8888" in said
    assert said.endswith("INFO:     Application startup complete.\n")


def test_a_model_without_shards_still_loads() -> None:
    assert "1/1" in text(list(vllm_log.weights(MODEL._replace(shards=0))))
