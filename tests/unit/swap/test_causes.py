"""Causes out of logs: for each known failure a log with its line among what stands around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.swap.causes import Cause, diagnose, explain, weight
from spark_control.swap.errors import EngineDied

BOOT = """\
2026-11-21T10:00:01.000000000Z (APIServer pid=41) INFO 11-21 10:00:01 [utils.py:312]
2026-11-21T10:00:01.000000000Z (APIServer pid=41) INFO 11-21 10:00:01 [utils.py:312] version 0.33.0
2026-11-21T10:00:01.000000000Z (APIServer pid=41) INFO 11-21 10:00:01 [utils.py:312] non-default args: {'note': 'CUDA out of memory'}
2026-11-21T10:00:02.000000000Z (APIServer pid=41) WARNING 11-21 10:00:02 [a.py:1] Address already in use is no fault here
2026-11-21T10:00:04.000000000Z (EngineCore pid=88) INFO 11-21 10:00:04 [core.py:118] Starting to load model org/one...
2026-11-21T10:00:05.000000000Z Loading safetensors checkpoint shards:  50% Completed | 2/4 [00:02<00:02]
2026-11-21T10:00:06.000000000Z (EngineCore pid=88) Traceback (most recent call last):
2026-11-21T10:00:06.000000000Z (EngineCore pid=88)   File "/usr/lib/vllm/core.py", line 866, in run
""".splitlines()  # noqa: E501 - lines of a log are long
AFTER = """\
2026-11-21T10:00:07.000000000Z (EngineCore pid=88) ERROR 11-21 10:00:07 [core.py:870] EngineCore encountered a fatal error.
2026-11-21T10:00:07.000000000Z (APIServer pid=41) Traceback (most recent call last):
2026-11-21T10:00:07.000000000Z (APIServer pid=41)   File "/usr/lib/vllm/api.py", line 12, in main
2026-11-21T10:00:07.000000000Z (APIServer pid=41) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
""".splitlines()  # noqa: E501
ERR = "(EngineCore pid=88) ERROR 11-21 10:00:06 [core.py:866] "

SAMPLES = [
    ("unknown_argument", "vllm serve: error: unrecognized arguments: --swap-space 4",
     "does not know: --swap-space 4.", "vllm_args"),
    ("bad_argument", "vllm serve: error: argument --dtype: invalid choice: 'fp16' (choose from "
     "'auto', 'half')", "does not accept --dtype: invalid choice: 'fp16'", "vllm_args"),
    ("bad_argument", "vllm: error: ambiguous option: --max-num could match --max-num-seqs, "
     "--max-num-batched-tokens", "ambiguous option: --max-num could match", "vllm_args"),
    ("tool_parser_missing", "TypeError: Error: --enable-auto-tool-choice requires "
     "--tool-call-parser", "no tool parser", "--tool-call-parser"),
    ("unknown_parser", 'KeyError: "invalid tool call parser: hermess (chose from { hermes })"',
     "no tool parser hermess.", "near"),
    ("value_out_of_range", "pydantic_core._pydantic_core.ValidationError: 1 validation error for "
     "CacheConfig", "CacheConfig", "next line"),
    ("memory_taken", ERR + "ValueError: Free memory on device cuda:0 (93.71/121.69 GiB) on "
     "startup is less than desired GPU memory utilization (0.85, 103.44 GiB). Decrease GPU memory "
     "utilization or reduce GPU memory used by other processes.",
     "103.44 GiB were wanted (share 0.85) and 93.71 of 121.69 GiB were free.", "0.77 at most"),
    ("no_room_for_cache", ERR + "ValueError: No available memory for the cache blocks. Try "
     "increasing `gpu_memory_utilization` when initializing the engine.", "weights", "share"),
    ("context_too_long", ERR + "ValueError: To serve at least one request with the models's max "
     "seq len (196608), (23.25 GiB KV cache is needed, which is larger than the available KV "
     "cache memory (11.02 GiB). Based on the available memory, the estimated maximum model length "
     "is 93120. Try increasing `gpu_memory_utilization` or decreasing `max_model_len`.",
     "196608 tokens needs 23.25 GiB of KV cache and 11.02 GiB are there.", "93120 tokens or less"),
    ("context_too_long", "ValueError: To serve at least one request with the model's max seq len "
     "(262144), (24.0 GiB KV cache is needed, which is larger than what there is",
     "262144 tokens needs 24.0 GiB", "shorter context"),
    ("context_beyond_model", "Value error, User-specified max_model_len (65536) is greater than "
     "the derived max_model_len (max_position_embeddings=32768 or model_max_length=None in "
     "model's config.json).", "made for 32768", "32768 or less"),
    ("batch_below_block", ERR + "AssertionError: In Mamba cache align mode, block_size (2096) "
     "must be <= max_num_batched_tokens (2048).", "2096 tokens does not fit into a batch of 2048",
     "16384` (at least 2096)"),
    ("batch_below_item", ERR + "ValueError: Chunked MM input disabled but max_tokens_per_mm_item "
     "(2496) is larger than max_num_batched_tokens (2048). Please increase it.",
     "takes 2496 tokens and a batch holds 2048", "16384` (at least 2496)"),
    ("heads_not_divisible", "Value error, Total number of attention heads (14) must be divisible "
     "by tensor parallel size (4).", "14 attention heads", "number of Sparks"),
    ("template_missing", "vllm.exceptions.VLLMValidationError: The supplied chat template string "
     "(/opt/x.jinja) appears path-like, but doesn't exist! Tried: /opt/x.jinja",
     "no file /opt/x.jinja", "--chat-template"),
    ("architecture_unknown", "Value error, Model architectures ['NewForCausalLM'] are not "
     "supported for now. Supported architectures: dict_keys(['Aria'])", "architecture", "Update"),
    ("architecture_unknown", "ValueError: The checkpoint you are trying to load has model type "
     "`new_moe` but Transformers does not recognize this architecture.", "architecture", "Update"),
    ("remote_code", "ValueError: Please pass the argument `trust_remote_code=True` to allow "
     "custom code to be run.", "code of its own", "--trust-remote-code"),
    ("gated_repo", "huggingface_hub.errors.GatedRepoError: 401 Client Error.", "did not let",
     "terms"),
    ("weights_missing", "OSError: We couldn't connect to 'https://huggingface.co' to load the "
     "files, and couldn't find them in the cached files.", "did not find", "Download"),
    ("weights_broken", "safetensors_rust.SafetensorError: Error while deserializing header: "
     "MetadataIncompleteBuffer", "weight file", "Download"),
    ("disk_full", "OSError: [Errno 28] No space left on device: '/root/.cache/vllm/x'",
     "disk of the Spark is full", "df -h"),
    ("out_of_memory", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
     "Memory ran out", "--max-num-seqs"),
    ("out_of_memory", "NVRM: nvCheckOkFailedNoLog: NV_ERR_NO_MEMORY (0x00000051)",
     "Memory ran out", "share"),
    ("killed", "/launch.sh: line 3:    41 Killed", "killed the engine", "share"),
    ("killed", "command terminated with exit code 137", "killed the engine", "share"),
    ("gpu_fault", ERR + "torch.AcceleratorError: CUDA error: an illegal memory access was met",
     "reported a fault", "restart the Spark"),
    ("collective_timeout", "[rank0]:[E1121 10:10:00 ProcessGroupNCCL.cpp:632] [Rank 0] Watchdog "
     "caught collective operation timeout: WorkNCCL(SeqNum=9, OpType=ALLREDUCE) ran for 600000",
     "waited for each other", "both Sparks"),
    ("rdma_memory", "spark1:41:99 [0] transport/net_ib/reg.cc:94 NCCL WARN Call to "
     "ibv_reg_mr_iova2 failed with error Cannot allocate memory", "register no memory", "6.17"),
    ("wrong_interface", "RuntimeError: [enforce fail at gloo/transport/tcp/device.cc:208] ifa != "
     "nullptr. Unable to find address for: enp1s0f0np0", "enp1s0f0np0 has no address", "ETH_IF"),
    ("image_mismatch", "Error: Docker image mismatch on worker node 10.88.0.12",
     "not the same", "build-and-copy.sh -c"),
    ("ssh_between", "Error: Passwordless SSH to 10.88.0.12 failed.", "10.88.0.12", "ssh-copy-id"),
    ("not_in_nodes", "Error: Local IP (10.88.0.19) is not in the list of nodes.", "10.88.0.19",
     "direct link"),
    ("links_down", "Error: Unexpected number of active CX7 interfaces: 1", "ports",
     "ibdev2netdev"),
    ("ray_without_gpu", "ValueError: Current node has no GPU available. current_node_resource={}",
     "Ray could not", "without Ray"),
    ("open_files", "OSError: [Errno 24] Too many open files", "enough files", "launch scripts"),
    ("port_in_use", "OSError: [Errno 98] Address already in use", "listens", "VLLM_PORT"),
    ("module_missing", "ModuleNotFoundError: No module named 'fastsafetensors'",
     "No module named 'fastsafetensors'.", "Update the image"),
    ("engine_error", "vllm.exceptions.NewError: something nobody has seen", "NewError: something",
     "not known yet"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "line", "says", "remedy"), SAMPLES, ids=[s[0] for s in SAMPLES])
def test_the_cause_among_what_stands_around_it(
    code: str, line: str, says: str, remedy: str
) -> None:
    found = diagnose([*BOOT, f"2026-11-21T10:00:06.5Z {line}", *AFTER])
    assert found is not None
    assert found.code == code, found
    assert says in found.says
    assert remedy in found.remedy
    assert found.line
    assert found.line in line


@pytest.mark.parametrize("code", ["engine_died_inside", "engine_init_failed"])
def test_what_follows_counts_when_nothing_else_was_said(code: str) -> None:
    lines = AFTER if code == "engine_died_inside" else AFTER[1:]
    found = diagnose([*BOOT, *lines])
    assert found is not None
    assert found.code == code


def test_the_first_of_two_roots() -> None:
    lines = ["OSError: [Errno 28] No space left on device", "RuntimeError: CUDA out of memory"]
    assert _code(lines) == "disk_full"
    assert _code(lines[::-1]) == "out_of_memory"


def test_a_known_root_is_more_than_an_unknown_error_before_it() -> None:
    assert _code(["SomeError: odd", "Error: Docker image mismatch"]) == "image_mismatch"


def test_no_cause() -> None:
    assert diagnose([]) is None
    assert diagnose(BOOT) is None


def test_braces_in_the_log_stay_braces() -> None:
    found = diagnose(["x: error: unrecognized arguments: --a {words} {0} {nope}"])
    assert found is not None
    assert found.says.endswith("--a {words} {0} {nope}.")


def test_an_error_says_its_cause() -> None:
    error = EngineDied("one ended while it was loading.")
    explain(error, [*BOOT, "OSError: [Errno 98] Address already in use", *AFTER])
    assert error.message == (
        "one ended while it was loading. Something else listens on the engine's port."
    )
    assert error.advice.startswith("Stop it on the Spark")
    assert error.detail["cause"] == {
        "code": "port_in_use",
        "title": "Port in use",
        "says": "Something else listens on the engine's port.",
        "remedy": error.advice,
        "line": "OSError: [Errno 98] Address already in use",
    }


def test_an_error_without_a_cause_stays() -> None:
    error = EngineDied("one ended while it was loading.")
    explain(error, BOOT)
    assert (error.message, error.advice) == ("one ended while it was loading.", EngineDied.hint)
    assert error.detail == {}


@given(st.lists(st.text(max_size=200), max_size=8))
def test_any_text_is_only_text(lines: list[str]) -> None:
    assert isinstance(diagnose(lines), Cause | None)


def _code(lines: list[str]) -> str:
    found = diagnose(lines)
    assert found is not None
    return found.code


def test_how_little_is_told() -> None:
    alone = "torch.distributed.DistNetworkError: Connection closed by remote peer"
    logs = (["CUDA out of memory"], ["SomeError: odd"], [alone], ["all is well"])
    assert [weight(lines) for lines in logs] == [0, 1, 2, 3]
    found = diagnose([alone])
    assert found is not None
    assert found.code == "part_alone"
