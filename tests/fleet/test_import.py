"""Recipes of spark-vllm-docker become recipes here: kept, launched, and told what was left out."""

from pathlib import Path

from tests.fleet.system import system

GPT = """\
recipe_version: "1"
name: GPT-OSS tuned
description: Tuned.
model: openai/gpt-oss-120b
container: vllm-node
solo_only: true
build_args: [--exp-mxfp4]
defaults: {port: 8000, host: 0.0.0.0, max_model_len: 8192}
env: {VLLM_LOGGING_LEVEL: DEBUG, HF_TOKEN: hf_x}
command: |
  vllm serve openai/gpt-oss-120b \\
    --host {host} --port {port} --max-model-len {max_model_len} -tp 1
"""
BUNDLED = GPT.replace("GPT-OSS tuned", "qwen36")
OTHER = 'name: Images\ncontainer: flux\ncommand: "uvicorn server:app"\n'


async def test_imported_listed_and_launched(tmp_path: Path) -> None:
    overrides = tmp_path / "data" / "models-overrides.yaml"
    async with system(tmp_path, sparks=1) as there:
        text = f"{GPT}---\n{OTHER}---\n{BUNDLED}---\n{GPT}"
        tried = await there.http.post("/api/models/import", json={"text": text, "dry_run": True})
        assert [one["recipe"]["key"] for one in tried.json()["imported"]] == [
            "gpt-oss-tuned", "qwen36-imported",
        ]  # fmt: skip
        assert not overrides.exists()
        answer = (await there.http.post("/api/models/import", json={"text": text})).json()
        assert answer["imported"] == tried.json()["imported"]
        assert [(one["name"], one["field"]) for one in answer["refused"]] == [
            ("Images", "command"), ("GPT-OSS tuned", "key"),
        ]  # fmt: skip
        left = {one["field"] for one in answer["imported"][0]["left_out"]}
        assert left == {"build_args", "env", "command"}
        assert "hf_x" not in overrides.read_text()
        again = (await there.http.post("/api/models/import", json={"text": GPT})).json()
        assert (again["imported"], len(again["refused"])) == ([], 1)
        wish = {"text": GPT, "replace": True}
        replaced = (await there.http.post("/api/models/import", json=wish)).json()
        assert len(replaced["imported"]) == 1
        bad = await there.http.post("/api/models/import", json={"text": "a: ["})
        assert (bad.status_code, bad.json()["error"]["code"]) == (400, "bad_recipe")
        rows = (await there.get("/api/models"))["models"]
        mine = next(one for one in rows if one["key"] == "gpt-oss-tuned")
        assert (mine["origin"], mine["notes"].splitlines()[0]) == ("custom", "Tuned.")
        ended = await there.swapped("gpt-oss-tuned")
        assert ended["state"] == "ready", ended["error"]
        assert (await there.http.delete("/api/models/gpt-oss-tuned")).status_code == 204
