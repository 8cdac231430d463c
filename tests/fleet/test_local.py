"""A model that is a folder on a Spark: on the menu with its size, mounted, served by its path."""

import os
from pathlib import Path
from typing import Any

from tests.fleet.system import System, system

REPO = "openai/gpt-oss-120b"


def folder_of(there: System, spark: int) -> Path:
    """Lay a copy of a model of the cache below the home of a Spark; its files are links."""
    home = there.lab.sparks[spark].home
    cache = home / ".cache" / "huggingface" / "hub" / f"models--{REPO.replace('/', '--')}"
    (snapshot,) = (cache / "snapshots").iterdir()
    folder = home / "models" / "a-folder"
    folder.mkdir(parents=True)
    for file in snapshot.iterdir():
        os.link(file.resolve(), folder / file.name)
    return folder


async def row(there: System, key: str) -> dict[str, Any]:
    rows = (await there.get("/api/models?fresh=1"))["models"]
    found: dict[str, Any] = next(one for one in rows if one["key"] == key)
    return found


async def test_a_folder_is_a_model_like_any_other(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        folder = folder_of(there, 0)
        words = ["--max-model-len", "8192", "--chat-template", f"{folder}/t.jinja"]
        entry = {"key": "mine", "name": "Mine", "local_path": f"{folder}/", "vllm_args": words}
        saved = await there.http.post("/api/models", json=entry)
        assert saved.status_code == 201, saved.text
        one = await row(there, "mine")
        assert (one["repo"], one["local_path"], one["url"]) == (None, str(folder), None)
        assert (one["complete_on"], one["origin"]) == (["spark1"], "custom")
        assert one["size_bytes"] == sum(file.stat().st_size for file in folder.iterdir())
        plan = await there.http.post("/api/swap", json={"model": "mine", "dry_run": True})
        assert f"-v {folder}:{folder}" in plan.text
        ended = await there.swapped("mine")
        assert ended["state"] == "ready", ended
        names = (await there.get("/api/status"))["loaded"][0]["names"]
        assert names == ["mine", str(folder)]
        assert (await there.chat("mine")).status_code == 200
        assert (await row(there, "mine"))["loaded_on"] == ["spark1"]
        assert folder.exists()


async def test_what_is_refused_names_its_field(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        for entry, param in (
            ({"local_path": "/m/x", "repo": "org/x"}, "exactly one"),
            ({}, "exactly one"),
            ({"local_path": "m/x"}, "absolute"),
            ({"local_path": "/m/../x"}, "`..`"),
            ({"local_path": "/m/$(id)"}, "letters, digits"),
            ({"local_path": "/m/x", "vllm_args": ["--chat_template=/t.jinja"]}, "inside"),
        ):
            answer = await there.http.post("/api/models", json={"key": "mine", **entry})
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (400, "bad_recipe")
            assert param in error["message"].casefold(), error
