"""The inventory program's answer becomes values; anything odd becomes a problem."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.models.domain import Facts, Inventory, Kind, OnDisk
from spark_control.models.parse import SENTINEL, Unreadable, kind_of, read_inventory

NOW = 1_800_000_000.0
CONFIG = {
    "architectures": ["Qwen3_5MoeForConditionalGeneration", "Other"], "model_type": "qwen3_5_moe",
    "quant_method": "fp8", "max_position_embeddings": 262144, "auto_map": False, "vision": True,
    "audio": False, "hybrid": True,
}  # fmt: skip
WHOLE: dict[str, object] = {
    "repo": "org/a", "commit": "c0ffee", "size": 35_000_000_000, "weights": 34_000_000_000,
    "weight_files": 7, "format": "safetensors", "missing": [], "missing_count": 0, "broken": [],
    "broken_count": 0, "cut": [], "cut_count": 0, "outside": 0, "tokenizer": True,
    "markers": ["config.json", "generation_config.json"], "troubles": [], "config": CONFIG,
    "partials": {"count": 0, "bytes": 0, "newest": 0},
}  # fmt: skip


def answer(*models: object, **more: object) -> str:
    body = {"v": 1, "root": "/h/hub", "now": NOW, "models": list(models), "problems": [], **more}
    return f"{SENTINEL}{json.dumps(body)}\n"


def only(**changes: object) -> OnDisk:
    (copy,) = read_inventory("spark1", answer({**WHOLE, **changes})).copies
    return copy


def test_a_whole_model() -> None:
    assert read_inventory("spark1", answer(WHOLE)) == Inventory(
        spark="spark1",
        root="/h/hub",
        copies=(
            OnDisk(
                source="org/a",
                size_bytes=35_000_000_000,
                weight_bytes=34_000_000_000,
                commit="c0ffee",
                facts=Facts(
                    "Qwen3_5MoeForConditionalGeneration",
                    "qwen3_5_moe",
                    "fp8",
                    262144,
                    multimodal=True,
                    hybrid=True,
                    vision=True,
                ),
                kind=Kind.CHAT,
            ),
        ),
    )


def test_a_banner_before_and_noise_after_the_answer_do_no_harm() -> None:
    printed = f"Welcome to spark1!\n{SENTINEL}old\n{answer(WHOLE)}logout\n"
    assert read_inventory("spark1", printed).copies[0].source == "org/a"


@pytest.mark.parametrize(
    "printed",
    [
        "", "bash: python3: command not found", SENTINEL, f"{SENTINEL}{{", f"{SENTINEL}[]",
        f"{SENTINEL}{{}}", f'{SENTINEL}{{"models": 7}}', SENTINEL + "[" * 100_000,
    ],
)  # fmt: skip
def test_no_answer(printed: str) -> None:
    with pytest.raises(Unreadable):
        read_inventory("spark1", printed)


def test_problems_of_the_whole_cache_are_carried_on() -> None:
    read = read_inventory("spark1", answer(problems=["/h cannot be read: Permission denied", 7]))
    assert read.problems == ("/h cannot be read: Permission denied",)


def test_entries_that_are_none_are_left_out() -> None:
    read = read_inventory(
        "spark1", answer(7, {}, {"repo": 7}, {"path": "/m/gone", "there": False}, WHOLE)
    )
    assert [copy.source for copy in read.copies] == ["org/a"]


def test_a_local_folder() -> None:
    entry = {**WHOLE, "repo": None, "path": "/m/a", "there": True, "commit": None}
    (copy,) = read_inventory("spark1", answer(entry)).copies
    assert (copy.source, copy.local, copy.complete) == ("/m/a", True, True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"error": "Permission denied"}, "It cannot be read: Permission denied."),
        ({"empty": True}, "Nothing of it has been downloaded yet."),
        ({"troubles": ["config.json cannot be read"]}, "Config.json cannot be read."),
        (
            {"missing": ["m-1", "m-2"], "missing_count": 9},
            "Weight files are missing (9): m-1, m-2, ….",
        ),
        ({"broken": ["a.json"], "broken_count": 1}, "Links lead nowhere (1): a.json."),
        ({"cut": ["m"], "cut_count": 1}, "Weight files are cut off or damaged (1): m."),
        ({"tokenizer": False}, "Not there yet: tokenizer."),
        ({"markers": []}, "Not there yet: config.json."),
        ({"weight_files": 0}, "Not there yet: weights."),
    ],
)
def test_what_keeps_a_copy_from_being_whole(changes: dict[str, object], reason: str) -> None:
    copy = only(**changes)
    assert not copy.complete
    assert copy.problems == (reason,)


def test_gguf_adapters_and_image_models_have_no_config_or_tokenizer_of_their_own() -> None:
    bare: dict[str, object] = {"tokenizer": False, "config": None}
    assert only(**bare, markers=[], format="gguf").complete
    assert only(**bare, markers=["adapter_config.json"]).complete
    assert only(**bare, markers=["model_index.json"], weight_files=0).complete


@pytest.mark.parametrize(
    ("age", "missing", "remark"),
    [
        (5, 0, "A download is under way (1.5 GB in 2 files so far)."),
        (5, 1, "A download is under way (1.5 GB in 2 files so far)."),
        (86400, 0, "An older download left parts behind (1.5 GB in 2 files)."),
        (86400, 1, "A download stopped and can be resumed (1.5 GB in 2 files so far)."),
    ],
)
def test_partial_files(age: int, missing: int, remark: str) -> None:
    copy = only(
        partials={"count": 2, "bytes": 1_500_000_000, "newest": NOW - age}, missing_count=missing
    )
    assert copy.problems[-1] == remark
    assert copy.complete is (missing == 0)


def test_links_out_of_the_folder_are_said_and_the_copy_stays_whole() -> None:
    copy = only(outside=3)
    assert copy.complete
    assert "container" in copy.problems[0]


def test_fields_of_another_type_count_as_not_there() -> None:
    copy = only(
        size="big", weights=float("inf"), commit=7, config=7, markers={}, partials=[],
        tokenizer="yes", troubles="x",
    )  # fmt: skip
    assert (copy.size_bytes, copy.weight_bytes, copy.commit) == (0, 0, None)
    assert copy.facts == Facts()
    assert not copy.complete


@pytest.mark.parametrize(
    ("source", "architecture", "markers", "kind"),
    [
        ("openai/gpt-oss-120b", "GptOssForCausalLM", [], Kind.CHAT),
        ("google/gemma-4-26B-A4B-it", "Gemma4ForConditionalGeneration", [], Kind.CHAT),
        ("gpt2", "GPT2LMHeadModel", [], Kind.CHAT),
        ("mistralai/X", None, ["params.json"], Kind.CHAT),
        ("nvidia/Eagle2-9B", "Eagle2_5_VLForConditionalGeneration", [], Kind.CHAT),
        ("Qwen/Qwen3-Embedding-4B", "Qwen3ForCausalLM", ["modules.json"], Kind.EMBEDDING),
        ("BAAI/bge-m3", "XLMRobertaModel", [], Kind.EMBEDDING),
        ("BAAI/bge-reranker", "XLMRobertaForSequenceClassification", [], Kind.RERANKER),
        ("Qwen/Qwen3-Reranker-4B", "Qwen3ForCausalLM", ["modules.json"], Kind.RERANKER),
        ("me/lora", None, ["adapter_config.json"], Kind.ADAPTER),
        ("bfl/flux", None, ["model_index.json"], Kind.DIFFUSION),
        ("nvidia/gpt-oss-120b-Eagle3-v3", "LlamaForCausalLMEagle3", [], Kind.DRAFT),
        ("x/some-head", "Eagle3LlamaForCausalLM", [], Kind.DRAFT),
        ("z-lab/Qwen3.8-27B-DFlash2", "DFlashDraftModel", [], Kind.DRAFT),
        ("google/gemma-4-31B-it-assistant", "Gemma4ForCausalLM", [], Kind.DRAFT),
        ("openai/whisper-large", "WhisperForConditionalGeneration", [], Kind.UNKNOWN),
        ("org/odd", None, [], Kind.UNKNOWN),
    ],
)
def test_kinds(source: str, architecture: str | None, markers: list[str], kind: Kind) -> None:
    assert kind_of(source, Facts(architecture=architecture), markers) is kind


JSONISH = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["there", "path", *WHOLE]), JSONISH), JSONISH)
def test_no_answer_breaks_the_reader(entry: dict[str, object], now: object) -> None:
    read = read_inventory("spark1", answer({**WHOLE, **entry}, now=now))
    assert len(read.copies) <= 1
