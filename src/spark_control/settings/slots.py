"""Decides which `SPARKn_…` settings a Spark gets, and which ones may go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from spark_control.settings.domain import Settings, Spark
from spark_control.settings.errors import (
    FleetFull,
    HostAddressTaken,
    HostInEnvironment,
    HostInUse,
    HostNameTaken,
    SettingsChanged,
)
from spark_control.settings.table import MAX_SPARKS

PARTS = ("HOST", "USER", "PORT", "NAME")


@dataclass(frozen=True, slots=True)
class NewSpark:
    """A Spark that somebody wants to add; a blank name means the usual one of its number."""

    host: str
    user: str = ""
    port: int = 22
    name: str = ""


def names_of(number: int) -> tuple[str, ...]:
    """Return the settings of Spark `number`."""
    return tuple(f"SPARK{number}_{part}" for part in PARTS)


def in_environment(environment: Mapping[str, str], number: int) -> bool:
    """Tell whether the environment names the host of Spark `number`."""
    return bool(environment.get(f"SPARK{number}_HOST", "").strip())


def room_for(settings: Settings, environment: Mapping[str, str]) -> int:
    """Return the lowest number of which nothing is set anywhere. Raises FleetFull."""
    for number in range(1, MAX_SPARKS + 1):
        names = names_of(number)
        said = any(environment.get(name, "").strip() for name in names)
        if not said and not any(name in settings.values for name in names):
            return number
    raise FleetFull(f"There are {MAX_SPARKS} Sparks already.")


def added(settings: Settings, wish: NewSpark, number: int) -> dict[str, str | None]:
    """Return what to save so that the Spark is in the fleet as `number`.

    Raises HostNameTaken and HostAddressTaken.
    """
    for spark in settings.sparks:
        if wish.name and spark.name == wish.name:
            raise HostNameTaken(f"There is a Spark {wish.name!r} already.", param="name")
        if (spark.host, spark.port) == (wish.host, wish.port):
            at = f"{wish.host}:{wish.port}"
            raise HostAddressTaken(f"{spark.name} is the Spark at {at}.", param="host")
    host, user, port, name = names_of(number)
    return {
        host: wish.host,
        user: wish.user or None,
        port: str(wish.port) if wish.port != 22 else None,
        name: wish.name or None,
    }


def removed(environment: Mapping[str, str], spark: Spark, number: int) -> dict[str, str | None]:
    """Return what to save so that the Spark is not in the fleet. Raises HostInEnvironment.

    A blank kept in the file could hide what the environment says; then the two would tell
    different fleets, and taking the file away would bring the Spark back.
    """
    if in_environment(environment, number):
        raise HostInEnvironment(
            f"{spark.name} comes from `SPARK{number}_HOST` in the environment.",
            hint=f"Take the `SPARK{number}_…` variables out of the environment and start again.",
        )
    return dict.fromkeys(names_of(number))


def leaving(before: Settings, after: Settings) -> tuple[Spark, ...]:
    """Return the Sparks that `after` changes or loses."""
    staying = set(after.sparks)
    return tuple(spark for spark in before.sparks if spark not in staying)


def let_go(sparks: Iterable[Spark], busy: Mapping[str, str]) -> None:
    """Raise HostInUse for a Spark that is `busy`; that tells with what."""
    for spark in sparks:
        if spark.name in busy:
            raise HostInUse(f"{spark.name} is busy: {busy[spark.name]}.")


def unchanged(before: Settings, after: Settings, names: Iterable[str]) -> None:
    """Raise SettingsChanged for a Spark that is not any more as it was, or is gone."""
    then, now = ({spark.name: spark for spark in one.sparks} for one in (before, after))
    for name in names:
        if name not in now or now[name] != then.get(name):
            raise SettingsChanged(
                f"The settings of {name} were changed meanwhile.", hint="Ask for it again."
            )
