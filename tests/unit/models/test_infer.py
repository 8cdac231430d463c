"""A proposal says what it proposes, and where each value came from."""

from dataclasses import replace
from typing import Any

import pytest

from spark_control.models.domain import Facts, Layers, Mode, Model, Origin
from spark_control.models.fit import GIB, Verdict
from spark_control.models.infer import Proposal, propose, words_of
from spark_control.models.recipes import recipe_of

SPARK = int(121.7 * GIB)
LAYERS = Layers(full=48, heads=32, kv_heads=4, head_dim=128)
FACTS = Facts(
    architecture="Qwen3MoeForCausalLM", model_type="qwen3_moe", quantization="fp8",
    context=262144, layers=LAYERS, template=("<tool_call>", "tools", "enable_thinking"),
)  # fmt: skip
MODEL = Model(
    key="qwen-qwen3-30b", name="Qwen/Qwen3-30B", repo="Qwen/Qwen3-30B", facts=FACTS,
    weight_bytes=30 * GIB, complete_on=("spark1",),
)  # fmt: skip


def but(weights: Any = 30, name: Any = "Qwen/Qwen3-30B", **facts: object) -> Model:
    known = replace(FACTS, **facts)  # type: ignore[arg-type]
    return replace(MODEL, repo=name, name=name, weight_bytes=weights * GIB, facts=known)


def said(proposal: Proposal) -> dict[str, tuple[str, str]]:
    return {one.name: (one.value, one.source) for one in proposal.findings}


def test_a_plain_model() -> None:
    proposal = propose(MODEL, SPARK)
    assert proposal.recipe.vllm_args == (
        "--max-model-len", "262144", "--gpu-memory-utilization", "0.7",
        "--enable-auto-tool-choice", "--tool-call-parser", "hermes",
        "--reasoning-parser", "qwen3",
    )  # fmt: skip
    assert (proposal.recipe.mode, proposal.recipe.name) == (Mode.SOLO, "Qwen3-30B")
    assert (proposal.recipe.origin, proposal.fit.verdict) == (Origin.INFERRED, Verdict.FITS)
    assert said(proposal) == {
        "mode": ("solo", "weights on disk, memory of the Spark"),
        "context": ("262144", "config.json: max_position_embeddings"),
        "memory share": (
            "0.7", "the smallest with room for the context; memory of the Spark",
        ),
        "quantization": ("fp8, found by vLLM itself", "config.json: quantization_config"),
        "tool parser": ("hermes", "family table: Qwen3"),
        "reasoning parser": ("qwen3", "family table: Qwen3; chat template: enable_thinking"),
    }  # fmt: skip


def test_what_is_proposed_can_be_saved() -> None:
    recipe = propose(MODEL, SPARK).recipe
    entry = {"key": recipe.key, "repo": recipe.repo, "name": recipe.name,
             "vllm_args": list(recipe.vllm_args)}  # fmt: skip
    assert recipe_of(entry, origin=Origin.INFERRED) == recipe


def test_a_larger_share_where_it_is_needed() -> None:
    proposal = propose(but(52), SPARK)
    assert said(proposal)["memory share"][0] == "0.8"


def test_less_context_where_there_is_no_room_for_all() -> None:
    proposal = propose(but(80), SPARK)
    value, source = said(proposal)["context"]
    assert int(value) % 4096 == 0
    assert int(value) < 262144
    assert source == ("what there is room for; config.json: max_position_embeddings is 262144")
    assert said(proposal)["memory share"][0] == "0.85"
    assert proposal.fit.verdict is Verdict.TIGHT


def test_several_sparks_where_one_is_too_small() -> None:
    proposal = propose(but(120), SPARK)
    assert proposal.recipe.mode is Mode.CLUSTER
    hopeless = propose(but(500), SPARK)
    assert (hopeless.recipe.mode, hopeless.fit.verdict) == (Mode.CLUSTER, Verdict.NO)


def test_a_spark_that_was_not_asked_yet() -> None:
    proposal = propose(MODEL, None)
    assert proposal.fit.verdict is Verdict.UNKNOWN
    assert "not asked yet" in said(proposal)["mode"][1]
    assert proposal.recipe == propose(MODEL, SPARK).recipe


def test_a_config_that_says_nothing() -> None:
    bare = replace(MODEL, facts=Facts(), repo=None, local_path="/m/x/", name="Own name")
    proposal = propose(bare, SPARK)
    assert proposal.recipe.vllm_args == ("--gpu-memory-utilization", "0.85")
    assert (proposal.recipe.name, proposal.recipe.local_path) == ("Own name", "/m/x/")
    assert said(proposal)["quantization"] == ("none", "config.json has no quantization_config")
    assert said(proposal)["tool parser"] == ("none", "no chat template: it completes text only")


@pytest.mark.parametrize(
    ("facts", "source"),
    [
        ({"hybrid": True}, "config.json: linear attention or Mamba layers"),
        ({"multimodal": True}, "config.json: vision_config, audio_config"),
    ],
)
def test_large_batches_where_vllm_wants_them(facts: dict[str, object], source: str) -> None:
    proposal = propose(but(**facts), SPARK)
    assert said(proposal)["batched tokens"] == ("16384", source)
    assert "--max-num-batched-tokens" in proposal.recipe.vllm_args


def test_pictures() -> None:
    proposal = propose(but(multimodal=True, vision=True), SPARK)
    assert '{"image": 4}' in proposal.recipe.vllm_args


def test_code_of_a_stranger_is_left_out_until_somebody_agrees() -> None:
    proposal = propose(but(remote_code=True), SPARK)
    assert "--trust-remote-code" not in proposal.recipe.vllm_args
    (asked,) = [one for one in proposal.findings if one.confirm]
    assert asked.source == "config.json: auto_map"
    assert words_of(proposal.findings, agreed=True)[-1] == "--trust-remote-code"


def test_mistrals_own_tokenizer() -> None:
    model = but(name="mistralai/Devstral-Small-2507", template=None, tekken=True, model_type=None)
    proposal = propose(replace(model, facts=replace(model.facts, architecture=None)), SPARK)
    assert said(proposal)["tokenizer"] == ("mistral", "tekken.json, no tokenizer.json")
    assert said(proposal)["tool parser"] == ("mistral", "family table: Mistral")
    assert "reasoning parser" not in said(proposal)


@pytest.mark.parametrize(
    ("name", "template", "tool", "reasoning"),
    [
        ("org/own", ("<tool_call>",), ("hermes", "chat template: <tool_call>"), None),
        ("org/own", (), ("none", "no known family, no sign in the chat template"), None),
        ("x/DeepSeek-R1-Distill-8B", ("<think>",),
         ("none", "family table: DeepSeek-R1-Distill"), "deepseek_r1"),
        ("x/DeepSeek-V3.2", None, ("deepseek_v32", "family table: DeepSeek-V3.2"), "deepseek_v3"),
        ("x/Qwen2.5-7B", None, ("none", "no chat template: it completes text only"), None),
    ],
)  # fmt: skip
def test_parsers(
    name: str, template: tuple[str, ...] | None, tool: tuple[str, str], reasoning: str | None
) -> None:
    model = but(name=name, template=template, model_type=None, architecture=None)
    found = said(propose(model, SPARK))
    assert found["tool parser"] == tool
    assert found.get("reasoning parser", (None, ""))[0] == reasoning
