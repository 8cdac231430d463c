"""Which foreign engines were handed over, in one small JSON file."""

import asyncio
import json
from pathlib import Path

from spark_control.core.files import read_object, write_private
from spark_control.swap.errors import AdoptionUnkept


class AdoptedFile:
    """Implements Adopted. The file is read once; it is ours alone to write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = read(path)
        self._writing = asyncio.Lock()

    def get(self, spark: str) -> str | None:
        return self._known.get(spark)

    async def put(self, spark: str, holder_id: str | None) -> None:
        async with self._writing:
            known = {name: one for name, one in self._known.items() if name != spark}
            if holder_id is not None:
                known[spark] = holder_id
            text = json.dumps(known, indent=1).encode()
            try:
                await asyncio.to_thread(write_private, self._path, text)
            except OSError as error:
                raise AdoptionUnkept(
                    f"{self._path} cannot be written: {error.strerror}."
                ) from error
            self._known = known


def read(path: Path) -> dict[str, str]:
    """Return what the file holds; what cannot be read of it is nothing."""
    return {spark: one for spark, one in read_object(path).items() if isinstance(one, str)}
