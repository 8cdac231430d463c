"""Settings on the wire. A secret is write-only: `set` says whether there is one."""

from pydantic import BaseModel, ConfigDict

from spark_control.settings.domain import Settings
from spark_control.settings.table import TABLE, Setting, setting_of
from spark_control.settings.usecases import Configuration


class SettingShape(BaseModel):
    """One row with its value in force; `value` is null for a secret."""

    name: str
    value: str | None
    set: bool
    default: str
    source: str
    unit: str
    secret: bool
    live: bool
    used: bool
    group: str
    help: str


class ProblemShape(BaseModel):
    """A value that was not taken as written."""

    name: str
    source: str
    reason: str


class SettingsShape(BaseModel):
    """All settings, and what was wrong with some."""

    version: str
    settings: list[SettingShape]
    problems: list[ProblemShape]
    unknown: list[str]


class SaveShape(BaseModel):
    """A change: `version` as read, and new texts by name; null takes a value out."""

    model_config = ConfigDict(extra="forbid")

    version: str
    values: dict[str, str | None]


def _row(row: Setting, settings: Settings) -> SettingShape:
    value = settings.value(row.name)
    return SettingShape(
        name=row.name, value=None if row.secret else value.text, set=bool(value.text),
        default=row.default, source=value.source, unit=row.unit, secret=row.secret,
        live=row.live, used=row.used, group=row.group, help=row.help,
    )  # fmt: skip


def _rows(settings: Settings) -> list[Setting]:
    sparks = [name for name in settings.values if name not in TABLE]
    return [*TABLE.values(), *(row for name in sorted(sparks) if (row := setting_of(name)))]


def render(configuration: Configuration) -> SettingsShape:
    """Return all settings as the API shows them."""
    settings = configuration.current
    problems = [
        ProblemShape(name=p.name, source=p.source, reason=p.reason) for p in configuration.problems
    ]
    return SettingsShape(
        version=settings.version, settings=[_row(row, settings) for row in _rows(settings)],
        problems=problems, unknown=list(settings.unknown),
    )  # fmt: skip
