"""A host that notes what it is asked, and how long each answer takes."""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from spark_control.core.shell import Command, RemotePath
from spark_control.fleet.ports import Host, Result


@dataclass(frozen=True, slots=True)
class Call:
    """One command: its first words, when it began (monotonic), its seconds, is it the launch."""

    what: str
    began: float
    took: float
    launch: bool = False


class Watched:
    """The `Host` port over another host. Streams are counted without their time."""

    def __init__(self, inner: Host, calls: list[Call]) -> None:
        self._inner = inner
        self._calls = calls

    @property
    def name(self) -> str:
        return self._inner.name

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        began = time.monotonic()
        try:
            return await self._inner.run(command, timeout_s=timeout_s, stdin=stdin)
        finally:
            self._note(command, began)

    def stream(
        self, command: Command, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        self._calls.append(Call(f"stream {_words(command)}", time.monotonic(), 0.0))
        return self._inner.stream(command, timeout_s=timeout_s)

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        began = time.monotonic()
        try:
            await self._inner.put(path, content, mode=mode)
        finally:
            self._calls.append(Call("put", began, time.monotonic() - began))

    async def close(self) -> None:
        await self._inner.close()

    def _note(self, command: Command, began: float) -> None:
        launch = "--launch-script" in command.words
        self._calls.append(Call(_words(command), began, time.monotonic() - began, launch))


def _words(command: Command) -> str:
    """Return the first words: what was asked, without whom it was about."""
    return " ".join(str(word) for word in command.words[:2])
