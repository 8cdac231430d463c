"""Families are told by name and type, else by the signs in their templates."""

import pytest

from spark_control.models.domain import Facts
from spark_control.models.families import FAMILIES, family_of, thinks

XML = ("<tool_call>", "<function=", "tools")


@pytest.mark.parametrize(
    ("source", "template", "tool", "reasoning"),
    [
        ("openai/gpt-oss-20b", (), "openai", "openai_gptoss"),
        ("Qwen/Qwen3-8B", ("<tool_call>",), "hermes", "qwen3"),
        ("Qwen/Qwen3-8B", XML, "qwen3_xml", "qwen3"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", (), "qwen3_xml", "qwen3"),
        ("Qwen/Qwen3.6-35B-A3B", (), "qwen3_xml", "qwen3"),
        ("Qwen/Qwen2.5-7B-Instruct", (), "hermes", None),
        ("Qwen/QwQ-32B", (), "hermes", "deepseek_r1"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", (), None, "deepseek_r1"),
        ("deepseek-ai/DeepSeek-V3.2", (), "deepseek_v32", "deepseek_v3"),
        ("deepseek-ai/DeepSeek-V3.1", (), "deepseek_v31", "deepseek_v3"),
        ("deepseek-ai/DeepSeek-V3-0324", (), "deepseek_v3", None),
        ("zai-org/GLM-4.5-Air-FP8", XML, "glm45", "glm45"),
        ("zai-org/GLM-4.7", (), "glm47", "glm45"),
        ("QuantTrio/MiniMax-M2-AWQ", XML, "minimax_m2", "minimax_m2_append_think"),
        ("mistralai/Devstral-Small-2507", (), "mistral", "mistral"),
        ("nvidia/NVIDIA-Nemotron-3-Super", XML, "qwen3_xml", "nemotron_v3"),
        ("google/gemma-4-26B-A4B-it", (), "gemma4", "gemma4"),
        ("meta-llama/Llama-3.3-70B-Instruct", (), "llama3_json", None),
        ("/home/user/models/my-own/", XML, "qwen3_xml", None),
        ("org/own", ("<tool_call>",), "hermes", None),
        ("org/own", ("[TOOL_CALLS]",), "mistral", None),
        ("org/own", ("<|tool_calls_section_begin|>",), "kimi_k2", None),
    ],
)
def test_which_parsers(
    source: str, template: tuple[str, ...], tool: str | None, reasoning: str | None
) -> None:
    family = family_of(source, Facts(template=template))
    assert family is not None
    assert (family.tool, family.reasoning) == (tool, reasoning)


def test_the_type_tells_where_the_name_does_not() -> None:
    family = family_of("org/my-tune", Facts(model_type="gpt_oss"))
    assert family is not None
    assert family.name == "gpt-oss"


def test_a_stranger() -> None:
    assert family_of("org/own", Facts()) is None
    assert family_of("org/own", Facts(template=("tools",))) is None


def test_signs_of_thinking() -> None:
    assert thinks(Facts(template=("tools", "enable_thinking"))) == "enable_thinking"
    assert thinks(Facts(template=("tools",))) is None
    assert thinks(Facts()) is None


def test_the_lab_knows_every_parser_of_the_table() -> None:
    import json
    from importlib.resources import files

    table = json.loads((files("spark_control.lab") / "standins" / "vllm_flags.json").read_text())
    assert {f.tool for f in FAMILIES if f.tool} <= set(table["tool_parsers"])
    assert {f.reasoning for f in FAMILIES if f.reasoning} <= set(table["reasoning_parsers"])
