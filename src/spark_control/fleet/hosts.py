"""Add, trust and remove Sparks while everything runs."""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from spark_control.fleet.checks import Line
from spark_control.fleet.domain import HostKey, KeyState
from spark_control.fleet.errors import (
    HostKeyChanged,
    HostKeyDiffers,
    HostKeyUnconfirmed,
    HostPlayed,
    HostUnknown,
)
from spark_control.fleet.inspection import Inspection
from spark_control.fleet.ports import HostKeys
from spark_control.fleet.usecases import Card, Fleet
from spark_control.settings.domain import Settings, Spark, read_value
from spark_control.settings.errors import SettingInvalid
from spark_control.settings.slots import (
    NewSpark,
    added,
    in_environment,
    removed,
    room_for,
)
from spark_control.settings.table import setting_of
from spark_control.settings.usecases import Configuration

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A Spark as it is configured: its number, where that comes from, and its pinned keys."""

    card: Card
    number: int
    from_environment: bool
    keys: tuple[HostKey, ...]


@dataclass(kw_only=True, slots=True)
class Hosts:
    """The Sparks of the settings, and the keys they are known by."""

    configuration: Configuration
    fleet: Fleet
    keys: HostKeys
    inspection: Inspection
    public_key: str
    played: bool = False
    """In the demo this machine is no Spark: its own docker must not be touched."""

    async def entries(self) -> list[Entry]:
        """Return all Sparks, without asking any of them."""
        found = []
        for card in self.fleet.cards():
            with suppress(HostUnknown):  # removed since then
                found.append(await self.entry(card.spark.name))
        return found

    async def entry(self, name: str) -> Entry:
        """Return one Spark. Raises HostUnknown."""
        card = self.fleet.card(name)
        number = self._number(name)
        given = in_environment(self.configuration.environment, number)
        keys = () if card.spark.here else await self.keys.pinned(card.spark)
        return Entry(card, number, given, keys)

    def inspect(self, spark: Spark) -> AsyncGenerator[Line, None]:
        """Give a line for each check of a Spark, in the fleet or not. Raises HostPlayed."""
        self._may(spark)
        return self.inspection.lines(spark)

    async def add(self, wish: NewSpark, fingerprint: str = "") -> Entry:
        """Put a Spark into the fleet, live, once its key is confirmed.

        Raises HostKeyUnconfirmed, HostKeyChanged and HostKeyDiffers for the key, HostUnreachable
        when it shows none, HostNameTaken, HostAddressTaken, FleetFull, HostPlayed, and what
        `save` raises.
        """
        environment = self.configuration.environment
        added(self.configuration.current, wish, room_for(self.configuration.current, environment))
        spark = spark_of(wish)
        self._may(spark)
        key = None if spark.here else _confirmed(
            spark, await self.keys.offered(spark), fingerprint
        )  # fmt: skip
        numbers: list[int] = []

        def decide(now: Settings) -> Mapping[str, str | None]:
            numbers.append(room_for(now, environment))
            return added(now, wish, numbers[-1])

        if key is not None and key.state is not KeyState.KNOWN:
            await self.keys.trust(spark, key)
        settings = await self.configuration.change(decide)
        name = settings.numbered[numbers[-1]].name
        log.info("added the Spark %s at %s:%d", name, spark.host, spark.port)
        await self.fleet.replace(settings.sparks)
        return await self.entry(name)

    async def trust(self, name: str, fingerprint: str) -> Entry:
        """Take the key that the Spark shows now, if it is the one that was confirmed.

        Raises HostKeyDiffers, HostUnreachable, HostUnknown.
        """
        spark = self.fleet.spark(name)
        key = await self.keys.offered(spark)
        if key.fingerprint != fingerprint:
            raise _differs(spark, key)
        if key.state is not KeyState.KNOWN:
            await self.keys.trust(spark, key)
            await self.fleet.host(name).close()
        await self.fleet.look(name)
        return await self.entry(name)

    async def remove(self, name: str) -> None:
        """Take a Spark out of the fleet, live, and forget its keys.

        Raises HostUnknown, HostInEnvironment, HostInUse, and what `save` raises.
        """
        spark = self.fleet.spark(name)
        environment = self.configuration.environment

        def decide(now: Settings) -> Mapping[str, str | None]:
            return removed(environment, spark, _number(now, name))

        settings = await self.configuration.change(decide)
        await self.fleet.replace(settings.sparks)
        others = {(one.host, one.port) for one in settings.sparks}
        if not spark.here and (spark.host, spark.port) not in others:
            await self.keys.forget(spark)
        log.info("removed the Spark %s", name)

    def _may(self, spark: Spark) -> None:
        if self.played and spark.here:
            raise HostPlayed("The demo does not use this machine itself.")

    def _number(self, name: str) -> int:
        return _number(self.configuration.current, name)


def _number(settings: Settings, name: str) -> int:
    for number, spark in settings.numbered.items():
        if spark.name == name:
            return number
    raise HostUnknown(f"There is no Spark {name!r}.", param=name)


def spark_of(wish: NewSpark) -> Spark:
    """Return the Spark as it would be; without a name it is called by its address."""
    return Spark(wish.name or wish.host, wish.host, wish.user, wish.port)


def wish_of(host: str, user: str, port: int, name: str) -> NewSpark:
    """Return the wish with each value as its setting has it. Raises SettingInvalid."""
    number = _value("port", str(port))
    name = _value("name", name) if name.strip() else ""
    user = _value("user", user) if user.strip() else ""
    return NewSpark(_value("host", host), user, int(number), name)


def _value(field: str, text: str) -> str:
    setting = f"SPARK1_{field.upper()}"
    row = setting_of(setting)
    assert row is not None  # noqa: S101 - the table has a row for each field
    try:
        return read_value(row, text)
    except SettingInvalid as error:
        message = error.message.replace(setting, field, 1)
        raise SettingInvalid(message, param=field) from error


def _confirmed(spark: Spark, key: HostKey, fingerprint: str) -> HostKey:
    """Return `key` when it may be trusted: pinned already, or the one that was confirmed."""
    if fingerprint and key.fingerprint != fingerprint:
        raise _differs(spark, key)
    if fingerprint or key.state is KeyState.KNOWN:
        return key
    kind = HostKeyChanged if key.state is KeyState.CHANGED else HostKeyUnconfirmed
    what = "another host key than the pinned one" if kind is HostKeyChanged else "a new host key"
    raise kind(f"{spark.host} shows {what}: {key.fingerprint}", detail=_detail(key))


def _differs(spark: Spark, key: HostKey) -> HostKeyDiffers:
    return HostKeyDiffers(
        f"{spark.host} shows the key {key.fingerprint}, which is not the confirmed one.",
        detail=_detail(key),
    )


def _detail(key: HostKey) -> dict[str, object]:
    return {"shown": key.fingerprint, "kind": key.kind, "state": key.state}
