"""Naughty values at the door of every route: a code, never a 500, and no shell ever sees more."""

import json
import os
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fleet.system import System, system

JSON = {"Content-Type": "application/json"}
NAUGHTY = [
    "; touch /tmp/pwned", "$(touch pwned)", "`touch pwned`", "a b", "a'b", 'a"b', "a\nb", "a\0b",
    "-rf", "--help", "../../etc/passwd", "~root", "ünï-\uff43ode", "<script>alert(1)</script>",
    "\u202egnp.exe", "a" * 5000, "\ud83d\ude00", "\ud800",
    "%00", "%2e%2e%2f", "{}", "[]", "null", "\\",
]  # fmt: skip


async def test_texts_of_every_route(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.get("/api/models")
        for text in NAUGHTY:
            for method, path, body in routes(text):
                content = json.dumps(body).encode() if body else b""
                answer = await there.http.request(method, path, content=content, headers=JSON)
                assert 400 <= answer.status_code < 500, (method, path, text, answer.text)
                assert answer.json()["error"]["code"], (method, path)
    assert written(tmp_path) == []


def written(folder: Path) -> list[Path]:
    """Return what a broken quote would have written."""
    outside = [Path("/tmp/pwned")]  # noqa: S108 - the path in the texts above
    return [path for path in [*folder.rglob("pwned"), *outside] if path.exists()]


def routes(text: str) -> list[tuple[str, str, object]]:
    from urllib.parse import quote

    word = quote(text, safe="", errors="surrogatepass")
    return [
        ("POST", "/api/swap", {"model": text}),
        ("POST", "/api/swap", {"model": "qwen36", "host": text}),
        ("GET", f"/api/swap/{word}", None),
        ("POST", f"/api/swap/{word}/validate", {}),
        ("POST", "/api/swap/qwen36/validate", {"host": text}),
        ("POST", "/api/swap", {"model": text, "dry_run": True}),
        ("DELETE", f"/api/swap/{word}", None),
        ("GET", f"/api/jobs/{word}", None),
        ("GET", f"/api/jobs/{word}/log", None),
        ("PUT", "/api/settings", {"version": text, "values": {}}),
        ("PUT", "/api/settings", {"version": "x", "values": {text: text}}),
        ("POST", "/api/session", {"tokn": text}),
        ("POST", "/v1/chat/completions", {"model": text + "?"}),
    ]


async def test_values_of_settings_that_would_reach_a_shell(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        for name in (
            "VLLM_CONTAINER",
            "VLLM_LAUNCH_DIR",
            "VLLM_PORT",
            "SPARK1_HOST",
            "SPARK1_USER",
        ):
            for text in ("; id", "$(id)", "a\nb", "-x", "a b;"):
                version = (await there.get("/api/settings"))["version"]
                body = {"version": version, "values": {name: text}}
                answer = await there.http.put("/api/settings", json=body)
                assert answer.status_code == 400, (name, text)
                assert answer.json()["error"]["code"] == "setting_invalid"


async def test_a_launch_folder_with_blanks_and_quotes(tmp_path: Path) -> None:
    """`~` means the home of the Spark, and the rest of the path is one word there."""
    async with system(tmp_path, sparks=1) as there:
        home = there.lab.sparks[0].home
        odd = 'it\'s a "folder" $(id); x'
        os.rename(home / "spark-vllm-docker", home / odd)  # noqa: PTH104 - one move, no path object
        version = (await there.get("/api/settings"))["version"]
        body = {"version": version, "values": {"VLLM_LAUNCH_DIR": f"~/{odd}"}}
        assert (await there.http.put("/api/settings", json=body)).status_code == 200
        assert (await there.swapped("qwen36"))["state"] == "ready"


async def test_recipes_with_odd_words_arrive_as_words(tmp_path: Path) -> None:
    words = ["--max-model-len", "4096", "--chat-template-content-format", "a b'c\"$(id);`x`"]
    recipe = {"models": {"odd": {"name": "Odd; $(id)", "repo": "openai/gpt-oss-120b",
                                 "mode": "solo", "vllm_args": words}}}  # fmt: skip
    path = tmp_path / "models-overrides.yaml"
    path.write_text(json.dumps(recipe))
    async with system(tmp_path, sparks=1, MODELS_OVERRIDES=str(path)) as there:
        job = await there.swapped("odd")
        script = there.lab.sparks[0].home / ".spark-control" / "launch-vllm_node.sh"
        import shlex

        assert shlex.split(script.read_text().splitlines()[-1])[-4:] == words
        assert job["state"] in {"ready", "failed"}
        if job["state"] == "failed":
            assert job["error"]["code"] == "engine_died"


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


async def test_any_json_at_all(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        bodies: list[object] = []

        @given(BODIES)
        @settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
        def collect(body: object) -> None:
            bodies.append(body)

        collect()
        for body in bodies:
            await refused(there, body)


async def refused(there: System, body: object) -> None:
    for method, path in (("POST", "/api/swap"), ("PUT", "/api/settings"), ("POST", "/api/session"),
                         ("POST", "/v1/chat/completions")):  # fmt: skip
        answer = await there.http.request(method, path, json=body)
        assert answer.status_code < 500 or answer.json()["error"]["code"] == "nothing_loaded"
