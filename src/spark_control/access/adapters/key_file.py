"""`access.json`: digest of the owner token and the key of sessions, 0600."""

import json
from dataclasses import asdict
from pathlib import Path

from spark_control.access.errors import AccessFileTrouble
from spark_control.access.ports import Keys
from spark_control.core.files import write_private


class KeyFile:
    """The keys at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Keys | None:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return Keys(str(found["owner_sha256"]), str(found["session_key"]),
                        bool(found.get("keyless_outside", False)))  # fmt: skip
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AccessFileTrouble(f"{self._path} cannot be read.") from error

    def write(self, keys: Keys) -> None:
        try:
            write_private(self._path, json.dumps(asdict(keys)).encode())
        except OSError as error:
            raise AccessFileTrouble(f"{self._path} cannot be written.") from error
