"""Spark Control in this process, over Sparks that are real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from spark_control.app import boot as boots
from spark_control.app.compose import compose
from tests.fleet.system import QUICK, served
from tests.level2.machine import Machine
from tests.level2.machines import variables

PATIENT = replace(QUICK, launch=20.0, load=30.0, stop=20.0, command=20.0)
"""Starting real containers takes its time on a busy machine."""


@asynccontextmanager
async def running(sparks: list[Machine], data: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Run Spark Control in this loop and give a client of its API."""
    boot = boots.read(variables(sparks, data), demo=boots.Demo(()))
    async with (
        served(compose(boot, limits=PATIENT)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
    ):
        yield http
