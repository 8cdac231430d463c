"""Every curl of the README and of the gateway's pages does what it says, with the real curl."""

import asyncio
import json
import re
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fleet.system import System, system
from tests.fleet.test_services import settled
from tests.fleet.test_spine import recipes

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("gateway*.md"))]
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
HERE = "localhost:9999"


def of_json(look: Callable[[Any], object]) -> Callable[[str], object]:
    return lambda said: look(json.loads(said))


EXPECTED: dict[str, Callable[[str], object]] = {
    "/v1/chat/completions": lambda said: "data: [DONE]" in said,
    "/v1/completions": of_json(lambda body: body["choices"][0]["text"]),
    "/v1/responses": of_json(lambda body: body["output"][0]["content"][0]["text"]),
    "/v1/messages": of_json(lambda body: body["content"][0]["text"]),
    "/tokenize": of_json(lambda body: body["count"] == len(body["tokens"]) > 0),
    "/detokenize": of_json(lambda body: body["prompt"]),
    "/v1/embeddings": of_json(lambda body: len(body["data"][0]["embedding"]) > 9),
    "/v1/rerank": of_json(lambda body: [row["index"] for row in body["results"]] == [1, 0]),
    "/v1/score": of_json(lambda body: body["data"][0]["score"] > 0),
    "/v1/audio/speech": lambda said: not said,
    "/v1/audio/transcriptions": of_json(lambda body: "nobody has listened" in body["text"]),
    "/v1/audio/voices": of_json(lambda body: len(body["voices"]) > 3),
    "/v1/models": of_json(lambda body: "smollm2" in {row["id"] for row in body["data"]}),
    "/api/endpoints": of_json(lambda body: body["endpoints"]),
    "/api/requests": of_json(lambda body: len(body["requests"]) > 3),
    "/api/requests/stats": of_json(lambda body: body["total"]["requests"] > 3),
    "/api/requests?format=csv": lambda said: not said,
    "/metrics": lambda said: "# TYPE" in said,
}
"""What each says; the README has one of each, and no page has any other."""


def curls(page: Path) -> Iterator[str]:
    """Yield the curls of a page, each with the variables that were set before it."""
    for block in SHELL.findall(page.read_text(encoding="utf-8")):
        given = ""
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(r"[A-Z]+=", line):
                given += f"{line}; "
            elif line.startswith("curl"):
                yield given + line


def path_of(command: str) -> str:
    found = re.search(rf"{HERE}(/[^\s']*)", command)
    assert found, command
    target = urlsplit(found[1])
    return found[1] if "format=csv" in target.query else target.path


def test_the_readme_has_one_of_each() -> None:
    found = [path_of(command) for command in curls(PAGES[0])]
    assert sorted(found) == sorted(EXPECTED)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_example_is_looked_at(page: Path) -> None:
    assert {path_of(command) for command in curls(page)} <= set(EXPECTED)


async def say(command: str, url: str, cwd: Path) -> str:
    """Run one line as a person would; the answer's body is returned."""
    quiet = "curl -sS --fail-with-body --noproxy '*' --max-time 20"
    line = re.sub(r"(^|; )curl", rf"\g<1>{quiet}", command, count=1).replace(HERE, url)
    process = await asyncio.create_subprocess_exec(
        "sh", "-ec", line, cwd=cwd, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    text = said.decode()
    assert process.returncode == 0, f"{command}\n{text}"
    return text


async def run_all(there: System, page: Path, cwd: Path) -> None:
    for command in curls(page):
        path = path_of(command)
        said = await say(command, urlsplit(there.url).netloc, cwd)
        if path.startswith("/api/requests"):  # a record is written within a second
            async with asyncio.timeout(5):
                while not EXPECTED[path](said):
                    said = await say(command, urlsplit(there.url).netloc, cwd)
        assert EXPECTED[path](said), f"{command}\n{said}"


async def test_examples(tmp_path: Path) -> None:
    async with system(tmp_path, services=True, MODELS_OVERRIDES=recipes(tmp_path)) as there:
        ended = await there.swapped("smollm2")
        assert ended["state"] == "ready", ended
        await settled(there)
        for page in PAGES:
            await run_all(there, page, tmp_path)
            (tmp_path / "recording.wav").write_bytes((tmp_path / "hello.wav").read_bytes())
    assert (tmp_path / "hello.wav").read_bytes().startswith(b"RIFF")
    assert "/v1/chat/completions" in (tmp_path / "requests.csv").read_text(encoding="utf-8")
