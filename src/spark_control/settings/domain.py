"""Settings as values: what is in force, where each value came from, and what was wrong."""

import hashlib
import itertools
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from spark_control.settings.errors import SettingInvalid, SettingUnknown
from spark_control.settings.table import MAX_SPARKS, TABLE, Setting, setting_of


class Source(StrEnum):
    """Where a value comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Spark:
    """One host of the fleet. A blank user is the SSH client's default."""

    name: str
    host: str
    user: str
    port: int = 22

    @property
    def here(self) -> bool:
        """Tell whether it is the machine we run on, which needs no SSH."""
        return self.host == "localhost" and not self.user and self.port == 22


@dataclass(frozen=True, slots=True)
class Value:
    """A value in force."""

    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that was not taken. Secrets never show in `reason`."""

    name: str
    source: Source
    reason: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All values in force. Immutable: a change makes a new one."""

    values: Mapping[str, Value]
    problems: tuple[Problem, ...] = ()
    unknown: tuple[str, ...] = ()
    version: str = ""

    def text(self, name: str) -> str:
        """Return the value of `name`."""
        return self.value(name).text

    def value(self, name: str) -> Value:
        """Return the value of `name` and its source. Raises SettingUnknown."""
        if name in self.values:
            return self.values[name]
        row = setting_of(name)
        if row is None:
            raise SettingUnknown(f"There is no setting {name!r}.", param=name)
        return Value(row.default, Source.DEFAULT)

    def number(self, name: str) -> int:
        """Return the value of a whole-number setting."""
        return int(self.text(name))

    def flag(self, name: str) -> bool:
        """Return the value of an on/off setting."""
        return self.text(name) == "on"

    def names(self, name: str) -> tuple[str, ...]:
        """Return the value of a setting that holds several words."""
        return tuple(word for word in self.text(name).split(",") if word)

    def pairs(self, name: str) -> dict[str, str]:
        """Return the value of a JSON object setting; empty when blank."""
        return dict(json.loads(self.text(name) or "{}"))

    @property
    def sparks(self) -> tuple[Spark, ...]:
        """Return the fleet in the order of its numbers; the second of a name gets another."""
        return tuple(self.numbered.values())

    @property
    def numbered(self) -> dict[int, Spark]:
        """Return the fleet by the n of `SPARKn_HOST`."""
        found: dict[int, Spark] = {}
        for n in range(1, MAX_SPARKS + 1):
            if host := self.text(f"SPARK{n}_HOST"):
                taken = {spark.name for spark in found.values()}
                name = _free(self.text(f"SPARK{n}_NAME"), n, taken)
                user, port = self.text(f"SPARK{n}_USER"), self.number(f"SPARK{n}_PORT")
                found[n] = Spark(name, host, user, port)
        return found


def _free(name: str, n: int, taken: Collection[str]) -> str:
    more = (f"spark{n}-{k}" for k in itertools.count(2))
    return next(name for name in itertools.chain((name, f"spark{n}"), more) if name not in taken)


def read_value(row: Setting, text: str) -> str:
    """Return `text` in the one spelling of `row`. Raises SettingInvalid."""
    try:
        return row.read(text.strip())
    except ValueError as error:
        shown = "The value" if row.secret else repr(text[:80])
        raise SettingInvalid(f"{row.name}: {shown} {error}.", param=row.name) from error


def _layer(
    raw: Mapping[str, str], source: Source, into: dict[str, Value], problems: list[Problem]
) -> None:
    for name, text in sorted(raw.items()):
        row = setting_of(name)
        if row is None:
            continue
        if not text.strip():
            if row.default:
                problems.append(Problem(name, source, f"is blank; {_instead(row, into)} is used"))
            continue
        try:
            into[name] = Value(read_value(row, text), source)
        except SettingInvalid as error:
            why = error.message.removeprefix(f"{name}: ")
            if row.instead:
                into[name] = Value(row.instead, source)
            problems.append(Problem(name, source, f"{why} {_kept(row, into)}"))


def _instead(row: Setting, values: Mapping[str, Value]) -> str:
    shown = values[row.name].text if row.name in values else row.default
    return "***" if row.secret else repr(shown)


def _kept(row: Setting, values: Mapping[str, Value]) -> str:
    if row.name not in values and not row.default:
        return "It is ignored."
    return f"{_instead(row, values)} is used instead."


def version_of(saved: Mapping[str, object]) -> str:
    """Return the version of a settings file: a digest of what it holds."""
    text = json.dumps(saved, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def merge(environment: Mapping[str, str], saved: Mapping[str, object]) -> Settings:
    """Lay the saved values over the environment over the defaults.

    A blank or malformed value falls back to the layer below and is reported; unknown keys of the
    file are named, not dropped.
    """
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    _layer(environment, Source.ENVIRONMENT, values, problems)
    texts = {name: _as_text(value) for name, value in saved.items()}
    _layer(texts, Source.FILE, values, problems)
    unknown = tuple(sorted(name for name in saved if setting_of(name) is None))
    merged = Settings(values, tuple(problems), unknown, version_of(saved))
    return Settings(_of_sparks(merged), merged.problems, unknown, merged.version)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


def _of_sparks(settings: Settings) -> dict[str, Value]:
    """Fill blank hosts and users of services from their Spark, or from the only one."""
    values = dict(settings.values)
    sparks = settings.sparks
    for row in TABLE.values():
        if row.of_spark and row.name not in values and sparks:
            spark = sparks[min(row.of_spark, len(sparks)) - 1]
            text = spark.host if row.name.endswith("_HOST") else spark.user
            values[row.name] = Value(text, Source.DEFAULT)
    return values


def first_copy(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the first start copies from the environment: live values that are good."""
    copied = {}
    for name, text in sorted(environment.items()):
        row = setting_of(name)
        if row is None or not row.live or row.group == "sparks" or not text.strip():
            continue
        try:
            copied[name] = read_value(row, text)
        except SettingInvalid:
            continue
    return copied


def changed(saved: Mapping[str, object], wish: Mapping[str, str | None]) -> dict[str, object]:
    """Return `saved` with `wish` laid in; None takes a value out. All of it or nothing.

    Raises SettingUnknown for a name of no row, SettingInvalid for a value that does not fit or a
    setting that only counts at the start.
    """
    result = dict(saved)
    for name, text in wish.items():
        row = setting_of(name)
        if row is None:
            raise SettingUnknown(f"There is no setting {name!r}.", param=name)
        if not row.live:
            raise SettingInvalid(
                f"{name} is read from the environment at the start.",
                hint="Set it in the environment and start Spark Control again.",
                param=name,
            )
        if text is None:
            result.pop(name, None)
        else:
            result[name] = read_value(row, text) if text.strip() else ""
    return result
