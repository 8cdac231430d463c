"""Lays out what the Sparks of lab level 2 share: their image and their commands."""

import hashlib
import json
import os
import shutil
import sys
import sysconfig
import tarfile
from pathlib import Path

from spark_control.lab.standins import vllm_package
from tests.level2.needs import docker_client, done

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "src" / "spark_control"
PYTHON = "usr/local/bin/python3"
OPT = "opt/spark-control"
_NOT_NEEDED = shutil.ignore_patterns(
    "test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "site-packages",
    "dist-packages", "config-*", "pydoc_data", "distutils", "__pycache__", "_tkinter*", "_test*",
    "_sqlite3*", "_ssl*", "_curses*", "readline*", "nis*", "_crypt*", "_decimal*", "_codecs_*",
)  # fmt: skip
_BUSYBOX = ("cat", "env", "grep", "kill", "ls", "mkdir", "ps", "rm", "sh", "sleep")
_ON_SPARK = ("nvidia-smi", "hf", "ethtool")


def lay(lab: Path) -> None:
    """Write `rootfs`, `image.tar` and `bin` below `lab`, which every Spark sees as /run/lab."""
    rootfs = lab / "rootfs"
    _python(rootfs)
    _programs(rootfs)
    _image(lab)
    _commands(lab / "bin")


def _python(rootfs: Path) -> None:
    """Copy the Python that runs the tests, and the lab; an engine needs nothing else."""
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    target = rootfs / "usr/local/lib" / stdlib.name
    shutil.copytree(stdlib, target, ignore=_NOT_NEEDED, symlinks=True)
    program = rootfs / PYTHON
    program.parent.mkdir(parents=True)
    shutil.copy(Path(sys.executable).resolve(), program)
    shutil.copytree(
        PACKAGE, rootfs / OPT / "spark_control", ignore=shutil.ignore_patterns("__pycache__")
    )
    own = [Path(found) for name in ("bash", "pkill") if (found := shutil.which(name))]
    (rootfs / "bin").mkdir()
    for one in own:
        shutil.copy(one, rootfs / "bin")
    for library in _libraries([program, *own, *target.glob("lib-dynload/*.so")]):
        place = rootfs / library.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)


def _libraries(programs: list[Path]) -> set[Path]:
    said = done("ldd", *programs).stdout
    words = (word for line in said.splitlines() for word in line.split())
    return {Path(word) for word in words if word.startswith("/") and not word.endswith(":")}


def _programs(rootfs: Path) -> None:
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copy(busybox, rootfs / "bin" / "busybox")
    for name in _BUSYBOX:
        (rootfs / "bin" / name).symlink_to("busybox")
    for name in ("tmp", "proc", "sys", "dev", "etc", "root", "workspace"):
        (rootfs / name).mkdir(exist_ok=True)
    vllm = (HERE / "vllm.py").read_text()
    _program(rootfs / "usr/local/bin/vllm", f"#!/{PYTHON} -IS\n{vllm}")
    vllm_package.lay(rootfs / "opt/vllm", source=f"/{OPT}")


def _image(lab: Path) -> None:
    """Pack the image once, so that it is the same one on every Spark."""
    layer = lab / "layer.tar"
    with tarfile.open(layer, "w") as archive:
        archive.add(lab / "rootfs", arcname=".")
    digest = hashlib.sha256(layer.read_bytes()).hexdigest()
    config = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
        "os": "linux", "created": "2026-09-15T04:10:22Z",
        "config": {"Env": ["PYTHONPATH=/opt/vllm"], "WorkingDir": "/workspace"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    })  # fmt: skip
    (lab / "config.json").write_text(config)
    parts = {"Config": "config.json", "RepoTags": ["vllm-node:latest"], "Layers": ["layer.tar"]}
    (lab / "manifest.json").write_text(json.dumps([parts]))
    with tarfile.open(lab / "image.tar", "w") as archive:
        for name in ("manifest.json", "config.json", "layer.tar"):
            archive.add(lab / name, arcname=name)
    layer.unlink()


def _commands(folder: Path) -> None:
    """Write what a Spark has besides the programs of this machine."""
    python = f"/run/lab/rootfs/{PYTHON}"
    libraries = f"/run/lab/rootfs{Path(sys.base_prefix) / 'lib'}"
    start = f"LD_LIBRARY_PATH={libraries} exec {python}"
    folder.mkdir()
    _program(folder / "python3", f'#!/bin/sh\n{start} "$@"\n')
    run = f"/run/lab/rootfs/{OPT}/spark_control/lab/standins/run.py"
    for name in _ON_SPARK:
        _program(folder / name, f'#!/bin/sh\n{start} -I -S {run} {name} "$@"\n')
    shutil.copy(docker_client(), folder / "docker")


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
