"""The only place that reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from spark_control.settings.table import setting_of


def environment() -> dict[str, str]:
    """Return the variables that are settings of ours."""
    return {name: text for name, text in os.environ.items() if setting_of(name) is not None}


def process_environment() -> dict[str, str]:
    """Return the whole environment, for a child process."""
    return dict(os.environ)


def default_data_dir(variables: Mapping[str, str], home: Path) -> Path:
    """Return the per-user folder for files, by the XDG rule."""
    base = variables.get("XDG_DATA_HOME") or str(home / ".local" / "share")
    return Path(base) / "spark-control"
