"""A Hugging Face cache in a temporary folder, and a Host that runs commands in a real shell."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from spark_control.core.shell import Command, RemotePath, render
from spark_control.fleet.errors import CommandTimeout
from spark_control.fleet.ports import Result

CONFIG: Mapping[str, object] = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3",
    "max_position_embeddings": 40960,
}  # fmt: skip


def safetensors(data_bytes: int, *, tensors: int = 2) -> bytes:
    """Return the head of a file whose tensors take `data_bytes`."""
    step, head = data_bytes // tensors, {}
    for n in range(tensors):
        end = data_bytes if n == tensors - 1 else step * (n + 1)
        head[f"layer.{n}.weight"] = {"dtype": "U8", "shape": [1], "data_offsets": [step * n, end]}
    text = json.dumps({"__metadata__": {"format": "pt"}, **head}).encode()
    return len(text).to_bytes(8, "little") + text


@dataclass
class Repo:
    """One repository of the cache."""

    folder: Path
    commit: str = "c0ffee00"
    blobs: int = field(default=0)

    @property
    def snapshot(self) -> Path:
        return self.folder / "snapshots" / self.commit

    def blob(self, content: bytes, size: int | None = None) -> Path:
        """Write a blob, sparse up to `size`."""
        self.blobs += 1
        path = self.folder / "blobs" / f"{self.blobs:040x}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if size is not None:
            os.truncate(path, size)
        return path

    def file(
        self, name: str, content: bytes | Mapping[str, object], size: int | None = None
    ) -> Path:
        """Put a file into the snapshot, as a relative link to its blob; return the blob."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        blob, link = self.blob(raw, size), self.snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
        return blob

    def weights(self, name: str, data_bytes: int) -> Path:
        """Put a weight file of `data_bytes` into the snapshot; the tensors are sparse."""
        head = safetensors(data_bytes)
        return self.file(name, head, len(head) + data_bytes)

    def main(self) -> "Repo":
        """Point `refs/main` at the snapshot."""
        ref = self.folder / "refs" / "main"
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(self.commit)
        return self


@dataclass
class Spark:
    """A Host over `sh` on this machine, with a home of its own."""

    home: Path
    name: str = "spark1"
    env: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    @property
    def hub(self) -> Path:
        return self.home / ".cache" / "huggingface" / "hub"

    def bare(self, repo: str) -> Repo:
        """Start a repository with nothing in it."""
        folder = self.hub / f"models--{repo.replace('/', '--', 1)}"
        folder.mkdir(parents=True)
        return Repo(folder)

    def repo(self, repo: str, config: Mapping[str, object] = CONFIG) -> Repo:
        """Start a repository with all but weights."""
        found = self.bare(repo).main()
        found.file("config.json", config)
        found.file("tokenizer.json", b"{}")
        found.file("generation_config.json", b"{}")
        return found

    def whole(self, repo: str, data_bytes: int = 1000) -> Repo:
        """Make a repository with one weight file."""
        found = self.repo(repo)
        found.weights("model.safetensors", data_bytes)
        return found

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        self.commands.append(str(command))
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", render(command), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **self.env},  # noqa: TID251 - a test
            start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(timeout_s):
                out, err = await process.communicate(stdin)
        except TimeoutError as error:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise CommandTimeout(f"{self.name} took too long.") from error
        return Result(process.returncode or 0, out.decode(), err.decode())

    def stream(
        self, command: Command, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        raise NotImplementedError

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
