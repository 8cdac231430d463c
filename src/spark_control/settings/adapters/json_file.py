"""`app_settings.json`: settings by environment-variable name, as the older system wrote them."""

import json
from collections.abc import Mapping
from pathlib import Path

from spark_control.core.files import write_private
from spark_control.settings.errors import SettingsUnreadable, SettingsUnwritable


class JsonSettings:
    """The settings file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> str:
        return str(self._path)

    def read(self) -> dict[str, object] | None:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise SettingsUnreadable(
                f"{self.where} cannot be read.", detail={"reason": str(error)}
            ) from error
        if not isinstance(found, dict):
            raise SettingsUnreadable(f"{self.where} holds no JSON object.")
        return found

    def write(self, values: Mapping[str, object]) -> None:
        text = json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False)
        try:
            write_private(self._path, f"{text}\n".encode())
        except OSError as error:
            raise SettingsUnwritable(
                f"{self.where} cannot be written.", detail={"reason": error.strerror or str(error)}
            ) from error
