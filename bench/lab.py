"""A lab of Sparks in a process of its own, for the time of a measure."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from spark_control.fleet.adapters.known_hosts import KnownHosts
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.fleet.adapters.ssh_link import SshAccess
from spark_control.settings.domain import Spark

END_S = 20.0
NO_MODELS = ""
ENGINE_PORT = 8888


class LabDidNotStart(Exception):
    """The lab's process ended without a word."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab: its process, its Sparks, their homes, and the key that opens them."""

    pid: int
    folder: Path
    key: Path
    sparks: tuple[Spark, ...]
    homes: tuple[Path, ...]
    real: tuple[str, ...]

    def access(self) -> SshAccess:
        """Return what opens the door, and nothing of the person who measures."""
        known = KnownHosts(self.folder / "known_hosts")
        return SshAccess(known_hosts=known, key_path=self.key, user_keys=False)

    def variables(self) -> dict[str, str]:
        """Return the settings that name these Sparks."""
        found = {"SSH_KEY_PATH": str(self.key), "VLLM_PORT": str(ENGINE_PORT)}
        for number, spark in enumerate(self.sparks, 1):
            found |= {
                f"SPARK{number}_HOST": spark.host,
                f"SPARK{number}_PORT": str(spark.port),
                f"SPARK{number}_USER": spark.user,
                f"SPARK{number}_NAME": spark.name,
            }
        return found

    def recipes(self, folder: Path) -> None:
        """Give a data directory the recipes of the demo's own models."""
        folder.mkdir(parents=True, exist_ok=True)
        text = (files("spark_control.app") / "demo-models.yaml").read_text(encoding="utf-8")
        target = folder / "models-overrides.yaml"
        target.write_text(text.replace("@HOME@", str(self.homes[0])), encoding="utf-8")


@contextmanager
def running(
    folder: Path, sparks: int, *, engine: str = "scripted", models: str | None = NO_MODELS
) -> Iterator[Lab]:
    """Run a lab with that many Sparks; engines load at once. Raises LabDidNotStart."""
    folder.mkdir(parents=True)
    key = folder / "id"
    key.with_suffix(".pub").write_text(f"{ensure_key(key)}\n", encoding="utf-8")
    words = [sys.executable, "-P", "-m", "spark_control.lab", "--with-parent", "--pace", "0"]
    words += ["--state-dir", str(folder / "lab"), "--authorized-key", f"{key}.pub"]
    words += ["--sparks", str(sparks), "--engine", engine]
    words += [] if models is None else ["--only-models", models]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            raise LabDidNotStart(f"The lab with {sparks} Sparks did not start.")
        yield _read(json.loads(line), folder, key, process.pid)
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Close the input of a child and wait for its end; one that hangs is killed."""
    try:
        process.communicate(timeout=END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _read(said: dict[str, list[dict[str, str]]], folder: Path, key: Path, pid: int) -> Lab:
    rows = said["sparks"]
    return Lab(
        pid=pid,
        folder=folder,
        key=key,
        sparks=tuple(Spark(r["name"], r["host"], r["user"], int(r["port"])) for r in rows),
        homes=tuple(Path(row["home"]) for row in rows),
        real=tuple(map(str, said["real_models"])),
    )
