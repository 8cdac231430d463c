"""LiteLLM as a client of the gateway, in the interpreter that the benchmark installs it into."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.contract.clients.engine import CITY, VECTOR, WORDS, gateway

PYTHON = Path(__file__).parents[3] / ".bench-venv/litellm/bin/python"
TEXT = "".join(WORDS)


@pytest.mark.skipif(
    not PYTHON.exists(),
    reason="LiteLLM is NOT tested: `sh bench/gateway/fetch.sh .bench-venv` installs it, then "
    "`pytest tests/contract/clients/test_litellm.py` runs this",
)
async def test_litellm() -> None:
    async with gateway() as there:
        process = await asyncio.create_subprocess_exec(
            str(PYTHON), "-P", str(Path(__file__).with_name("ask_litellm.py")), there.url,
            env={"LITELLM_LOCAL_MODEL_COST_MAP": "True"}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    assert json.loads(said.splitlines()[-1]) == {
        "openai": TEXT, "openai usage": 2, "openai stream": TEXT,
        "anthropic": TEXT, "anthropic usage": 2, "anthropic stream": TEXT,
        "later": TEXT, "tool": CITY, "embedding": list(VECTOR), "unknown": 404, "unloaded": 503,
    }  # fmt: skip
