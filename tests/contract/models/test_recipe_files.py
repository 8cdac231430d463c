"""Recipes from real files: a file that cannot be used is a named problem, never a crash."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from spark_control.models.adapters.recipe_files import MAX_BYTES, RecipeFiles
from spark_control.models.domain import Catalogue, Recipe
from spark_control.models.errors import OverridesUnreadable, OverridesUnwritable

GOOD = "models:\n  mine: {name: Mine, repo: org/mine}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "models-overrides.yaml"


def load(source: RecipeFiles) -> Catalogue:
    return asyncio.run(source.load())


def keys(catalogue: Catalogue) -> set[str]:
    return {recipe.key for recipe in catalogue.recipes}


def test_without_a_file_there_are_the_bundled_recipes(path: Path) -> None:
    read = load(RecipeFiles(path))
    assert "qwen36" in keys(read)
    assert read.problems == ()


def test_a_file_that_comes_changes_and_goes_is_noticed(path: Path) -> None:
    source = RecipeFiles(path)
    assert "mine" not in keys(load(source))
    path.write_text(GOOD)
    assert "mine" in keys(load(source))
    path.write_text(GOOD.replace("mine:", "other:"))
    assert {"other"} == keys(load(source)) & {"mine", "other"}
    path.unlink()
    assert not keys(load(source)) & {"mine", "other"}


def test_a_change_that_keeps_the_size_is_noticed_by_its_time(path: Path) -> None:
    path.write_text(GOOD)
    os.utime(path, ns=(1, 1))
    source = RecipeFiles(path)
    load(source)
    path.write_text(GOOD.replace("mine:", "mind:"))
    os.utime(path, ns=(2, 2))
    assert "mind" in keys(load(source))


def test_an_unchanged_file_is_not_read_again(path: Path) -> None:
    path.write_text(GOOD)
    source = RecipeFiles(path)
    assert load(source) is load(source)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"models: {a: [}", "not YAML in line 1"),
        (b"knobs:\n\tx: 1", "not YAML in line 2"),
        (b"!!python/object/apply:os.system [id]", "not YAML in line 1"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"a: \x01", "not YAML"),
        (b"[" * 20000, "not YAML"),
        (b"? {[]: 1}", "not YAML"),
        (b"when: 2026-99-99", "not YAML"),
        (b"#" * (MAX_BYTES + 1), "larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_yaml(path: Path, content: bytes, reason: str) -> None:
    path.write_bytes(content)
    read = load(RecipeFiles(path))
    (problem,) = read.problems
    assert problem.source == str(path)
    assert reason in problem.reason
    assert "qwen36" in keys(read)


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir()
    (problem,) = load(RecipeFiles(path)).problems
    assert problem.reason == "The file cannot be read: Is a directory."


def test_a_parent_that_is_no_folder(path: Path) -> None:
    path.write_text("")
    (problem,) = load(RecipeFiles(path / "x.yaml")).problems
    assert "Not a directory" in problem.reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_and_then_with(path: Path) -> None:
    path.write_text(GOOD)
    path.chmod(0)
    source = RecipeFiles(path)
    (problem,) = load(source).problems
    assert "Permission denied" in problem.reason
    path.chmod(0o600)
    assert "mine" in keys(load(source))


def test_the_sample_of_the_older_system(path: Path) -> None:
    path.write_text(
        "knobs:\n"
        "  qwen36: {max_model_len: 131072, gpu_memory_utilization: 0.8, fastsafetensors: true,"
        " prefix_caching: true, kv_cache_fp8: false}\n"
        "models:\n"
        "  my-finetune:\n"
        "    name: My fine-tune\n"
        "    local_path: /home/user/models/my-finetune\n"
        "    mode: solo\n"
        '    vllm_args: ["--max-model-len", "32768", "--chat-template",'
        ' "/home/user/models/my-finetune/template.jinja"]\n'
        "  broken-entry: {name: Neither repo nor path}\n"
    )
    read = load(RecipeFiles(path))
    assert "my-finetune" in keys(read)
    assert read.knobs["qwen36"].max_model_len == 131072
    assert [problem.entry for problem in read.problems] == ["broken-entry"]


def test_many_readers_at_once(path: Path) -> None:
    path.write_text(GOOD)
    source = RecipeFiles(path)

    async def all_at_once() -> list[Catalogue]:
        return await asyncio.gather(*(source.load() for _ in range(20)))

    assert all("mine" in keys(read) for read in asyncio.run(all_at_once()))


MINE = Recipe(key="mine", name="Mine", repo="org/mine", vllm_args=("--max-model-len", "4096"))


def test_a_recipe_is_written_read_and_taken_out(path: Path) -> None:
    source = RecipeFiles(path)
    asyncio.run(source.save(MINE))
    assert "mine" in keys(load(source))
    assert not path.with_name(f"{path.name}.bak").exists()
    assert asyncio.run(source.remove("mine"))
    assert not asyncio.run(source.remove("mine"))
    assert "mine" not in keys(load(source))


def test_what_was_there_first_is_kept_beside_once(path: Path) -> None:
    first = "# words of mine\nfuture: {b: 1, a: 2}\n" + GOOD
    path.write_text(first)
    source = RecipeFiles(path)
    asyncio.run(source.save(replace(MINE, key="two")))
    asyncio.run(source.save(replace(MINE, key="three")))
    assert path.with_name(f"{path.name}.bak").read_text() == first
    text = path.read_text()
    assert text.index("b: 1") < text.index("a: 2") < text.index("mine:") < text.index("two:")
    assert {"mine", "two", "three"} <= keys(load(source))


def test_a_broken_file_is_not_written_over(path: Path) -> None:
    path.write_text("models: {a: [}")
    with pytest.raises(OverridesUnreadable):
        asyncio.run(RecipeFiles(path).save(MINE))
    assert path.read_text() == "models: {a: [}"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((OverridesUnreadable, OverridesUnwritable)):
        asyncio.run(RecipeFiles(tmp_path / "file" / "x.yaml").save(MINE))
    with pytest.raises(OverridesUnwritable, match="cannot be written"):
        asyncio.run(RecipeFiles(Path("/proc/nowhere/y.yaml")).save(MINE))
