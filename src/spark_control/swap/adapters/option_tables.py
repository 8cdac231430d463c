"""The option tables of images: kept by the image's digest, in memory and in the data directory.

With a table stands which program read it: what another one read may lack what is asked for today.
"""

import asyncio
import hashlib
import json
import logging
import re
from importlib.resources import files
from pathlib import Path

from spark_control.core.files import write_private
from spark_control.swap.options import Table, Unreadable, read_table

log = logging.getLogger(__name__)

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{12,64})")


class OptionTables:
    """Implements Tables. Files of `folder` that cannot be used are as if they were not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Table] = {}
        packaged = files("spark_control.swap") / "vllm_options.json"
        self._packaged = read_table(json.loads(packaged.read_bytes()))
        program = files("spark_control.swap") / "remote" / "preflight.py"
        self._reader = hashlib.sha256(program.read_bytes()).hexdigest()[:16]

    @property
    def packaged(self) -> Table:
        return self._packaged

    async def of(self, image_id: str) -> Table | None:
        if image_id not in self._known and (path := self._path(image_id)) is not None:
            table = await asyncio.to_thread(_read, path, self._reader)
            if table is not None:
                self._known[image_id] = table
        return self._known.get(image_id)

    async def keep(self, image_id: str, raw: object) -> None:
        path = self._path(image_id)
        if path is None:
            return
        self._known[image_id] = read_table(raw)
        text = json.dumps({"reader": self._reader, "table": raw})
        try:
            await asyncio.to_thread(write_private, path, text.encode())
        except OSError as error:
            log.warning("the option table of an image could not be kept: %s", error)

    def _path(self, image_id: str) -> Path | None:
        found = _DIGEST.fullmatch(image_id)
        return self._folder / f"{found[1]}.json" if found else None


def _read(path: Path, reader: str) -> Table | None:
    try:
        kept = json.loads(path.read_bytes())
        same = isinstance(kept, dict) and kept.get("reader") == reader
        return read_table(kept.get("table")) if same else None
    except (OSError, ValueError, Unreadable):
        return None
