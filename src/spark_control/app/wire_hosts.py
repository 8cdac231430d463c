"""Wires how Sparks are added, tested and trusted."""

from spark_control.app.boot import Boot
from spark_control.app.wire_fleet import Keys
from spark_control.core.clock import Clock
from spark_control.fleet.adapters.ssh_keys import SshKeys
from spark_control.fleet.hosts import Hosts
from spark_control.fleet.inspection import Inspection
from spark_control.fleet.usecases import Fleet
from spark_control.settings.usecases import Configuration


def wire_hosts(
    boot: Boot, held: Keys, fleet: Fleet, configuration: Configuration, clock: Clock
) -> Hosts:
    """Return the use case over the fleet, the settings and the known host keys."""
    keys = SshKeys(held.known, held.access, clock)

    def launch_dir() -> str:
        return configuration.current.text("VLLM_LAUNCH_DIR")

    return Hosts(
        configuration=configuration, fleet=fleet, keys=keys,
        inspection=Inspection(keys=keys, launch_dir=launch_dir), public_key=held.public_line,
        played=boot.demo is not None,
    )  # fmt: skip
