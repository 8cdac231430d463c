"""The programs of a run: our two in C, compiled now, and those of others."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.wish import NotHere

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".bench-venv"
SOURCES = Path(__file__).with_name("sources")


@dataclass(frozen=True, slots=True)
class Programs:
    """Where each program is; None for what `make bench-gateway` has not brought here."""

    upstream: Path
    load: Path
    wrk: Path
    nginx: Path | None
    router: Path | None
    litellm: Path | None


def built(folder: Path) -> Programs:
    """Compile ours into `folder` and find the others. Raises NotHere."""
    compiler = shutil.which("cc")
    wrk = _program("wrk")
    if compiler is None or wrk is None:
        raise NotHere("needs a C compiler and wrk; `make bench-gateway` brings wrk")
    for name in ("upstream", "load"):
        source = SOURCES / f"{name}.c"
        subprocess.run([compiler, "-O2", "-o", folder / name, source], check=True)
    return Programs(
        upstream=folder / "upstream",
        load=folder / "load",
        wrk=wrk,
        nginx=_program("nginx"),
        router=_in_venv("vllm-router"),
        litellm=_in_venv("litellm"),
    )


def _program(name: str) -> Path | None:
    """Return a program of this machine, or of the packages that were unpacked for this."""
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin")
    if found is not None:
        return Path(found)
    return next((PEERS / "debian").glob(f"usr/*bin/{name}"), None)


def _in_venv(name: str) -> Path | None:
    path = PEERS / name / "bin" / name
    return path if path.exists() else None
