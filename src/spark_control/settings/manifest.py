"""What a backup says of itself, and whether what it says can be believed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from spark_control.settings.errors import BackupInvalid

NAME = "manifest.json"
FORMAT = 1
FILES = {
    "APP_SETTINGS": "app_settings.json",
    "MODELS_OVERRIDES": "models-overrides.yaml",
    "SERVICES_OVERRIDES": "services-overrides.yaml",
    "CONNECTIVITY_LOG": "connectivity.json",
}
"""Files of the data directory that a setting may put elsewhere."""
OTHERS = ("access.json", "known_hosts", "load-facts.json", "adopted.json")
FOLDERS = ("ssh",)
LEFT_OUT = ("instance.lock", "instance-id", "logs", "run", "vllm-options")
"""Of this run or this machine, or made anew by itself."""
DATABASE, ROWS = "spark-control.db", "database.jsonl"

_SAFE = re.compile(
    r"(?!\.\.?(/|$))[A-Za-z0-9._-]{1,100}(/(?!\.\.?(/|$))[A-Za-z0-9._-]{1,100}){0,3}"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ALLOWED = frozenset({*FILES.values(), *OTHERS, DATABASE, ROWS})


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is in a backup, by whom and when it was made."""

    version: str
    schema: str
    made_at: str
    files: tuple[Entry, ...]

    def as_dict(self) -> dict[str, object]:
        """Return it as it is written."""
        return {"format": FORMAT, **asdict(self)}

    def entry(self, name: str) -> Entry:
        """Return one entry. Raises BackupInvalid for a file that is not listed."""
        for entry in self.files:
            if entry.name == name:
                return entry
        raise BackupInvalid(f"It holds {shown(name)}, which its list does not name.")

    def check_schema(self, known: Iterable[str]) -> None:
        """Raise BackupInvalid for a database of a newer version."""
        if self.schema not in known:
            raise BackupInvalid(
                f"It was made by Spark Control {shown(self.version)}, whose database this version "
                "does not know.",
                hint="Install that version, or a newer one, and restore again.",
            )


def belongs(name: str) -> bool:
    """Tell whether a backup may hold a file of that name: only what lies in a data directory."""
    if not _SAFE.fullmatch(name):
        return False
    return name in _ALLOWED or (name.split("/")[0] in FOLDERS and "/" in name)


def read(raw: object) -> Manifest:
    """Return the manifest that `raw` is. Raises BackupInvalid."""
    if not isinstance(raw, Mapping) or raw.get("format") != FORMAT:
        raise BackupInvalid("It is no backup of Spark Control, or of a newer kind.")
    try:
        files = tuple(_entry(row) for row in raw["files"])
        found = Manifest(str(raw["version"]), str(raw["schema"]), str(raw["made_at"]), files)
    except (KeyError, TypeError, ValueError) as error:
        raise BackupInvalid("Its list of files cannot be read.") from error
    names = [entry.name for entry in files]
    if len(set(names)) != len(names):
        raise BackupInvalid("Its list names a file twice.")
    if len({DATABASE, ROWS} & set(names)) != 1:
        raise BackupInvalid("It holds no database.")
    return found


def _entry(row: Mapping[str, object]) -> Entry:
    name, size, digest = str(row["name"]), row["size"], str(row["sha256"])
    if not belongs(name):
        raise BackupInvalid(f"It names {shown(name)}, which belongs in no data directory.")
    if not isinstance(size, int) or size < 0 or not _DIGEST.fullmatch(digest):
        raise ValueError(name)
    return Entry(name, size, digest)


def shown(text: str) -> str:
    """Return a text of somebody else's so that it can be printed."""
    return repr(text[:80])
