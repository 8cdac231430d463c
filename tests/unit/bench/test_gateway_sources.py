"""The two C programs of the gateway's bench, against each other."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.gateway.programs import SOURCES

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where they were compiled, without a warning."""
    target = tmp_path_factory.mktemp("programs")
    for name in ("upstream", "load"):
        words = ["cc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", f"{target / name}"]
        subprocess.run([*words, f"{SOURCES / name}.c"], check=True)  # noqa: S603 - our own
    return target


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    line = [str(folder / "upstream"), "m"]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as upstream:  # noqa: S603 - our own
        try:
            assert upstream.stdout is not None
            yield int(upstream.stdout.readline())
        finally:
            upstream.kill()


def read(folder: Path, port: int, *words: str) -> dict[str, Any]:
    line = [str(folder / "load"), str(port), "m", "a-key", *words]
    done = subprocess.run(  # noqa: S603 - our own
        line, capture_output=True, text=True, check=True, timeout=30
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ask(port: int, path: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}{path}", data, timeout=10) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


def test_every_chunk_comes_in_its_order(folder: Path, port: int) -> None:
    found = read(folder, port, "20", "50", "1000", "--stagger", "20")
    assert (found["ok"], found["chunks"]) == (20, 1000)
    assert found["bad"] == found["unfinished"] == found["disorder"] == 0
    assert 0 < found["delay_us"]["p50"] <= found["delay_us"]["p99"] <= found["delay_us"]["max"]
    assert found["elapsed_s"] >= 0.049
    assert ask(port, "/stats")["done"] == 20


def test_streams_start_over_until_the_time_is_up(folder: Path, port: int) -> None:
    found = read(folder, port, "4", "200", "0", "--seconds", "0.3")
    assert found["ok"] > 4
    assert found["chunks"] == 200 * found["ok"]


def test_who_leaves_is_seen_by_the_upstream(folder: Path, port: int) -> None:
    found = read(folder, port, "20", "400", "100", "--leave-after", "3")
    assert len(found["left_at"]) == 20
    seen = list[int]()
    for _ in range(100):
        seen += ask(port, "/stats")["aborts"]
        if len(seen) == 20:
            break
    assert len(seen) == 20
    assert min(seen) >= min(found["left_at"])


def test_a_whole_answer_and_the_list_of_models(port: int) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "x" * 100_000}]}
    assert ask(port, "/v1/chat/completions", asked)["usage"]["completion_tokens"] == 160
    assert ask(port, "/v1/models")["data"][0]["id"] == "m"
