"""How the gateways of others are started: one worker, no logs, as plain as each of them can be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.gateway.programs import Programs
from bench.gateway.way import LITELLM, NGINX, ROUTER
from bench.serving import free_port

_TEMPLATES = Path(__file__).with_name("peers")
VERSIONS = "nginx of Debian, vllm-router 0.1.17, LiteLLM 1.106.2"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a peer runs: a folder, its port, and the port of the upstream."""

    folder: Path
    port: int
    upstream: int

    def written(self, template: str) -> Path:
        """Write a configuration with our ports in it."""
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        for name, value in (
            ("FOLDER", self.folder), ("PORT", self.port), ("UPSTREAM", self.upstream),
        ):  # fmt: skip
            text = text.replace(f"@{name}@", str(value))
        path = self.folder / template
        path.write_text(text, encoding="utf-8")
        return path


@dataclass(frozen=True, slots=True)
class Peer:
    """A gateway to be started."""

    name: str
    port: int
    words: list[str | Path]
    environment: dict[str, str]


def peers(programs: Programs, folder: Path, upstream: int) -> Iterator[Peer]:
    """Give those that are on this machine."""
    makes: tuple[tuple[str, Path | None, Callable[[Path, Spot], list[str | Path]]], ...] = (
        (NGINX, programs.nginx, _nginx),
        (ROUTER, programs.router, _router),
        (LITELLM, programs.litellm, _litellm),
    )
    for name, program, make in makes:
        if program is not None:
            spot = Spot(folder, free_port(), upstream)
            yield Peer(name, spot.port, make(program, spot), _QUIET if name == LITELLM else {})


def _nginx(program: Path, spot: Spot) -> list[str | Path]:
    log = spot.folder / "nginx.log"
    return [program, "-e", log, "-p", spot.folder, "-c", spot.written("nginx.conf")]


def _router(program: Path, spot: Spot) -> list[str | Path]:
    return [
        program, "--host", "127.0.0.1", "--port", str(spot.port),
        "--worker-urls", f"http://127.0.0.1:{spot.upstream}", "--policy", "round_robin",
        "--log-level", "error", "--max-concurrent-requests", "4096",
        "--prometheus-host", "127.0.0.1", "--prometheus-port", str(free_port()),
    ]  # fmt: skip


def _litellm(program: Path, spot: Spot) -> list[str | Path]:
    return [
        program, "--config", spot.written("litellm.yaml"), "--host", "127.0.0.1",
        "--port", str(spot.port), "--num_workers", "1",
    ]  # fmt: skip


_QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "NO_DOCS": "True",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "LITELLM_DONT_SHOW_FEEDBACK_BOX": "true",
}
