"""Wires the menu, the swaps and the gateway."""

from collections.abc import Callable

import httpcore

from spark_control.app.boot import Boot
from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.tasks import Tasks
from spark_control.engines.ports import Probe
from spark_control.engines.usecases import Engines
from spark_control.fleet.usecases import Fleet
from spark_control.gateway.adapters.http1_pool import Http1Pool
from spark_control.gateway.in_flight import InFlight
from spark_control.gateway.usecases import Gateway
from spark_control.jobs.adapters.log_files import LogFiles
from spark_control.jobs.usecases import Jobs
from spark_control.models.adapters.hf_cache import HfCache
from spark_control.models.adapters.recipe_files import RecipeFiles
from spark_control.models.usecases import Models
from spark_control.settings.domain import Settings
from spark_control.swap.adapters.spark_vllm_docker import SparkVllmDocker
from spark_control.swap.domain import Limits
from spark_control.swap.runner import Runner
from spark_control.swap.shapes import of_running
from spark_control.swap.usecases import Running, Swaps


def wire_models(boot: Boot, fleet: Fleet, clock: Clock, tasks: Tasks) -> Models:
    """Return the menu over the caches of the Sparks."""
    recipes = RecipeFiles(boot.path("MODELS_OVERRIDES", "models-overrides.yaml"))
    return Models(fleet=fleet, store=HfCache(), recipes=recipes, clock=clock, tasks=tasks)


def wire_swaps(  # noqa: PLR0913 - what a swap touches is this much
    *, fleet: Fleet, models: Models, engines: Engines, jobs: Jobs, logs: LogFiles, probe: Probe,
    in_flight: InFlight, settings: Callable[[], Settings], bus: Bus, clock: Clock, tasks: Tasks,
    limits: Limits,
) -> Swaps:  # fmt: skip
    """Return the swaps through the launch scripts of the Sparks."""
    launcher = SparkVllmDocker(clock)
    runner = Runner(
        jobs=jobs, launcher=launcher, probe=probe, load=in_flight, logs=logs, clock=clock,
        limits=limits,
    )  # fmt: skip

    def publish(running: Running) -> None:
        shape = of_running(running, clock.now())
        bus.publish("swap", running.job.id, shape.model_dump(mode="json"))

    return Swaps(
        runner=runner, jobs=jobs, models=models, engines=engines, launcher=launcher, logs=logs,
        host=fleet.host, settings=settings, tasks=tasks, clock=clock, limits=limits,
        publish=publish,
    )  # fmt: skip


def wire_gateway(  # noqa: PLR0913 - what a request may touch
    *, pool: httpcore.AsyncConnectionPool, engines: Engines, models: Models, swaps: Swaps,
    in_flight: InFlight, settings: Callable[[], Settings], clock: Clock,
) -> Gateway:  # fmt: skip
    """Return the one URL over all engines."""
    return Gateway(
        engines=engines, models=models, swaps=swaps, upstream=Http1Pool(pool),
        in_flight=in_flight, settings=settings, clock=clock,
    )  # fmt: skip
