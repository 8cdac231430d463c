"""The disks of the lab and the bundled recipes agree: the demo shows every kind of line."""

from pathlib import Path

from spark_control.lab import hub
from spark_control.lab.catalogue import MODELS, held_by
from spark_control.models.adapters.hf_cache import HfCache
from spark_control.models.adapters.recipe_files import RecipeFiles
from spark_control.models.domain import Kind, Menu, Mode
from spark_control.models.menu import build_menu
from tests.contract.models.cache_folder import Spark


async def menu_of_the_lab(folder: Path) -> Menu:
    disks = []
    for number in (1, 2):
        spark = Spark(folder / f"spark{number}", f"spark{number}")
        spark.home.mkdir()
        hub.write(spark.home, held_by(number, MODELS))
        local = [str(spark.home / model.local) for model in MODELS if model.local]
        disks.append(await HfCache().inventory(spark, local, timeout_s=30))
    return build_menu(disks, await RecipeFiles(folder / "none.yaml").load())


async def test_the_lab_shows_every_kind_of_line(tmp_path: Path) -> None:
    models = {model.key: model for model in (await menu_of_the_lab(tmp_path)).models}
    ready = {"qwen36", "gemma4", "qwen3-vl", "gpt-oss-120b", "minimax-m2"}
    assert ready <= set(models)
    for key in ready:
        assert models[key].problems == (), models[key]
        assert models[key].complete_on
        assert models[key].kind is Kind.CHAT
    assert models["minimax-m2"].mode is Mode.CLUSTER
    assert models["minimax-m2"].complete_on == ("spark1", "spark2")
    bare = [model for model in models.values() if model.needs_setup and model.complete_on]
    assert any(model.repo for model in bare)
    assert any(model.local_path for model in bare)
    assert any(not model.complete_on for model in models.values())
    assert Kind.EMBEDDING in {model.kind for model in models.values()}


async def test_models_with_pictures_or_states_are_known_as_such(tmp_path: Path) -> None:
    models = {model.key: model for model in (await menu_of_the_lab(tmp_path)).models}
    assert {key for key, model in models.items() if model.facts.multimodal} == {
        "qwen36", "qwen3-vl", "gemma4",
    }  # fmt: skip
    assert {key for key, model in models.items() if model.facts.hybrid} == {"qwen36"}
