"""Wires the Sparks and their engine slots."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import httpcore

from spark_control.app.boot import Boot
from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.engines.adapters.openai_http import HttpProbe
from spark_control.engines.domain import Address
from spark_control.engines.usecases import Engines
from spark_control.fleet.adapters.known_hosts import KnownHosts
from spark_control.fleet.adapters.ssh import SshHost
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.fleet.adapters.ssh_link import SshAccess
from spark_control.fleet.ports import Host
from spark_control.fleet.usecases import Fleet
from spark_control.settings.domain import Settings, Spark


def wire_fleet(boot: Boot, bus: Bus, clock: Clock) -> Fleet:
    """Return the fleet over SSH, with the key of this data directory; no Spark is in it yet."""
    key = boot.path("SSH_KEY_PATH", "ssh/id_ed25519")
    ensure_key(key)
    config = Path.home() / ".ssh" / "config"
    access = SshAccess(
        known_hosts=KnownHosts(boot.data.known_hosts),
        key_path=key,
        user_keys=boot.demo is None,
        config=(config,) if config.exists() and boot.demo is None else (),
    )

    def make(spark: Spark) -> Host:
        return SshHost(spark, access=access, clock=clock)

    script = (files("spark_control.fleet") / "remote" / "hardware.py").read_bytes()
    return Fleet(make_host=make, clock=clock, bus=bus, script=script)


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
