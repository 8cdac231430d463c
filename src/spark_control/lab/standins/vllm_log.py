"""What vLLM prints while it loads, line by line, with believable seconds between."""

from collections.abc import Iterator
from typing import NamedTuple

from spark_control.lab.standins.vllm_args import Serve
from spark_control.lab.standins.vllm_fit import Model, Room

_BANNER = (
    "",
    "       █     █     █▄   ▄█",
    " ▄▄ ▄█ █     █     █ ▀▄▀ █",
    "  █▄█▀ █     █     █     █",
)
_GRAPHS = 6
_READ_GIB_S = 1.4


class Line(NamedTuple):
    """One thing printed: after how many seconds, by which part, and what is held by then."""

    after: float
    part: str
    text: str
    held_gib: float = 0.0


def boot(serve: Serve, model: Model, version: str) -> Iterator[Line]:
    """Yield the lines of the API server up to the start of its engine process."""
    arch = _BANNER
    yield Line(6.0, "APIServer", arch[0])
    yield Line(0, "APIServer", arch[1])
    yield Line(0, "APIServer", f"{arch[2]}  version {version}")
    yield Line(0, "APIServer", f"{arch[3]}   model   {serve.model}")
    yield Line(0, "APIServer", "")
    yield Line(0, "APIServer", f"non-default args: {serve.given}")
    yield Line(1.5, "APIServer", f"Resolved architecture: {model.architecture}")
    yield Line(0, "APIServer", f"Using max model len {serve.max_len or model.max_len}")
    yield Line(0.5, "APIServer", "Chunked prefill is enabled with max_num_batched_tokens=8192.")


def weights(model: Model, rank: int = 0, ranks: int = 1) -> Iterator[Line]:
    """Yield the lines of the engine process until the weights are in memory."""
    engine = "EngineCore"
    yield Line(4.0, engine, f"Initializing a V1 LLM engine with config: model='{model.repo}'")
    yield Line(1.0, engine, f"world_size={ranks} rank={rank} local_rank=0 backend=nccl")
    yield Line(0.3, engine, "vLLM is using nccl==2.28.9")
    yield Line(1.0, engine, f"Starting to load model {model.repo}...")
    count = max(model.shards, 1)
    each = model.weights_gib / _READ_GIB_S / count + 0.2
    for done in range(count + 1):
        # vLLM's own bar: a return before, a line break after.
        share = done * 100 // count
        bar = (
            f"\rLoading safetensors checkpoint shards: {share:3d}% Completed | {done}/{count} "
            f"[{_clock(done * each)}<{_clock((count - done) * each)}, {each:5.2f}s/it]"
        )
        yield Line(each if done else 0.1, "", bar, model.weights_gib * done / count)
    took = each * count
    yield Line(0, engine, f"Loading weights took {took:.2f} seconds", model.weights_gib)
    size = f"{model.weights_gib:.4g} GiB memory and {took + 1.1:.6f} seconds"
    yield Line(0.2, engine, f"Model loading took {size}", model.weights_gib)


def warm(model: Model, room: Room) -> Iterator[Line]:
    """Yield the lines from compiling to the captured graphs."""
    engine, held = "EngineCore", model.weights_gib
    cache = "/root/.cache/vllm/torch_compile_cache/0f3a9c1d52/rank_0_0/backbone"
    yield Line(0.4, engine, f"Using cache directory: {cache} for vLLM's torch.compile", held)
    yield Line(5.0, engine, "Dynamo bytecode transform time: 5.04 s", held)
    yield Line(7.0, engine, "torch.compile takes 12.31 s in total", held)
    yield Line(2.5, engine, f"Available KV cache memory: {room.kv_gib:.2f} GiB", held)
    yield Line(0.2, engine, f"GPU KV cache size: {room.kv_tokens:,} tokens", room.total_gib)
    many = room.kv_tokens / room.max_len
    most = f"Maximum concurrency for {room.max_len:,} tokens per request: {many:.2f}x"
    yield Line(0, engine, most, room.total_gib)
    for done in range(_GRAPHS + 1):
        share = done * 100 // _GRAPHS
        bar = f"\rCapturing CUDA graphs (PIECEWISE): {share:3d}%|{'█' * done:<{_GRAPHS}}| "
        # This bar has returns only; the line ends with it.
        end = "" if done < _GRAPHS else "\n"
        yield Line(1.0, "bar", f"{bar}{done}/{_GRAPHS}{end}", room.total_gib)
    yield Line(0.2, engine, "Graph capturing finished in 6 secs, took 0.42 GiB", room.total_gib)
    whole = "init engine (profile, create kv cache, warmup model) took 24.80 seconds"
    yield Line(0.2, engine, whole, room.total_gib)


def up(serve: Serve) -> Iterator[Line]:
    """Yield the last lines, when the engine answers."""
    where = f"http://{serve.host or '0.0.0.0'}:{serve.port}"  # noqa: S104 - words of a log line
    yield Line(0.5, "APIServer", f"Starting vLLM API server 0 on {where}")
    yield Line(0, "plain", "INFO:     Started server process [1]")
    yield Line(0, "plain", "INFO:     Waiting for application startup.")
    yield Line(0, "plain", "INFO:     Application startup complete.")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def dressed(line: Line, pid: int, when: str) -> str:
    """Return the bytes of a line as text, with vLLM's prefix where it has one."""
    if line.part == "bar":
        return line.text
    if line.part in {"", "plain"}:
        return f"{line.text}\n"
    return f"({line.part} pid={pid}) INFO {when} [{_source(line.part)}] {line.text}\n"


def _source(part: str) -> str:
    return "utils.py:312" if part == "APIServer" else "core.py:118"
