"""Reading at the start and saving in the gear, over the real file."""

import json
from pathlib import Path

import pytest

from spark_control.core.bus import Bus
from spark_control.settings.adapters.json_file import JsonSettings
from spark_control.settings.errors import SettingsChanged, SettingsUnreadable, SettingsUnwritable
from spark_control.settings.shapes import render
from spark_control.settings.usecases import Configuration


def configuration(path: Path, environment: dict[str, str] | None = None) -> Configuration:
    return Configuration(
        environment=environment or {}, store=JsonSettings(path), bus=Bus(boot="b")
    )


def test_the_first_start_copies_the_environment_once(tmp_path: Path) -> None:
    path = tmp_path / "app_settings.json"
    configuration(path, {"VLLM_PORT": "8001"})
    assert json.loads(path.read_text()) == {"VLLM_PORT": "8001"}
    assert path.stat().st_mode & 0o777 == 0o600
    again = configuration(path, {"VLLM_PORT": ""})
    assert again.current.number("VLLM_PORT") == 8001


def test_nothing_to_copy_writes_nothing(tmp_path: Path) -> None:
    configuration(tmp_path / "app_settings.json")
    assert list(tmp_path.iterdir()) == []


async def test_saving_is_live_and_told_once(tmp_path: Path) -> None:
    path = tmp_path / "app_settings.json"
    path.write_text('{"SOME_FUTURE_KEY": "kept"}')
    conf = configuration(path)
    reader = conf.bus.subscribe("settings")
    saved = await conf.save(conf.current.version, {"VLLM_PORT": "8002"})
    assert conf.current is saved
    assert saved.number("VLLM_PORT") == 8002
    assert json.loads(path.read_text()) == {"SOME_FUTURE_KEY": "kept", "VLLM_PORT": "8002"}
    conf.bus.close()
    assert [event.data["version"] async for event in reader] == [saved.version]


async def test_the_second_editor_of_a_version_is_refused(tmp_path: Path) -> None:
    conf = configuration(tmp_path / "app_settings.json")
    version = conf.current.version
    await conf.save(version, {"VLLM_PORT": "8002"})
    with pytest.raises(SettingsChanged):
        await conf.save(version, {"VLLM_PORT": "8003"})
    assert conf.current.number("VLLM_PORT") == 8002


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
async def test_a_broken_file_is_named_and_never_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "app_settings.json"
    path.write_text(text)
    conf = configuration(path, {"VLLM_PORT": "8001"})
    assert conf.current.number("VLLM_PORT") == 8001
    assert conf.problems[0].name == str(path)
    with pytest.raises(SettingsUnreadable):
        await conf.save(conf.current.version, {"VLLM_PORT": "8002"})
    assert path.read_text() == text


async def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    conf = configuration(tmp_path / "file" / "app_settings.json")
    with pytest.raises((SettingsUnwritable, SettingsUnreadable)):
        await conf.save(conf.current.version, {"VLLM_PORT": "8002"})
    assert conf.current.number("VLLM_PORT") == 8888


def test_secrets_are_write_only(tmp_path: Path) -> None:
    path = tmp_path / "app_settings.json"
    path.write_text('{"HF_TOKEN": "hf_hidden", "VLLM_PORT": "x", "MYSTERY": "1"}')
    url = "postgresql://user:hf_hidden@db.example.org/x"
    shape = render(configuration(path, {"SPARK1_HOST": "10.88.0.11", "DATABASE_URL": url}))
    rows = {row.name: row for row in shape.settings}
    assert (rows["HF_TOKEN"].value, rows["HF_TOKEN"].set) == (None, True)
    assert rows["SPARK1_HOST"].value == "10.88.0.11"
    assert "hf_hidden" not in shape.model_dump_json()
    assert [p.name for p in shape.problems] == ["VLLM_PORT"]
    assert shape.unknown == ["MYSTERY"]
