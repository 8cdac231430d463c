"""Where a stand-in runs: the folder of its Spark, the lab's settings, its faults."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import override as override
else:

    def override(method):  # type: ignore[no-untyped-def]
        """Stand in for the real one: a stand-in sees the standard library only."""
        return method


SPARK = "SPARK_LAB"
CONTAINER = "SPARK_LAB_CONTAINER"
ANSWERS = "answers"
"""The folder of a Spark with what its commands said; each tick says it anew."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Json = dict[str, object]


class Box(NamedTuple):
    """One Spark of the lab, seen from inside it."""

    folder: Path

    @property
    def state(self) -> Path:
        """Return the state folder of the whole lab."""
        return self.folder.parent

    @property
    def containers(self) -> Path:
        """Return the folder with one folder for each container."""
        return self.folder / "containers"

    @property
    def mark(self) -> str:
        """Return what the environment of every process of this Spark holds."""
        return mark_of(self.folder)

    def remember(self, words: list[str], text: str) -> None:
        """Keep the answer to a command until the next tick renews it."""
        name = " ".join(words)
        if "/" in name or len(name.split(" ")) != len(words) or not 0 < len(name) < 200:
            return
        folder = self.folder / ANSWERS
        folder.mkdir(exist_ok=True)
        part = folder / f".{os.getpid()}"
        part.write_text(text)
        part.replace(folder / name)

    def remembered(self) -> list[list[str]]:
        """Return the words of every command whose answer is kept."""
        return [path.name.split(" ") for path in (self.folder / ANSWERS).glob("[!.]*")]

    def spark(self) -> Json:
        """Return `name host home root user` of this Spark."""
        return read_json(self.folder / "spark.json")

    def settings(self) -> Json:
        """Return the lab's settings: pace, engine, python, what is real."""
        return read_json(self.state / "lab.json")

    def pace(self) -> float:
        """Return what a believable second costs here; 0 is at once."""
        return float(str(self.settings().get("pace", 1.0)))

    def fault(self, name: str) -> str | None:
        """Return the parameter of a fault, or None when it is off."""
        try:
            return (self.folder / "faults" / name).read_text().strip()
        except OSError:
            return None

    def use_up(self, name: str) -> bool:
        """Tell whether a fault that counts is on, and count it down."""
        param = self.fault(name)
        if param is None:
            return False
        path = self.folder / "faults" / name
        if param.isdecimal() and int(param) > 1:
            path.write_text(str(int(param) - 1))
        else:
            path.unlink(missing_ok=True)
        return True


def mark_of(folder: Path) -> str:
    """Return the mark of all processes below `folder`; the slash keeps spark1 from spark10."""
    return f"{SPARK}={folder}/"


def here() -> Box:
    """Return the Spark this program runs on."""
    folder = os.environ.get(SPARK)
    if not folder:
        complain("This is a stand-in of the lab and runs only in a session of the lab.\n")
        sys.exit(1)
    return Box(Path(folder))


def inside() -> str:
    """Return the id of the container this program runs in, or the empty text on the Spark."""
    return os.environ.get(CONTAINER, "")


def environment() -> dict[str, str]:
    """Return a copy of this program's environment."""
    return dict(os.environ)


def say(text: str) -> None:
    """Print to the standard output, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(text: str) -> None:
    """Print to the standard error."""
    sys.stderr.write(text)
    sys.stderr.flush()


def read_json(path: Path) -> Json:
    """Return the object in a file; an empty one when there is none."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step, so no reader meets half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


def write_json(path: Path, value: object) -> None:
    """Replace a file by `value`."""
    write_text(path, json.dumps(value))
