"""Wires the Sparks and their engine slots."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpcore

from spark_control.app.boot import Boot
from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.engines.adapters.openai_http import HttpProbe
from spark_control.engines.domain import Address
from spark_control.engines.usecases import Engines
from spark_control.fleet.adapters.known_hosts import Confirmed, KnownHosts
from spark_control.fleet.adapters.local import LocalHost
from spark_control.fleet.adapters.script import hardware_script
from spark_control.fleet.adapters.ssh import SshHost
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.fleet.adapters.ssh_link import SshAccess
from spark_control.fleet.ports import Host
from spark_control.fleet.usecases import Fleet
from spark_control.settings.domain import Settings, Spark


@dataclass(frozen=True, slots=True)
class Keys:
    """Our key and the keys of the Sparks, as everything that connects uses them."""

    known: KnownHosts
    access: SshAccess
    public_line: str


def wire_keys(boot: Boot) -> Keys:
    """Return the keys of this data directory; our own is made when there is none."""
    path = boot.path("SSH_KEY_PATH", "ssh/id_ed25519")
    config = Path.home() / ".ssh" / "config"
    known = KnownHosts(boot.data.known_hosts)
    access = SshAccess(
        known_hosts=known,
        key_path=path,
        user_keys=boot.demo is None,
        config=(config,) if config.exists() and boot.demo is None else (),
    )
    return Keys(known, access, ensure_key(path))


def wire_fleet(boot: Boot, keys: Keys, bus: Bus, clock: Clock) -> Fleet:
    """Return the fleet, over SSH or on this machine; no Spark is in it yet."""
    given = {spark.host for spark in boot.started.sparks}

    def access_to(spark: Spark) -> SshAccess:
        # What the environment names is trusted at first sight; what is added needs a yes before.
        if spark.host in given:
            return keys.access
        return replace(keys.access, known_hosts=Confirmed(keys.known))

    def make(spark: Spark) -> Host:
        # In the demo this machine is no Spark: its own docker must not be touched.
        if spark.here and boot.demo is None:
            return LocalHost(spark.name, clock=clock)
        return SshHost(spark, access=access_to(spark), clock=clock)

    return Fleet(make_host=make, clock=clock, bus=bus, script=hardware_script())


def wire_engines(
    probe: HttpProbe, settings: Callable[[], Settings], bus: Bus, clock: Clock
) -> Engines:
    """Return the watch over the engine slot of each Spark."""

    def slots() -> dict[str, Address]:
        now = settings()
        port = now.number("VLLM_PORT")
        return {spark.name: Address(spark.host, port) for spark in now.sparks}

    return Engines(probe=probe, bus=bus, clock=clock, slots=slots)


def make_pool(*, max_connections: int) -> httpcore.AsyncConnectionPool:
    """Return a pool of connections to engines.

    An idle one is let go before the engine does it: vLLM's server closes them after 5 s, and a
    request that goes out at that moment is lost.
    """
    return httpcore.AsyncConnectionPool(
        max_connections=max_connections, max_keepalive_connections=64, keepalive_expiry=4.0
    )
