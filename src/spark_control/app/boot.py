"""What a start is told: variables, and which of them the command line overrides."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spark_control.core.secret import Secret
from spark_control.settings.adapters.data_dir import DataDir, prepare
from spark_control.settings.domain import Settings, merge
from spark_control.settings.load import default_data_dir, process_environment

OLD_FILES = ("app_settings.json", "connectivity.json")
OUR_FILES = ("access.json", "instance.lock", "known_hosts", "spark-control.db")


@dataclass(frozen=True, slots=True)
class Demo:
    """What is simulated, in sentences for a person."""

    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Boot:
    """One start. `started` are the settings of the start itself: bind, port, paths, access."""

    environment: Mapping[str, str]
    started: Settings
    data: DataDir
    taken_over: bool
    demo: Demo | None = None

    @property
    def auth(self) -> str:
        """Return `AUTH`; an `AUTH_TOKEN` that cannot be read does not mean nobody is asked."""
        bad = any(problem.name == "AUTH_TOKEN" for problem in self.started.problems)
        return self.started.text("AUTH") or ("token" if bad else "")

    @property
    def given_token(self) -> Secret:
        """Return `AUTH_TOKEN`."""
        return Secret(self.started.text("AUTH_TOKEN"))

    def path(self, setting: str, name: str) -> Path:
        """Return the path of a file that a setting may move out of the data directory."""
        return self.data.file(name, self.started.text(setting))


def read(variables: Mapping[str, str], *, demo: Demo | None = None) -> Boot:
    """Settle where files are. Raises DataDirTrouble."""
    started = merge(variables, {})
    root = root_of(variables)
    data = prepare(root)
    return Boot(variables, started, data, demo is None and _is_of_the_older(root), demo)


def root_of(variables: Mapping[str, str]) -> Path:
    """Return the data directory."""
    given = merge(variables, {}).text("DATA_DIR")
    if given:
        return Path(given).expanduser()
    return default_data_dir(process_environment(), Path.home())


def _is_of_the_older(root: Path) -> bool:
    """Tell whether the older system wrote here and we never did: then apps keep their access."""
    ours = any((root / name).exists() for name in OUR_FILES)
    return not ours and any((root / name).exists() for name in OLD_FILES)
