"""What an engine's log says of its progress."""

import pytest

from spark_control.swap.domain import Progress
from spark_control.swap.parse import bare, progress_of

LINES = [
    ("Loading safetensors checkpoint shards:  33% Completed | 5/15 [00:12<00:25]",
     Progress("Weights 5 of 15", 33)),
    ("Loading safetensors using Fastsafetensor loader:  50% Completed | 1/2",
     Progress("Weights 1 of 2", 50)),
    ("Loading pt checkpoint shards: 100% Completed", Progress("Weights", 100)),
    ("Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  42%|####",
     Progress("Capturing graphs", 42)),
    ("INFO 11-21 10:00:00 [gpu_model_runner.py:1] Starting to load model x...",
     Progress("Loading weights")),
    ("Prefetching checkpoint files", Progress("Reading weights")),
    ("Loading weights took 12.3 seconds", Progress("Weights loaded")),
    ("Model loading took 31.1 GiB and 14 seconds", Progress("Weights loaded")),
    ("Loading drafter model...", Progress("Loading the draft model")),
    ("Dynamo bytecode transform time: 5.2 s", Progress("Compiling")),
    ("torch.compile takes 20.1 s in total", Progress("Compiling")),
    ("Autotuning process starts", Progress("Warming up")),
    ("GPU KV cache size: 1,000 tokens", Progress("KV cache")),
    ("Graph capturing finished in 8 secs, took 1.2 GiB", Progress("Graphs captured")),
    ("init engine (profile, create kv cache, warmup model) took 40 s",
     Progress("Graphs captured")),
    ("vLLM is using nccl==2.27", Progress("Connecting the workers")),
    ("world_size=2 rank=0", Progress("Connecting the workers")),
    ("world_size=1 rank=0", None),
    ("Resolved architecture: Qwen3MoeForCausalLM", Progress("Starting")),
    ("Starting vLLM API server 0 on http://0.0.0.0:8888", Progress("Answering")),
    ("INFO:     Application startup complete.", Progress("Answering")),
    ("something else", None),
    ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("line", "progress"), LINES)
@pytest.mark.parametrize(
    "prefix", ["", "2026-11-21T10:00:00.123456789Z (EngineCore_DP0 pid=12) ", "(APIServer pid=1) "]
)
def test_lines(prefix: str, line: str, progress: Progress | None) -> None:
    assert progress_of(prefix + line) == progress


def test_a_percentage_never_passes_a_hundred() -> None:
    assert progress_of("Capturing CUDA graphs: 250%") == Progress("Capturing graphs", 100)


def test_bare_lines() -> None:
    assert bare("2026-11-21T10:00:00.1Z (Worker_TP0 pid=3)  hello  ") == "hello"
    assert bare("2026-11-21T10:00:00+01:00 hello") == "hello"
    assert bare("(note) hello") == "(note) hello"
