"""Which parsers of vLLM suit which family of models.

From vLLM's docs/features/tool_calling.md and the recipes of spark-vllm-docker. The first row that
matches counts, so the narrower stand above the wider.
"""

import re
from dataclasses import dataclass

from spark_control.models.domain import Facts

XML, JSON, KIMI, MISTRAL = "<function=", "<tool_call>", "<|tool_calls_section_begin|>", "[TOOL_CALLS]"  # fmt: skip  # noqa: E501
THINKS = ("<think>", "enable_thinking", "[THINK]")


@dataclass(frozen=True, slots=True)
class Family:
    """A family: how it is recognised, its parsers, and what its template has to show for them.

    `sign` must be in the chat template for the row to count. `always` families think whatever
    their template shows; the others get a reasoning parser only where it shows that they do.
    """

    name: str
    pattern: str
    tool: str | None
    reasoning: str | None = None
    sign: str = ""
    always: bool = False


FAMILIES = (
    Family("gpt-oss", r"gpt[-_]?oss", "openai", "openai_gptoss", always=True),
    Family("DeepSeek-R1-Distill", r"r1[-_]distill", None, "deepseek_r1", always=True),
    Family("Qwen3 with XML calls", r"qwen3", "qwen3_xml", "qwen3", sign=XML),
    Family("Qwen3-Coder, Qwen3.5 and later",
           r"qwen3(?:[-_]?(?:coder|next)|[._][5-9](?!\d*b))", "qwen3_xml", "qwen3"),
    Family("Qwen3", r"qwen3", "hermes", "qwen3"),
    Family("QwQ", r"qwq", "hermes", "deepseek_r1", always=True),
    Family("Qwen2.5", r"qwen[-_]?2", "hermes"),
    Family("MiniMax-M3", r"minimax[-_]?m3", "minimax_m3", "minimax_m3", always=True),
    Family("MiniMax-M2", r"minimax[-_]?m2", "minimax_m2", "minimax_m2_append_think", always=True),
    Family("GLM-4.7 and later", r"glm[-_]?(?:4\.7|5)", "glm47", "glm45"),
    Family("GLM-4.5 and 4.6", r"glm[-_]?4(?:\.[56]|_?moe)", "glm45", "glm45"),
    Family("DeepSeek-V4", r"deepseek[-_]?v4", "deepseek_v4", "deepseek_v4", always=True),
    Family("DeepSeek-V3.2", r"deepseek[-_]?v3[._]?2", "deepseek_v32", "deepseek_v3", always=True),
    Family("DeepSeek-V3.1", r"deepseek[-_]?v3\.1", "deepseek_v31", "deepseek_v3", always=True),
    Family("DeepSeek-R1", r"deepseek[-_]?r1", "deepseek_v3", "deepseek_r1", always=True),
    Family("DeepSeek-V3", r"deepseek[-_]?v3", "deepseek_v3"),
    Family("Kimi-K2", r"kimi[-_]?k2", "kimi_k2", "kimi_k2"),
    Family("Nemotron 3", r"nemotron[-_]?(?:3|h\b)", "qwen3_xml", "nemotron_v3"),
    Family("FunctionGemma", r"functiongemma", "functiongemma"),
    Family("Gemma 4", r"gemma[-_]?4", "gemma4", "gemma4", always=True),
    Family("Llama 4", r"llama[-_]?4", "llama4_pythonic"),
    Family("Llama 3", r"llama[-_]?3", "llama3_json"),
    Family("Magistral", r"magistral", "mistral", "mistral", always=True),
    Family("Mistral", r"mi[sx]tral|devstral|ministral", "mistral", "mistral"),
    Family("Step-3.5", r"step[-_]?3[._p]?5", "step3p5", "step3p5", always=True),
    Family("Seed-OSS", r"seed[-_]?oss", "seed_oss", "seed_oss", always=True),
    Family("Granite 4", r"granite[-_]?4|granitemoehybrid", "granite4"),
    Family("Hunyuan", r"hunyuan", "hunyuan_a13b", "hunyuan_a13b"),
    Family("Inkling", r"inkling", "inkling", "inkling", always=True),
    Family("Laguna", r"laguna|poolside", "poolside_v1", "poolside_v1", always=True),
    Family("Olmo 3", r"olmo[-_]?3", "olmo3", "olmo3"),
    Family("Phi-4-mini", r"phi[-_]?4[-_]mini", "phi4_mini_json"),
    Family("MiMo", r"mimo", "mimo", "mimo"),
)  # fmt: skip

BY_SIGN = (
    Family("XML calls", "", "qwen3_xml", sign=XML),
    Family("Kimi's calls", "", "kimi_k2", sign=KIMI),
    Family("Mistral's calls", "", "mistral", sign=MISTRAL),
    Family("JSON calls", "", "hermes", sign=JSON),
)


def family_of(source: str, facts: Facts) -> Family | None:
    """Return the family of a model by its name and type, else by the signs in its template."""
    name = source.rstrip("/").rpartition("/")[2]
    text = " ".join((name, facts.model_type or "", facts.architecture or "")).lower()
    signs = facts.template or ()
    for family in (*FAMILIES, *BY_SIGN):
        if re.search(family.pattern, text) and (not family.sign or family.sign in signs):
            return family
    return None


def thinks(facts: Facts) -> str | None:
    """Return the sign in the template that shows a model that thinks aloud."""
    return next((sign for sign in THINKS if sign in (facts.template or ())), None)
