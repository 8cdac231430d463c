"""Models on disk look as the hub's own library leaves them."""

import json
import os
from pathlib import Path

from spark_control.lab import hub
from spark_control.lab.catalogue import MODELS, chosen

PICK = chosen(("gpt-oss-120b", "smollm2", "glm-4.5-air-fp8", "devstral-small-2507", "my-finetune"))


def snapshot(home: Path, repo: str) -> Path:
    folder = home / ".cache/huggingface/hub" / f"models--{repo.replace('/', '--')}"
    return folder / "snapshots" / (folder / "refs/main").read_text()


def home_with_models(tmp_path: Path) -> Path:
    (tmp_path / ".cache").mkdir()
    hub.write(tmp_path, PICK)
    return tmp_path


def test_links_lead_to_blobs_and_sizes_are_true(tmp_path: Path) -> None:
    home = home_with_models(tmp_path)
    folder = snapshot(home, "openai/gpt-oss-120b")
    for path in folder.iterdir():
        assert os.readlink(path).startswith("../../blobs/")  # noqa: PTH115 - the text, not a path
        assert path.exists()
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    names = set(index["weight_map"].values())
    sizes = {name: (folder / name).stat().st_size for name in names}
    assert (len(names), sum(sizes.values())) == (15, 65_248_815_744)
    assert index["metadata"]["total_size"] <= sum(sizes.values())
    assert sum(path.stat().st_blocks for path in folder.iterdir()) * 512 < 10**6


def test_a_weight_file_has_a_head_that_says_its_length(tmp_path: Path) -> None:
    home = home_with_models(tmp_path)
    for name, repo in (("model.safetensors", "HuggingFaceTB/SmolLM2-135M-Instruct"),):
        path = snapshot(home, repo) / name
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            head = json.loads(file.read(length))
        last = max(one["data_offsets"][1] for key, one in head.items() if key != "__metadata__")
        assert path.stat().st_size == 8 + length + last == 269_060_552


def test_a_download_that_is_not_done(tmp_path: Path) -> None:
    home = home_with_models(tmp_path)
    folder = snapshot(home, "zai-org/GLM-4.5-Air-FP8")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    missing = [name for name in set(index["weight_map"].values()) if not (folder / name).exists()]
    assert len(missing) == 1
    assert len(list((folder / "../../blobs").glob("*.incomplete"))) == 1


def test_other_files(tmp_path: Path) -> None:
    home = home_with_models(tmp_path)
    assert (snapshot(home, "mistralai/Devstral-Small-2507") / "consolidated.safetensors").exists()
    assert (home / "models/my-finetune/model-00004-of-00004.safetensors").exists()
    template = json.loads(
        (snapshot(home, "openai/gpt-oss-120b") / "tokenizer_config.json").read_text()
    )
    assert "<|start|>" in template["chat_template"]


def test_writing_again_does_nothing_until_the_models_change(tmp_path: Path) -> None:
    home = home_with_models(tmp_path)
    mark = home / ".cache/huggingface/hub/mark"
    mark.touch()
    hub.write(home, PICK)
    assert mark.exists()
    hub.write(home, ())
    assert list((home / ".cache/huggingface/hub").iterdir()) == [
        home / ".cache/huggingface/hub/.locks"
    ]


def test_bytes_held() -> None:
    assert hub.bytes_held(chosen(("devstral-small-2507",))) == 2 * 47_140_000_000
    assert hub.bytes_held(MODELS) > 5 * 10**11
