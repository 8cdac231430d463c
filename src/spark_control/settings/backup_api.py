"""`POST /api/backup`: the data directory and the database as one file."""

from collections.abc import Awaitable, Callable, Iterator
from typing import IO

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

CHUNK = 1 << 18
Make = Callable[[], Awaitable[IO[bytes]]]


class BackupWish(BaseModel):
    """`POST /api/backup` takes no choices yet."""

    model_config = ConfigDict(extra="forbid")


def router(make: Make) -> APIRouter:
    """Return the route of backups. `make` gives a file that is nowhere on the disk by a name."""
    routes = APIRouter(tags=["backup"])

    @routes.post("/api/backup", response_class=StreamingResponse)
    async def backup(_wish: BackupWish) -> StreamingResponse:
        """Make a backup: a gzipped tar. It holds secrets: keep it like a password."""
        file = await make()
        size = file.seek(0, 2)
        file.seek(0)
        headers = {
            "Content-Length": str(size), "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="spark-control.tar.gz"',
        }  # fmt: skip
        return StreamingResponse(_pieces(file), media_type="application/gzip", headers=headers)

    return routes


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(CHUNK):
            yield piece
