"""Finds a model the way an engine in a container does: in the mounted cache, or at a path."""

import json
from pathlib import Path

from spark_control.lab.standins.containers import Container
from spark_control.lab.standins.vllm_args import Refusal
from spark_control.lab.standins.vllm_fit import Model, kv_bytes, longest

_HUB = "/root/.cache/huggingface/hub"


def _folder(one: Container, wanted: str) -> Path | None:
    if wanted.startswith(("/", "./")):
        return one.on_spark(wanted)
    hub = one.on_spark(_HUB)
    repo = hub / f"models--{wanted.replace('/', '--')}" if hub else None
    if repo is None or not (repo / "refs" / "main").is_file():
        return None
    return repo / "snapshots" / (repo / "refs" / "main").read_text().strip()


def _needed(folder: Path) -> list[str]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return sorted(set(json.loads(index.read_text())["weight_map"].values()))
    return sorted(path.name for path in folder.glob("*.safetensors"))


def look(one: Container, wanted: str) -> Model:
    """Return what is known of a model. Raises Refusal as vLLM does without a network."""
    folder = _folder(one, wanted)
    if folder is None or not (folder / "config.json").is_file():
        if wanted.startswith("/"):
            raise Refusal(
                f"ValueError: Invalid repository ID or local directory specified: '{wanted}'.\n"
            )
        raise Refusal(
            "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and "
            f"couldn't find them in the cached files.\n{wanted} is not the path to a directory "
            "containing a file named config.json.\n"
        )
    config = json.loads((folder / "config.json").read_text())
    files = [folder / name for name in _needed(folder)]
    if missing := [path.name for path in files if not path.exists()]:
        raise Refusal(
            f"huggingface_hub.errors.LocalEntryNotFoundError: {wanted}: cannot find the requested "
            f"file {missing[0]} in the disk cache and outgoing traffic has been disabled.\n"
        )
    size = sum(path.stat().st_size for path in files)
    return Model(
        repo=wanted,
        architecture=str((config.get("architectures") or ["TransformersForCausalLM"])[0]),
        weights_gib=size / 2**30,
        shards=len(files),
        max_len=longest(config),
        kv_bytes=kv_bytes(config),
    )
