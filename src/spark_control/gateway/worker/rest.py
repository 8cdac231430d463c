"""The rest of an engine's 5xx, heard for the log when its client has our answer already."""

import asyncio
import logging

from typing_extensions import override

from spark_control.core.errors import AppError
from spark_control.gateway import framing, refused
from spark_control.gateway.head import AnswerHead
from spark_control.gateway.worker.place import Answer
from spark_control.gateway.worker.upstream import Asker, Upstream

log = logging.getLogger(__name__)

HEARD_S = 2.0


class Rest(Asker):
    """Takes over a connection to hear out what came after the head; its words are not kept."""

    def __init__(
        self, upstream: Upstream, who: str, head: AnswerHead, payload: bytes, *, complete: bool
    ) -> None:
        self.bodiless = False
        self.complete = complete
        self._upstream = upstream
        self._who = who
        self._head = head
        self._body = payload
        self._over = asyncio.Event()
        upstream.asker = self

    async def hear(self) -> None:
        """Wait for the rest, a moment, and log the type and code of the error."""
        try:
            async with asyncio.timeout(HEARD_S):
                await self._over.wait()
        except TimeoutError:
            return
        finally:
            if self._upstream.asker is self:
                self._upstream.abort()
        if names := refused.names(self._head, self._body):
            log.warning("%s answered with %s", self._who, ", ".join(names))

    @override
    def answered(self, answer: Answer, payload: bytes, body: framing.Body) -> None:
        """Never comes: the head was there before."""

    @override
    def piece(self, data: bytes, payload: bytes, body: framing.Body) -> None:
        self._body += payload
        if len(self._body) > refused.MOST_BYTES:
            self._upstream.abort()
            self._over.set()

    @override
    def done(self) -> None:
        self._over.set()

    @override
    def failed(self, upstream: Upstream, error: AppError | None) -> None:
        self._over.set()  # what came may still tell

    @override
    def stuck(self, *, stuck: bool) -> None:
        """Nothing is sent any more."""
