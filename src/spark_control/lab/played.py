"""Starts the played speech and embedding services, as containers of one Spark."""

import asyncio
import subprocess
import sys
from pathlib import Path

from spark_control.lab.folder import Place

IMAGE = {"repository": "spark-control-lab", "tag": "latest", "size": 1_000_000}
PLAYED = {
    "parakeet": ("parakeet-asr", 8000), "magpie": ("magpie-tts", 9000),
    "kokoro": ("kokoro", 8880), "embed": ("embeddings", 8001),
}  # fmt: skip
"""The container and the port of each, as the settings have them by default."""
_RUN = Path(__file__).with_name("standins") / "run.py"


async def start(place: Place) -> list[str]:
    """Start all of them; return what a person should know of those that did not start."""
    found = await asyncio.gather(*(_start(place, name) for name in PLAYED))
    return [text for text in found if text]


async def _start(place: Place, name: str) -> str:
    container, port = PLAYED[name]
    words = ["docker", "run", "-d", "--name", container, f"{IMAGE['repository']}:{IMAGE['tag']}",
             "lab-service", name, str(port)]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(_RUN), *words, env=place.env(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    if process.returncode == 0:
        return ""
    return f"{place.name} plays no {name}: {said.decode(errors='replace').strip()[:200]}"
