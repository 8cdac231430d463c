"""Writes models to disk as the Hugging Face hub does; weights are sparse files of true size."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from spark_control.lab.catalogue import Flaw, LabModel

_HEADER = 512
_TEMPLATES = {
    "chatml": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if tools %}<tool_call>{{ tools | tojson }}</tool_call>{% endif %}"
    ),
    "xml": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if tools %}<function=name><parameter=x></parameter></function>{% endif %}"
        "{% if enable_thinking %}<think>{% endif %}"
    ),
    "harmony": (
        "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}"
    ),
    "gemma": (
        "{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>\n"
        "{% endfor %}"
    ),
}


def digest(text: str) -> str:
    """Return the SHA-256 of a text, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def commit_of(repo: str) -> str:
    """Return the commit the snapshot of `repo` has."""
    return hashlib.sha1(repo.encode(), usedforsecurity=False).hexdigest()


def header(tensor: str, size: int) -> bytes:
    """Return the start of a safetensors file that is `size` bytes long in all."""
    payload = size - 8 - _HEADER
    entry = {"dtype": "U8", "shape": [payload], "data_offsets": [0, payload]}
    text = json.dumps({"__metadata__": {"format": "pt"}, tensor: entry})
    return _HEADER.to_bytes(8, "little") + text.encode().ljust(_HEADER)


def _shards(model: LabModel) -> Iterator[tuple[str, str, int]]:
    """Yield file name, tensor and size of each weight file."""
    if model.shards == 1:
        yield "model.safetensors", "model.embed_tokens.weight", model.size
        return
    each = model.size // model.shards
    for number in range(1, model.shards + 1):
        name = f"model-{number:05}-of-{model.shards:05}.safetensors"
        size = each if number < model.shards else model.size - each * (model.shards - 1)
        yield name, f"model.layers.{number - 1}.mlp.weight", size


def _small(model: LabModel) -> dict[str, str]:
    """Return the small files and what they hold."""
    template = _TEMPLATES.get(model.template)
    tokenizer = {"model_max_length": 131072, **({"chat_template": template} if template else {})}
    known: dict[str, object] = {
        "tokenizer.json": {"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}},
        "tokenizer_config.json": tokenizer,
        "generation_config.json": {"temperature": 0.7, "top_p": 0.95, "do_sample": True},
        "preprocessor_config.json": {"image_processor_type": "Qwen2VLImageProcessorFast"},
        "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "models.Transformer"}],
        "tekken.json": {"config": {"pattern": "", "num_vocab_tokens": 131072}, "vocab": []},
        "params.json": {"dim": model.config.get("hidden_size")},
    }
    files = {name: known[name] for name in model.extra} | {"config.json": model.config}
    if model.shards > 1:
        shards = list(_shards(model))
        total = sum(size - 8 - _HEADER for _, _, size in shards)
        weight_map = {tensor: name for name, tensor, _ in shards}
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        files["model.safetensors.index.json"] = index
    return {name: json.dumps(value, indent=2) + "\n" for name, value in files.items()}


def _sparse(path: Path, tensor: str, size: int) -> None:
    with path.open("wb") as file:
        file.write(header(tensor, size))
        file.truncate(size)


def _write_local(folder: Path, model: LabModel) -> None:
    folder.mkdir(parents=True)
    for name, text in _small(model).items():
        (folder / name).write_text(text)
    for name, tensor, size in _shards(model):
        _sparse(folder / name, tensor, size)


def _write_repo(hub: Path, model: LabModel) -> None:
    folder = hub / f"models--{model.repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / commit_of(model.repo)
    blobs = folder / "blobs"
    for one in (snapshot, blobs, folder / "refs"):
        one.mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit_of(model.repo))
    for name, text in _small(model).items():
        etag = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        (blobs / etag).write_text(text)
        (snapshot / name).symlink_to(f"../../blobs/{etag}")
    large = [*_shards(model), *((name, "w", size) for name, size in model.heavy.items())]
    for place, (name, tensor, size) in enumerate(large):
        etag = digest(f"{model.repo}/{name}")
        if model.flaw is Flaw.DOWNLOADING and place == len(large) // 2:
            _sparse(blobs / f"{etag}.incomplete", tensor, size // 3)
            continue
        _sparse(blobs / etag, tensor, size)
        (snapshot / name).symlink_to(f"../../blobs/{etag}")


def write(home: Path, models: tuple[LabModel, ...]) -> None:
    """Make the models of one Spark be exactly `models`; nothing is done when they are already."""
    note = home / ".cache" / "lab-models"
    wanted = digest(repr(models))
    if note.is_file() and note.read_text() == wanted:
        return
    hub = home / ".cache" / "huggingface" / "hub"
    for folder in (hub, home / "models"):
        shutil.rmtree(folder, ignore_errors=True)
    hub.mkdir(parents=True)
    (hub / ".locks").mkdir()
    for model in models:
        if model.local:
            _write_local(home / model.local, model)
        else:
            _write_repo(hub, model)
    note.write_text(wanted)


def bytes_held(models: tuple[LabModel, ...]) -> int:
    """Return what the models would take on a real disk."""
    return sum(model.size + sum(model.heavy.values()) for model in models)
