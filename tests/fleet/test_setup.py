"""Setting up a model nobody has described, and what the arithmetic says before a swap."""

from pathlib import Path
from typing import Any

import yaml

from tests.fleet.system import System, system

DEVSTRAL = "mistralai-devstral-small-2507"


async def model(there: System, key: str) -> dict[str, Any]:
    rows = (await there.get("/api/models"))["models"]
    found: dict[str, Any] = next(row for row in rows if row["key"] == key)
    return found


async def error(there: System, method: str, path: str, body: object = None) -> tuple[int, str]:
    answer = await there.http.request(method, path, json=body)
    return answer.status_code, answer.json()["error"]["code"]


async def test_set_up_a_model_and_switch_to_it(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        await there.get("/api/hardware")
        assert (await model(there, DEVSTRAL))["needs_setup"] is True
        proposal = await there.get(f"/api/models/suggest?key={DEVSTRAL}")
        by_repo = await there.get("/api/models/suggest?repo=mistralai/Devstral-Small-2507")
        assert by_repo["recipe"] == proposal["recipe"]
        sources = {row["name"]: row["source"] for row in proposal["values"]}
        assert sources["context"] == "config.json: max_position_embeddings"
        assert sources["tool parser"] == "family table: Mistral"
        assert proposal["fit"]["verdict"] == "fits"

        saved = await there.http.post("/api/models", json=proposal["recipe"])
        assert (saved.status_code, saved.json()["origin"]) == (201, "custom")
        assert (await model(there, DEVSTRAL))["needs_setup"] is False
        again = await error(there, "POST", "/api/models", proposal["recipe"])
        assert again == (409, "recipe_exists")
        changed = {**proposal["recipe"], "name": "Devstral"}
        replaced = await there.http.post("/api/models?replace=true", json=changed)
        assert replaced.status_code == 201

        done = await there.swapped(DEVSTRAL)
        assert (done["state"], done["spark"]) == ("ready", "spark2")
        measured = await there.get(f"/api/models/{DEVSTRAL}/fit")
        assert (measured["basis"], measured["verdict"]) == ("measured", "fits")
        assert {row["name"]: row["basis"] for row in measured["terms"]}["weights"] == "measured"
        assert DEVSTRAL in (tmp_path / "data" / "load-facts.json").read_text()

        assert (await there.http.delete(f"/api/models/{DEVSTRAL}")).status_code == 204
        assert (await model(there, DEVSTRAL))["needs_setup"] is True


async def test_what_cannot_be_saved_or_removed(tmp_path: Path) -> None:
    overrides = tmp_path / "overrides.yaml"
    text = "# mine\nknobs: {qwen36: {max_model_len: 4096}}\nfuture: 7\n"
    overrides.write_text(text)
    async with system(tmp_path, sparks=1, MODELS_OVERRIDES=str(overrides)) as there:
        good: dict[str, object] = {"key": "mine", "repo": "org/mine"}
        bad = ({"key": "mine"}, {**good, "vllm_args": ["--port", "1"]}, {**good, "key": "suggest"})
        for entry in bad:
            assert await error(there, "POST", "/api/models", entry) == (400, "bad_recipe")
        unknown = {**good, "odd": 1}
        assert await error(there, "POST", "/api/models", unknown) == (400, "body_invalid")
        bundled = {**good, "key": "qwen36"}
        assert await error(there, "POST", "/api/models", bundled) == (409, "recipe_bundled")
        assert await error(there, "DELETE", "/api/models/qwen36") == (409, "recipe_bundled")
        assert await error(there, "DELETE", "/api/models/nope") == (404, "recipe_unknown")
        assert await error(there, "GET", "/api/models/suggest?key=nope") == (404, "model_unknown")
        assert await error(there, "GET", "/api/models/suggest?repo=a/b") == (404, "model_unknown")
        assert overrides.read_text() == text

        assert (await there.http.post("/api/models", json=good)).status_code == 201
        assert yaml.safe_load(overrides.read_text()) == {
            "knobs": {"qwen36": {"max_model_len": 4096}},
            "future": 7,
            "models": {"mine": {"name": "org/mine", "repo": "org/mine", "mode": "solo"}},
        }
        assert overrides.with_name("overrides.yaml.bak").read_text() == text


async def test_what_does_not_fit_is_refused_with_the_arithmetic(tmp_path: Path) -> None:
    overrides = tmp_path / "overrides.yaml"
    overrides.write_text(
        "models:\n  devstral:\n    repo: mistralai/Devstral-Small-2507\n"
        '    vllm_args: ["--max-model-len", "131072", "--gpu-memory-utilization", "0.4"]\n'
    )
    async with system(tmp_path, MODELS_OVERRIDES=str(overrides)) as there:
        await there.get("/api/hardware?fresh=true")
        row = await model(there, "devstral")
        assert row["fit"]["verdict"] == "no"
        refused = await there.http.post("/api/swap", json={"model": "devstral"})
        assert refused.status_code == 409
        body = refused.json()["error"]
        assert body["code"] == "does_not_fit"
        terms = {term["name"]: term["bytes"] for term in body["detail"]["terms"]}
        assert terms["kv_needed"] == 40 * 8 * 2 * 128 * 2 * 131072
        assert body["detail"]["max_context"] == row["fit"]["max_context"]
        shorter = await there.get("/api/models/devstral/fit?context=1024&sequences=1")
        assert shorter["verdict"] in {"tight", "no"}
        assert (await there.get("/api/jobs"))["jobs"] == []
        assert await error(there, "GET", "/api/models/devstral/fit?spark=spark9") == (
            404, "host_unknown",
        )  # fmt: skip
