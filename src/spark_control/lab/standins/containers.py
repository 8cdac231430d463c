"""The containers of a Spark: a folder each, with what was asked, its log and its files."""

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from spark_control.lab.standins import procs
from spark_control.lab.standins.box import CONTAINER, Box, Json, read_json, write_json
from spark_control.lab.standins.docker_args import Refused

_DAEMON = "Error response from daemon: "


class Container(NamedTuple):
    """One container, running or not."""

    box: Box
    folder: Path
    meta: Json

    @property
    def id(self) -> str:
        """Return the long id."""
        return self.folder.name

    @property
    def name(self) -> str:
        """Return the name, without the slash docker puts before it."""
        return str(self.meta["name"])

    @property
    def mark(self) -> str:
        """Return what the environment of each of its processes holds."""
        return f"{CONTAINER}={self.id}"

    @property
    def pipe(self) -> Path:
        """Return the FIFO that is the output of process 1: what goes in is the container log."""
        return self.folder / "pipe"

    @property
    def log(self) -> Path:
        """Return the log file: one line each, after a time stamp and a space."""
        return self.folder / "log"

    @property
    def files(self) -> Path:
        """Return the folder that plays the container's own file system."""
        return self.folder / "files"

    @property
    def running(self) -> bool:
        """Tell whether process 1 lives."""
        return self.meta.get("state") == "running" and procs.wears(
            int(str(self.meta.get("pid", 0))), self.mark
        )

    def labels(self) -> dict[str, str]:
        """Return the labels."""
        held = self.meta.get("labels")
        return {str(k): str(v) for k, v in held.items()} if isinstance(held, dict) else {}

    def texts(self, key: str) -> list[str]:
        """Return a list of texts of what was asked, such as `command` or `env`."""
        held = self.meta.get(key)
        return [str(item) for item in held] if isinstance(held, list) else []

    def mounts(self) -> list[tuple[str, str]]:
        """Return (path on the Spark, path in the container)."""
        held = self.meta.get("mounts")
        return [(str(a), str(b)) for a, b in held] if isinstance(held, list) else []

    def on_spark(self, path: str) -> Path | None:
        """Return where a path of the container is on the Spark, or None when it is nowhere."""
        for source, target in sorted(self.mounts(), key=lambda pair: -len(pair[1])):
            if path == target or path.startswith(target.rstrip("/") + "/"):
                return Path(source + path[len(target.rstrip("/")) :])
        own = self.files / path.lstrip("/")
        return own if own.exists() else None


def load(box: Box, folder: Path) -> Container | None:
    """Return the container in `folder`, or None when it is being made or removed."""
    meta = read_json(folder / "meta.json")
    return Container(box, folder, meta) if meta else None


def every(box: Box) -> list[Container]:
    """Return all containers, the newest first."""
    found = [load(box, folder) for folder in box.containers.glob("[0-9a-f]*")]
    return sorted(filter(None, found), key=lambda one: str(one.meta["created"]), reverse=True)


def find(box: Box, wanted: str) -> Container:
    """Return the container with that name or beginning of an id. Raises Refused."""
    for one in every(box):
        if one.name == wanted.removeprefix("/") or (wanted and one.id.startswith(wanted)):
            return one
    raise Refused(f"{_DAEMON}No such container: {wanted}\n")


def find_running(box: Box, wanted: str) -> Container:
    """Return a running container. Raises Refused."""
    one = find(box, wanted)
    if not one.running:
        raise Refused(f"{_DAEMON}container {one.id} is not running\n")
    return one


def create(box: Box, meta: Json) -> Container:
    """Make the folder of a new container; its name must be free. Raises Refused."""
    identity = os.urandom(32).hex()
    meta = {**meta, "id": identity, "name": meta.get("name") or f"lab_{identity[:8]}"}
    folder = box.containers / identity
    names = box.folder / "names"
    names.mkdir(exist_ok=True)
    claim = names / str(meta["name"])
    try:
        with claim.open("x") as held:
            held.write(identity)
    except FileExistsError:
        raise Refused(
            f'docker: {_DAEMON}Conflict. The container name "/{meta["name"]}" is already in use '
            f'by container "{claim.read_text()}". You have to remove (or rename) that container '
            "to be able to reuse that name.\n",
            125,
        ) from None
    (folder / "files").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    (folder / "log").touch()
    write_json(folder / "meta.json", meta)
    return Container(box, folder, meta)


def update(one: Container, **changes: object) -> Container:
    """Write changes to what is known of a container."""
    meta = {**read_json(one.folder / "meta.json"), **changes}
    write_json(one.folder / "meta.json", meta)
    return one._replace(meta=meta)


def drop(one: Container) -> None:
    """Remove a container and all it held."""
    shutil.rmtree(one.folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        (one.box.folder / "names" / one.name).unlink()


def end(one: Container, *, number: int = 9, limit_s: float = 5.0) -> None:
    """Signal process 1, and return when the container has ended (KILL) or is signalled."""
    pid = int(str(one.meta.get("pid", 0)))
    procs.send(pid, one.mark, number)
    if number == 9:
        procs.end_all(one.mark)
        wait(one, limit_s=limit_s)


def wait(one: Container, *, limit_s: float) -> bool:
    """Wait until the shim has written down the end, or removed the container."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        now = load(one.box, one.folder)
        if now is None or now.meta.get("state") == "exited":
            return True
        time.sleep(0.005)
    return False
