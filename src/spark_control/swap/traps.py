"""What vLLM's parser lets through and a launch does not survive, or does otherwise than meant."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from spark_control.models.domain import Facts
from spark_control.swap.argv import Scan, Use
from spark_control.swap.options import Table
from spark_control.swap.values import tokens

BATCH = 2048
"""vLLM's own `max_num_batched_tokens` for a server."""
LARGEST_ITEM = 2496
LARGEST_BLOCK = 2096
MOST_SHARE = 0.87
# Names that vLLM checks when the weights are read, if at all.
LOADERS = frozenset({
    "auto", "hf", "pt", "safetensors", "npcache", "dummy", "tensorizer", "runai_streamer",
    "runai_streamer_sharded", "bitsandbytes", "sharded_state", "gguf", "mistral",
    "fastsafetensors", "instanttensor",
})  # fmt: skip
QUANTIZATIONS = frozenset({
    "awq", "awq_marlin", "gptq", "gptq_marlin", "fp8", "ptpc_fp8", "fbgemm_fp8", "fp_quant",
    "modelopt", "modelopt_fp4", "modelopt_mxfp8", "modelopt_mixed", "compressed-tensors",
    "bitsandbytes", "experts_int8", "quark", "moe_wna16", "torchao", "auto-round", "inc", "mxfp4",
    "mxfp8", "petit_nvfp4", "gguf", "rtn", "cpu_awq", "tpu_int8", "deepspeedfp", "None", "",
})  # fmt: skip
_LOWER_K = re.compile(r"\d+(?:\.\d+)?[kmg]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `grammar` is what vLLM's own parser judges better than we do."""

    code: str
    message: str
    error: bool = False
    grammar: bool = False


@dataclass(frozen=True, slots=True)
class Launch:
    """What a launch is judged by besides its words."""

    facts: Facts
    env: Mapping[str, str]


def traps(table: Table, scan: Scan, launch: Launch) -> Iterator[Finding]:
    """Give what is wrong or odd in words that the parser takes."""
    yield from _batch(scan, launch.facts)
    yield from _parsers(table, scan)
    yield from _context(scan, launch)
    yield from _memory(scan)
    yield from _names(scan)
    yield from _said_oddly(scan)


def _batch(scan: Scan, facts: Facts) -> Iterator[Finding]:
    try:
        batch = tokens(scan.last("--max-num-batched-tokens") or str(BATCH))
    except ValueError:
        return
    advice = "Set `--max-num-batched-tokens 16384`."
    if facts.multimodal and batch < LARGEST_ITEM and not scan.of("--language-model-only"):
        yield Finding("batch_below_item", (
            f"An image may take {LARGEST_ITEM} tokens and a batch holds {batch}; "
            f"vLLM then refuses to start. {advice}"
        ), error=True)  # fmt: skip
    if facts.hybrid and batch < LARGEST_BLOCK and _aligned(scan):
        yield Finding("batch_below_block", (
            f"A block of a hybrid model may take {LARGEST_BLOCK} tokens and a batch holds "
            f"{batch}; vLLM then refuses to start. {advice}"
        ), error=True)  # fmt: skip


def _aligned(scan: Scan) -> bool:
    """Tell whether blocks must fit a batch: not without prefix caching."""
    caching = scan.of("--enable-prefix-caching")
    off = bool(caching) and caching[-1].flag != "--enable-prefix-caching"
    return not off and scan.last("--mamba-cache-mode") != "none"


def _parsers(table: Table, scan: Scan) -> Iterator[Finding]:
    choice = scan.of("--enable-auto-tool-choice")
    automatic = bool(choice) and choice[-1].flag == "--enable-auto-tool-choice"
    tool = scan.last("--tool-call-parser")
    if automatic and not tool:
        yield Finding("tool_parser_missing", (
            "`--enable-auto-tool-choice` needs `--tool-call-parser`."
        ), error=True)  # fmt: skip
    if tool and not automatic:
        yield Finding("tools_off", (
            "A tool parser is named and `--enable-auto-tool-choice` is missing, so models cannot "
            "choose tools by themselves."
        ))  # fmt: skip
    for what, name, names in (
        ("tool", tool, table.tool_parsers),
        ("reasoning", scan.last("--reasoning-parser"), table.reasoning_parsers),
    ):
        plugin = scan.of(f"--{what}-parser-plugin")
        if name and names and name not in names and not plugin:
            near = ", ".join(f"`{one}`" for one in get_close_matches(name[:64], names, cutoff=0.4))
            guess = f" Near it: {near}." if near else ""
            text = f"vLLM {table.version} has no {what} parser `{name}`.{guess}"
            yield Finding("unknown_parser", text, error=True, grammar=True)


def _context(scan: Scan, launch: Launch) -> Iterator[Finding]:
    said, most = scan.last("--max-model-len"), launch.facts.context
    try:
        asked = tokens(said or "0")
    except ValueError:
        return
    stretched = "VLLM_ALLOW_LONG_MAX_MODEL_LEN" in launch.env or scan.of("--hf-overrides")
    if most is not None and asked > most and not stretched:
        yield Finding("context_beyond_model", (
            f"The context of {asked} tokens is longer than the {most} the model was made for; "
            "vLLM may refuse it."
        ))  # fmt: skip
    if launch.facts.remote_code and not scan.of("--trust-remote-code"):
        yield Finding("remote_code", (
            "The model brings code of its own. If vLLM does not know its architecture, it needs "
            "`--trust-remote-code`."
        ))  # fmt: skip


def _memory(scan: Scan) -> Iterator[Finding]:
    try:
        share = float(scan.last("--gpu-memory-utilization") or 0)
    except ValueError:
        return
    if MOST_SHARE < share <= 1:
        yield Finding("share_high", (
            f"A memory share of {share:g} leaves a Spark too little for itself; "
            f"at most {MOST_SHARE:g} is safe."
        ))  # fmt: skip
    if share and scan.of("--kv-cache-memory-bytes"):
        yield Finding("share_void", (
            "`--kv-cache-memory-bytes` makes vLLM pass over the memory share."
        ))  # fmt: skip


def _names(scan: Scan) -> Iterator[Finding]:
    for flag, names in (("--load-format", LOADERS), ("--quantization", QUANTIZATIONS)):
        value = scan.last(flag)
        if value is not None and value not in names:
            yield Finding("unknown_name", (
                f"`{value}` is no value of `{flag}` known here; vLLM notices only when it loads."
            ))  # fmt: skip


def _said_oddly(scan: Scan) -> Iterator[Finding]:
    yield from _twice(scan)
    for use in scan.uses:
        if use.shortened:
            yield Finding("shortened", (
                f"`{use.said.partition('=')[0]}` is taken for `{use.flag}`; write it out."
            ))  # fmt: skip
        if use.flag == "--config" and "=" in use.said:
            yield Finding("config_unread", (
                "vLLM never reads a file given as `--config=FILE`; write `--config FILE`."
            ))  # fmt: skip
        if use.flag == "--model":
            yield Finding("model_twice", "`--model` is passed over: the model is named already.")
        if use.option.kind.startswith("human") and _LOWER_K.fullmatch(use.values[-1]):
            yield _thousand(use)


def _twice(scan: Scan) -> Iterator[Finding]:
    seen: dict[str, Use] = {}
    for use in scan.uses:
        before = seen.setdefault(use.option.name, use)
        if before is use or use.option.repeats:
            continue
        if use.dotted and before.dotted:
            continue
        mixed = " and loses what the JSON said" if use.dotted else ""
        yield Finding("twice", (
            f"`{use.option.name}` is given more than once; vLLM takes the last{mixed}."
        ))  # fmt: skip


def _thousand(use: Use) -> Finding:
    text = use.values[-1]
    return Finding("thousands", (
        f"`{text}` is {tokens(text)}; `{text.upper()}` would be {tokens(text.upper())}."
    ))  # fmt: skip
