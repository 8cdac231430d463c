"""What engines said of their memory, in one small JSON file."""

import asyncio
import json
import logging
from dataclasses import asdict, fields
from pathlib import Path

from spark_control.core.files import read_object, write_private
from spark_control.models.domain import Measured

log = logging.getLogger(__name__)

MOST = 200
"""So many launches are remembered; the oldest go first."""
_NAMES = tuple(field.name for field in fields(Measured))


class JsonLoadFacts:
    """Implements LoadFacts. The file is read once; it is ours alone to write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = read(path)
        self._writing = asyncio.Lock()

    def get(self, load: str) -> Measured | None:
        return self._known.get(load)

    async def keep(self, load: str, measured: Measured) -> None:
        if self._known.get(load) == measured:
            return
        self._known.pop(load, None)
        self._known[load] = measured
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        text = json.dumps({name: asdict(one) for name, one in self._known.items()}, indent=1)
        async with self._writing:
            try:
                await asyncio.to_thread(write_private, self._path, text.encode())
            except OSError as error:
                log.warning("%s cannot be written: %s", self._path, error.strerror)


def read(path: Path) -> dict[str, Measured]:
    """Return what the file holds; what cannot be read of it is nothing."""
    found = read_object(path).items()
    return {load: _measured(one) for load, one in found if isinstance(one, dict)}


def _measured(entry: dict[str, object]) -> Measured:
    values = {name: entry.get(name) for name in _NAMES}
    return Measured(**{n: v if isinstance(v, int) else None for n, v in values.items()})
