"""How failed launches look in a log: patterns of vLLM, CUDA, NCCL and the launch scripts.

A table and nothing else. Named groups go into the sentences. In one line the first match counts,
so a pattern with values stands before its bare form.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

Values = Mapping[str, str]


class Rank(IntEnum):
    """How much a line tells: a known root, an error nobody knows yet, what followed from one."""

    ROOT = 0
    WORDS = 1
    FOLLOWS = 2


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to fail. `more` makes further values from those of the pattern."""

    code: str
    pattern: re.Pattern[str]
    title: str
    says: str
    remedy: str
    rank: Rank = Rank.ROOT
    more: Callable[[Values], Values] | None = None


def _most_share(values: Values) -> Values:
    """Say up to which share the free memory would do; a tiny one helps nobody."""
    most = int(float(values["free"]) / float(values["total"]) * 100) / 100
    lower = f", or set the memory share to {most:g} at most" if most >= 0.3 else ""
    return {"lower": lower}


S = Signature
RX = re.compile
_ARGS = (
    "Correct it in the recipe's `vllm_args`; `spark-control validate` checks them without a start."
)
_DOWNLOAD = "Download the model again; a download that was cut resumes."
_LESS = "Lower the memory share, `--max-num-seqs` or `--max-num-batched-tokens`."

SIGNATURES = (
    S("unknown_argument", RX(r"unrecognized arguments: (?P<words>.{1,200})"),
      "Unknown argument", "vLLM in this image does not know: {words}.", _ARGS),
    S("bad_argument", RX(r"error: argument (?P<flag>\S+): (?P<why>.{1,200})"),
      "Argument not accepted", "vLLM does not accept {flag}: {why}.", _ARGS),
    S("bad_argument", RX(r"error: (?P<why>ambiguous option: .{1,200})"),
      "Argument not accepted", "vLLM cannot tell which option is meant: {why}.", _ARGS),
    S("tool_parser_missing", RX(r"--enable-auto-tool-choice requires --tool-call-parser"),
      "Tool parser missing", "Automatic tool choice is on and no tool parser is named.",
      "Add `--tool-call-parser` to the recipe, or remove `--enable-auto-tool-choice`."),
    S("unknown_parser",
      RX(r"invalid (?P<what>tool|reasoning)(?: call)? parser: (?P<name>[\w.-]+)"),
      "Unknown parser", "The image has no {what} parser {name}.",
      "Name one that this image has; `spark-control validate` lists near names."),
    S("value_out_of_range", RX(r"validation errors? for (?P<what>\w*Config)\b"),
      "Value out of range", "A value of the recipe does not fit vLLM's {what}.",
      "The next line of the log names the value. " + _ARGS),
    S("memory_taken",
      RX(r"Free memory on device (?:cuda:\d+ )?\((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on "
         r"startup is less than desired GPU memory utilization "
         r"\((?P<share>[\d.]+), (?P<need>[\d.]+) GiB\)"),
      "Memory is taken",
      "{need} GiB were wanted (share {share}) and {free} of {total} GiB were free.",
      "Stop what else holds memory on the Spark, or free its page cache{lower}.",
      more=_most_share),
    S("no_room_for_cache", RX(r"No available memory for the cache blocks"),
      "No room for the KV cache", "The weights and their overhead fill the whole memory share.",
      "Raise the memory share (up to 0.85 is usual), or use smaller weights."),
    S("context_too_long",
      RX(r"max seq len \((?P<asked>\d+)\).{0,20}?(?P<need>[\d.]+) GiB KV cache is needed.{0,120}?"
         r"available KV cache memory \((?P<have>[\d.]+) GiB\).{0,120}?"
         r"estimated maximum model length is (?P<most>\d+)"),
      "Context too long for the memory",
      "A context of {asked} tokens needs {need} GiB of KV cache and {have} GiB are there.",
      "Set the context (`max_model_len`) to {most} tokens or less, or raise the memory share."),
    S("context_too_long",
      RX(r"max seq len \((?P<asked>\d+)\).{0,20}?(?P<need>[\d.]+) GiB KV cache is needed"),
      "Context too long for the memory",
      "A context of {asked} tokens needs {need} GiB of KV cache, more than there is.",
      "Set a shorter context (`max_model_len`), or raise the memory share."),
    S("context_beyond_model",
      RX(r"max_model_len \((?P<asked>\d+)\) is greater than the derived "
         r"max_model_len \(\D*(?P<most>\d+)"),
      "Context longer than the model's",
      "The recipe asks for {asked} tokens and the model was made for {most}.",
      "Set the context (`max_model_len`) to {most} or less."),
    S("batch_below_block",
      RX(r"block_size \((?P<block>\d+)\) must be <= max_num_batched_tokens \((?P<batch>\d+)\)"),
      "Batch too small for a hybrid model",
      "A block of {block} tokens does not fit into a batch of {batch}.",
      "Set `--max-num-batched-tokens 16384` (at least {block}), or turn prefix caching off."),
    S("batch_below_item",
      RX(r"max_tokens_per_mm_item \((?P<item>\d+)\) is larger than max_num_batched_tokens "
         r"\((?P<batch>\d+)\)"),
      "Batch too small for images",
      "An image takes {item} tokens and a batch holds {batch}.",
      "Set `--max-num-batched-tokens 16384` (at least {item})."),
    S("heads_not_divisible",
      RX(r"attention heads \((?P<heads>\d+)\) must be divisible by tensor parallel size "
         r"\((?P<size>\d+)\)"),
      "Model does not split over these Sparks",
      "{heads} attention heads do not divide by {size} Sparks.", "Use another number of Sparks."),
    S("template_missing", RX(r"chat template string \((?P<path>[^)]+)\) appears path-like"),
      "Chat template missing", "There is no file {path} in the container.",
      "Correct `--chat-template`, or add the mod that puts the file there."),
    S("architecture_unknown",
      RX(r"Model architectures \[(?P<name>[^\]]+)\] (?:are not|failed)|"
         r"model type [`'](?P<kind>[^`']+)[`'] but Transformers does not recognize"),
      "Model not known to this image", "This image's vLLM cannot run the model's architecture.",
      "Update the image, or use one that supports the model."),
    S("remote_code", RX(r"trust_remote_code=True|contains custom code which must be executed"),
      "Model brings its own code", "The model wants to run code of its own and may not.",
      "If you trust its authors, add `--trust-remote-code` to the recipe."),
    S("gated_repo", RX(r"GatedRepoError|Access to model .{1,120} is restricted|401 Client Error"),
      "Access to the model is restricted", "Hugging Face did not let the Spark read the model.",
      "Accept the model's terms on Hugging Face and set a token, then download it."),
    S("weights_missing",
      RX(r"couldn't connect to 'https://huggingface\.co'|LocalEntryNotFoundError|"
         r"cannot find the requested file|containing a file named config\.json|"
         r"Invalid repository ID or local directory"),
      "Files of the model are missing", "The engine did not find all files of the model.",
      _DOWNLOAD),
    S("weights_broken",
      RX(r"SafetensorError|HeaderTooLarge|InvalidHeader|MetadataIncompleteBuffer"),
      "Weights are damaged", "A weight file could not be read.", _DOWNLOAD),
    S("disk_full", RX(r"[Nn]o space left on device"),
      "Disk full", "The disk of the Spark is full.",
      "Free space on the Spark; see `df -h` there."),
    S("out_of_memory",
      RX(r"CUDA out of memory|OutOfMemoryError|CUDA error: out of memory|NV_ERR_NO_MEMORY|"
         r"Cannot allocate memory: .{0,80}cuda"),
      "Out of memory", "Memory ran out while the model was loading.", _LESS),
    S("killed",
      RX(r"\b(?:exit(?:ed)?(?: with)?(?: code| status)?:? ?137|signal 9|SIGKILL)\b|\bKilled$"),
      "Killed by the system", "The system killed the engine; memory had most likely run out.",
      _LESS),
    S("gpu_fault",
      RX(r"illegal memory access|cudaErrorUnknown|CUBLAS_STATUS_\w+|CUFFT_INTERNAL|"
         r"CUDA error: unspecified launch failure"),
      "GPU fault", "The GPU reported a fault.",
      "Switch again; if it comes back, restart the Spark and look for an update of the image."),
    S("collective_timeout", RX(r"Watchdog caught collective operation timeout"),
      "Sparks lost each other", "The Sparks waited for each other in vain (NCCL).",
      "Stop the engine on both Sparks and start again; check the cable between them."),
    S("rdma_memory", RX(r"ibv_reg_mr\w*.{0,80}(?:ENOMEM|Cannot allocate memory)"),
      "Network card refused memory", "The kernel let the network card register no memory.",
      "Kernel 7.0.0-1019-nvidia has this fault; 6.17.0-1032 works."),
    S("wrong_interface", RX(r"Unable to find address for: (?P<name>\S+)"),
      "Wrong network interface", "The interface {name} has no address on this Spark.",
      "Set the interface of the direct link (`ETH_IF`); it must have one name on both Sparks."),
    S("image_mismatch", RX(r"Docker image mismatch"),
      "Sparks hold different images", "The image is not the same on all Sparks.",
      "Run `./build-and-copy.sh -c` on the first Spark."),
    S("ssh_between", RX(r"Passwordless SSH to (?P<name>\S+) failed"),
      "Sparks cannot reach each other",
      "The first Spark cannot log in to {name} without a password.",
      "Copy its SSH key there with `ssh-copy-id`."),
    S("not_in_nodes", RX(r"Local IP \((?P<name>[^)]*)\) is not in the list of nodes"),
      "Wrong addresses of the Sparks", "The first Spark's own address {name} is not in the list.",
      "Use the addresses of the direct link between the Sparks."),
    S("links_down", RX(r"Unexpected number of active CX7 interfaces"),
      "Direct link is not up", "The ports between the Sparks are not as they should be.",
      "Check the cable, and `ibdev2netdev` on both Sparks."),
    S("ray_without_gpu", RX(r"Current node has no GPU available|placement group .{0,80}PENDING"),
      "Ray found no GPU", "Ray could not place the engine on the Sparks.",
      "Launch without Ray, which is the default of the launch scripts."),
    S("open_files", RX(r"Too many open files"),
      "Too many open files", "The container may not open enough files.",
      "Update the launch scripts; newer ones raise the limit."),
    S("port_in_use", RX(r"[Aa]ddress already in use"),
      "Port in use", "Something else listens on the engine's port.",
      "Stop it on the Spark, or give engines another port with `VLLM_PORT`."),
    S("module_missing", RX(r"(?:ModuleNotFoundError|ImportError): (?P<words>.{1,160})"),
      "Image lacks a part", "The image lacks something the recipe needs: {words}.",
      "Update the image, or remove the option that needs it.", Rank.WORDS),
    S("engine_died_inside",
      RX(r"RPC call to sample_tokens timed out|EngineDeadError|"
         r"EngineCore encountered a fatal error|Worker proc .{1,60} died unexpectedly"),
      "Engine process died", "The engine's inner process ended without a word.",
      "Look at the log above it. If nothing stands there, memory ran short: lower the share.",
      Rank.FOLLOWS),
    S("engine_init_failed", RX(r"Engine core initialization failed"),
      "Engine did not start", "The engine's inner process failed while it started.",
      "Look at the log above it. Within seconds of a start an old vLLM (below 0.24) may be the "
      "reason; then restart the Spark, because its memory stays taken.", Rank.FOLLOWS),
    S("part_alone",
      RX(r"DistNetworkError|DistStoreError|ncclRemoteError|[Cc]onnection (?:closed|reset) by "
         r"(?:remote )?peer"),
      "Other part gone", "The part on another Spark ended first.",
      "Look at the log of the other Spark.", Rank.FOLLOWS),
    S("engine_error",
      RX(r"^(?:[A-Za-z_][\w.]*\.)?(?P<kind>[A-Z]\w*(?:Error|Exception)): (?P<words>.{1,300})"),
      "Engine reported an error", "{kind}: {words}",
      "This failure is not known yet; the log has what led to it.", Rank.WORDS),
)  # fmt: skip
