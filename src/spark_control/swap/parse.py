"""What the lines of an engine's log say about its progress.

The texts are vLLM's own, over several versions; a line that says nothing of progress is None.
"""

import re

from spark_control.swap.domain import Progress

_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) ?")
_PROCESS = re.compile(r"^\((?:APIServer|EngineCore|Worker)[^)]*\)\s*")
_SHARDS = re.compile(
    r"Loading (?:safetensors|pt|[\w ]*?) ?(?:checkpoint shards|using Fastsafetensor loader):"
    r"\s*(\d{1,3})% Completed(?: \| (\d+)/(\d+))?"
)
_GRAPHS = re.compile(r"Capturing (?:CUDA|cudagraph).*?:\s*(\d{1,3})%")
_TELLING = (
    (re.compile(r"Application startup complete|Starting vLLM (?:API )?server"), "Answering"),
    (re.compile(r"Graph capturing finished|init engine \(profile"), "Graphs captured"),
    (re.compile(r"GPU KV cache size|Available KV cache memory|Maximum concurrency"), "KV cache"),
    (re.compile(r"torch\.compile|torch_compile_cache|Dynamo bytecode"), "Compiling"),
    (re.compile(r"Autotun|[Ww]arming up|warmup"), "Warming up"),
    (re.compile(r"Loading drafter model"), "Loading the draft model"),
    (re.compile(r"Model loading took|Loading weights took"), "Weights loaded"),
    (re.compile(r"Prefetching checkpoint files"), "Reading weights"),
    (re.compile(r"Starting to load model"), "Loading weights"),
    (re.compile(r"vLLM is using nccl|world_size=(?!1\b)"), "Connecting the workers"),
    (re.compile(r"Resolved architecture|non-default args|Using max model len"), "Starting"),
)


def bare(line: str) -> str:
    """Return the line without docker's time stamp and vLLM's process name."""
    return _PROCESS.sub("", _STAMP.sub("", line)).rstrip()


def progress_of(line: str) -> Progress | None:
    """Return what `line` says of progress; percentages are the engine's own."""
    text = bare(line)
    if found := _SHARDS.search(text):
        parts = f" {found[2]} of {found[3]}" if found[2] else ""
        return Progress(f"Weights{parts}", min(100.0, float(found[1])))
    if found := _GRAPHS.search(text):
        return Progress("Capturing graphs", min(100.0, float(found[1])))
    return next((Progress(word) for pattern, word in _TELLING if pattern.search(text)), None)
