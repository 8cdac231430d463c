"""Lays out the state folder: commands for the sessions, and for each Spark a home and a root."""

import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spark_control.lab import hub, machine
from spark_control.lab.catalogue import LabModel
from spark_control.lab.standins import memory, vllm_package
from spark_control.lab.standins.box import ANSWERS, SPARK, SYSTEM_PATH, Box, mark_of

_RUN = Path(__file__).with_name("standins") / "run.py"
_ON_SPARK = ("docker", "nvidia-smi", "git", "hf", "ip", "ethtool", "df", "pgrep", "pkill", "ssh")
_IN_CONTAINER = ("vllm", "nvidia-smi", "pgrep", "pkill", "stranger", "ray::RayWorkerWrapper",
                 "lab-service")  # fmt: skip
# The lab may run as root on somebody's desk; these must never reach that machine.
_REFUSED = (
    *("sudo", "systemctl", "reboot", "poweroff", "shutdown", "halt", "killall"),
    *("apt", "apt-get", "fwupdmgr", "systemd-run"),
)
_CREATED = "2026-09-15T04:10:22.000000000Z"
IMAGES = (
    {"repository": "vllm-node", "tag": "latest", "size": 19_840_000_000},
    {"repository": "vllm-node", "tag": "prev-5c1e0a7b2d94", "size": 19_610_000_000},
)


def mark(state: Path) -> str:
    """Return the mark of every process of a lab."""
    return f"{SPARK}={state}/"


def _command(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def _standin(name: str) -> str:
    words = [sys.executable, "-I", "-S", str(_RUN), name]
    return f'exec {shlex.join(words)} "$@"'


def _remembering(name: str) -> str:
    """Return a stand-in that gives its last answer again and each tick renews it.

    A round over many Sparks would measure the start of a Python for each of them otherwise.
    """
    answer = f'answer="${{{SPARK}}}{ANSWERS}/$*"; [ -f "$answer" ] && exec cat "$answer"'
    return f"{answer}\n{_standin(name)}"


def lay_commands(state: Path) -> None:
    """Write the folders of commands anew."""
    for folder, names in (("bin", _ON_SPARK), ("container-bin", _IN_CONTAINER)):
        place = state / folder
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in names:
            _command(place / name, _standin(name))
        if folder == "bin":
            _command(place / "nvidia-smi", _remembering("nvidia-smi"))
        for name in _REFUSED:
            _command(place / name, f"echo '{name}: the lab does not play this.' >&2; exit 1")
        _command(place / "hostname", f'exec cat "${SPARK}"root/etc/hostname')
        (place / "python3").symlink_to(Path(sys.executable).resolve())
    vllm_package.lay(state / "container-site")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folder of one Spark."""

    folder: Path
    name: str
    number: int
    host: str
    user: str

    @property
    def box(self) -> Box:
        """Return the Spark as its own commands see it."""
        return Box(self.folder)

    @property
    def home(self) -> Path:
        """Return the home directory."""
        return self.folder / "home" / self.user

    @property
    def root(self) -> Path:
        """Return what is above `/proc`, `/sys` and `/etc`."""
        return self.folder / "root"

    @property
    def faults(self) -> Path:
        """Return the folder whose files are the faults."""
        return self.folder / "faults"

    def env(self) -> dict[str, str]:
        """Return the environment of a session."""
        return {
            "HOME": str(self.home),
            "USER": self.user,
            "LOGNAME": self.user,
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "PATH": f"{self.folder.parent / 'bin'}:{SYSTEM_PATH}",
            "SPARK_ROOT": str(self.root),
            SPARK: mark_of(self.folder).partition("=")[2],
        }

    def lay(self, models: tuple[LabModel, ...], more: Sequence[Mapping[str, object]] = ()) -> None:
        """Make the folder; containers, engines and faults of an earlier run go.

        `more` are images beside those of vLLM.
        """
        for name in ("containers", "engines", "names", "faults"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(parents=True)
        scripts = self.home / "spark-vllm-docker"
        scripts.mkdir(parents=True, exist_ok=True)
        _command(scripts / "launch-cluster.sh", _standin("launch-cluster.sh"))
        (self.home / ".cache").mkdir(exist_ok=True)
        hub.write(self.home, models)
        self.write_root(machine.still(self.name, self.number))
        facts = {
            "name": self.name,
            "host": self.host,
            "home": str(self.home),
            "root": str(self.root),
            "user": self.user,
            "env": self.env(),
            "images": [
                {**image, "id": f"sha256:{hub.digest(str(image))}", "created": _CREATED}
                for image in (*IMAGES, *more)
            ],
            "models_bytes": hub.bytes_held(models),
        }
        (self.folder / "spark.json").write_text(json.dumps(facts))
        memory.refresh(self.box)

    def write_root(self, files: dict[str, str]) -> None:
        """Write files below the root, each in one step."""
        for name, text in files.items():
            path = self.root / name
            fresh = path.with_name(f".{path.name}.new")
            try:
                fresh.write_text(text)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                fresh.write_text(text)
            fresh.replace(path)
