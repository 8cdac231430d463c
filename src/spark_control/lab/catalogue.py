"""The models on the disks of the lab: real repositories, real shapes, weights that are holes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from spark_control.lab.errors import LabModelUnknown

Config = Mapping[str, object]

_GB = 10**9


class Flaw(StrEnum):
    """What is wrong with a copy on disk."""

    NONE = "none"
    DOWNLOADING = "downloading"
    """One shard is not there yet; a part of it lies beside as `.incomplete`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabModel:
    """One model: where it lies and what its files say. `only` names the Spark, 0 is all."""

    key: str
    repo: str
    size: int
    shards: int
    config: Config
    template: str = "chatml"
    extra: tuple[str, ...] = ("tokenizer.json", "tokenizer_config.json", "generation_config.json")
    only: int = 0
    flaw: Flaw = Flaw.NONE
    local: str = ""
    heavy: Mapping[str, int] = field(default_factory=dict)
    """More large files: name and size."""


def _decoder(
    arch: str, kind: str, layers: int, hidden: int, heads: tuple[int, int, int], **more: object
) -> dict[str, object]:
    """Return a `config.json`; `heads` are attention heads, KV heads and the width of one."""
    return {
        "architectures": [arch],
        "model_type": kind,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads[0],
        "num_key_value_heads": heads[1],
        "head_dim": heads[2],
        "torch_dtype": "bfloat16",
        "tie_word_embeddings": False,
        **more,
    }


def _seeing(arch: str, kind: str, text: dict[str, object], **more: object) -> dict[str, object]:
    """Return the `config.json` of a model that reads pictures too."""
    inner = {k: v for k, v in text.items() if k != "architectures"}
    vision = {"depth": 27, "hidden_size": 1152, "patch_size": 16}
    return {
        "architectures": [arch],
        "model_type": kind,
        "text_config": {**inner, "model_type": f"{kind}_text"},
        "vision_config": vision,
        **more,
    }


def _every(count: int, layers: int, rest: str) -> list[str]:
    """Return layer types: each `count`-th has full attention."""
    return ["full_attention" if (n + 1) % count == 0 else rest for n in range(layers)]


_FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
_PICTURES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "generation_config.json",
    "preprocessor_config.json",
)

SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
GEMMA3 = "google/gemma-3-270m"

MODELS: tuple[LabModel, ...] = (
    LabModel(
        key="smollm2",
        repo=SMOLLM2,
        size=269_060_552,
        shards=1,
        config=_decoder(
            "LlamaForCausalLM", "llama", 30, 576, (9, 3, 64), max_position_embeddings=8192
        ),
    ),
    LabModel(
        key="gemma3-270m",
        repo=GEMMA3,
        size=536_223_056,
        shards=1,
        template="",
        config=_decoder(
            *("Gemma3ForCausalLM", "gemma3_text", 18, 640, (4, 1, 256)),
            max_position_embeddings=32768,
            sliding_window=512,
            layer_types=_every(6, 18, "sliding_attention"),
        ),
    ),
    LabModel(
        key="gpt-oss-120b",
        repo="openai/gpt-oss-120b",
        size=65_248_815_744,
        shards=15,
        template="harmony",
        config=_decoder(
            *("GptOssForCausalLM", "gpt_oss", 36, 2880, (64, 8, 64)),
            max_position_embeddings=131072,
            num_local_experts=128,
            num_experts_per_tok=4,
            sliding_window=128,
            layer_types=_every(2, 36, "sliding_attention"),
            quantization_config={"quant_method": "mxfp4"},
        ),
    ),
    LabModel(
        key="qwen3.6-35b-a3b-fp8",
        repo="Qwen/Qwen3.6-35B-A3B-FP8",
        size=37_460_000_000,
        shards=14,
        template="xml",
        extra=_PICTURES,
        config=_seeing(
            "Qwen3_5MoeForConditionalGeneration",
            "qwen3_5_moe",
            _decoder(
                *("", "qwen3_5_moe", 40, 2048, (16, 2, 256)),
                max_position_embeddings=262144,
                num_experts=256,
                num_experts_per_tok=8,
                full_attention_interval=4,
                layer_types=_every(4, 40, "linear_attention"),
                linear_num_key_heads=16,
                linear_num_value_heads=32,
                mtp_num_hidden_layers=1,
            ),
            quantization_config=_FP8,
        ),
    ),
    LabModel(
        key="qwen3-vl-30b-a3b-fp8",
        repo="Qwen/Qwen3-VL-30B-A3B-Instruct-FP8",
        size=32_310_000_000,
        shards=7,
        extra=_PICTURES,
        only=1,
        config=_seeing(
            "Qwen3VLMoeForConditionalGeneration",
            "qwen3_vl_moe",
            _decoder(
                *("", "qwen3_vl_moe", 48, 2048, (32, 4, 128)),
                max_position_embeddings=262144,
                num_experts=128,
                num_experts_per_tok=8,
            ),
            quantization_config=_FP8,
        ),
    ),
    LabModel(
        key="gemma-4-26b-a4b-it",
        repo="google/gemma-4-26B-A4B-it",
        size=51_610_000_000,
        shards=11,
        template="gemma",
        extra=_PICTURES,
        only=2,
        config=_seeing(
            "Gemma4ForConditionalGeneration",
            "gemma4",
            _decoder(
                *("", "gemma4", 30, 2816, (16, 8, 256)),
                max_position_embeddings=262144,
                num_experts=128,
                num_experts_per_tok=8,
                sliding_window=1024,
                layer_types=_every(6, 30, "sliding_attention"),
            ),
        ),
    ),
    LabModel(
        key="minimax-m2-awq",
        repo="QuantTrio/MiniMax-M2-AWQ",
        size=121_370_000_000,
        shards=41,
        template="xml",
        config=_decoder(
            *("MiniMaxM2ForCausalLM", "minimax_m2", 62, 3072, (48, 8, 128)),
            max_position_embeddings=196608,
            num_local_experts=256,
            num_experts_per_tok=8,
            quantization_config={"quant_method": "awq", "bits": 4, "group_size": 128},
            auto_map={"AutoConfig": "configuration_minimax_m2.MiniMaxM2Config"},
        ),
    ),
    LabModel(
        key="glm-4.5-air-fp8",
        repo="zai-org/GLM-4.5-Air-FP8",
        size=112_670_000_000,
        shards=47,
        template="xml",
        only=1,
        flaw=Flaw.DOWNLOADING,
        config=_decoder(
            *("Glm4MoeForCausalLM", "glm4_moe", 46, 4096, (96, 8, 128)),
            max_position_embeddings=131072,
            n_routed_experts=128,
            num_experts_per_tok=8,
            quantization_config={"quant_method": "compressed-tensors"},
        ),
    ),
    LabModel(
        key="devstral-small-2507",
        repo="mistralai/Devstral-Small-2507",
        size=47_140_000_000,
        shards=10,
        template="",
        extra=("tekken.json", "params.json", "generation_config.json"),
        heavy={"consolidated.safetensors": 47_140_000_000},
        only=2,
        config=_decoder(
            *("MistralForCausalLM", "mistral", 40, 5120, (32, 8, 128)),
            max_position_embeddings=131072,
        ),
    ),
    LabModel(
        key="qwen3-embedding-0.6b",
        repo="Qwen/Qwen3-Embedding-0.6B",
        size=1_191_586_416,
        shards=1,
        extra=("tokenizer.json", "tokenizer_config.json", "modules.json"),
        only=1,
        config=_decoder(
            *("Qwen3ForCausalLM", "qwen3", 28, 1024, (16, 8, 128)),
            max_position_embeddings=32768,
        ),
    ),
    LabModel(
        key="my-finetune",
        repo="",
        local="models/my-finetune",
        size=16_060_000_000,
        shards=4,
        only=1,
        config=_decoder(
            *("LlamaForCausalLM", "llama", 32, 4096, (32, 8, 128)),
            max_position_embeddings=131072,
        ),
    ),
)


def chosen(keys: tuple[str, ...] | None) -> tuple[LabModel, ...]:
    """Return the models with those keys or repositories; all when `keys` is None.

    Raises LabModelUnknown.
    """
    if keys is None:
        return MODELS
    if unknown := set(keys) - {name for model in MODELS for name in (model.key, model.repo)}:
        known = ", ".join(model.key for model in MODELS)
        raise LabModelUnknown(f"The lab has no model {min(unknown)!r}; it has {known}.")
    return tuple(model for model in MODELS if {model.key, model.repo} & set(keys))


def held_by(spark: int, models: tuple[LabModel, ...]) -> tuple[LabModel, ...]:
    """Return the models on the disk of Spark number `spark`, from 1."""
    return tuple(model for model in models if model.only in {0, spark})
