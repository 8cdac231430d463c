"""Wires the settings."""

from collections.abc import Awaitable, Callable, Mapping

from spark_control.app.boot import Boot
from spark_control.core.bus import Bus
from spark_control.settings.adapters.json_file import JsonSettings
from spark_control.settings.usecases import Configuration


def wire_settings(
    boot: Boot, bus: Bus, busy: Callable[[], Awaitable[Mapping[str, str]]]
) -> Configuration:
    """Return the settings over environment and file; a `busy` Spark stays as it is."""
    store = JsonSettings(boot.path("APP_SETTINGS", "app_settings.json"))
    return Configuration(environment=boot.environment, store=store, bus=bus, busy=busy)
