"""Answer `/v1`: find the engine, pass the bytes."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from spark_control.core.clock import Clock
from spark_control.engines.domain import Engine
from spark_control.engines.errors import EngineBroke
from spark_control.engines.usecases import Engines
from spark_control.gateway import envelope
from spark_control.gateway.headers import to_engine
from spark_control.gateway.in_flight import InFlight
from spark_control.gateway.ports import Answer, Upstream
from spark_control.gateway.route import Coming, Scene, choose, key_of, refuse
from spark_control.models.domain import Menu
from spark_control.models.usecases import Models
from spark_control.settings.domain import Settings
from spark_control.swap.domain import Phase
from spark_control.swap.eta import remaining_seconds
from spark_control.swap.usecases import Swaps

log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Gateway:
    """The one URL over all engines."""

    engines: Engines
    models: Models
    swaps: Swaps
    upstream: Upstream
    in_flight: InFlight
    settings: Callable[[], Settings]
    clock: Clock

    def listed(self) -> list[Engine]:
        """Return one engine per model that is loaded now."""
        return list(
            {key_of(engine): engine for engine in reversed(self.engines.serving())}.values()
        )

    def _coming(self) -> Coming | None:
        running = self.swaps.running
        if running is None:
            return None
        job = running.job
        leaving = job.phase is not None and job.phase != Phase.CHECKING
        eta = remaining_seconds(job, running.usual, self.clock.now())
        return Coming(job.target, running.plan.spark, job.phase or "queued", eta, leaving)

    def _scene(self, menu: Mapping[str, str]) -> Scene:
        return Scene(
            engines=self.engines.serving(),
            aliases=self.settings().pairs("ALIASES"),
            busy=self.in_flight.busy(),
            menu=menu,
            coming=self._coming(),
        )

    @asynccontextmanager
    async def answer(
        self, path: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[Answer]:
        """Send a request where it belongs and give the answer; leaving ends it upstream.

        Raises BodyUnreadable, ModelNotFound, ModelNotLoaded, NothingLoaded, and the engine's
        errors. A 5xx of the engine becomes ours; its words go nowhere,
        for they may repeat the prompt.
        """
        asked = envelope.read(body)
        choice = choose(asked.model, self._scene({}))
        if choice is None or choice.rename is not None:
            # Who is served does not wait for a Spark; only a refusal may, to be exact.
            choice = choose(asked.model, self._scene(_keys(await self.models.known())))
        if choice is None:
            raise refuse(asked.model, self._scene(_keys(await self.models.menu())))
        if choice.rename is not None:
            body = envelope.rename(body, choice.rename)
        address = choice.engine.address
        with self.in_flight.counted(address):
            async with self.upstream.send(address, path, to_engine(headers), body) as answer:
                _refused(answer, choice.engine)
                yield answer


def _keys(menu: Menu) -> dict[str, str]:
    """Return the key of each key and repo on disk."""
    return {
        name: model.key for model in menu.models for name in (model.key, model.repo or model.key)
    }


def _refused(answer: Answer, engine: Engine) -> None:
    if answer.status < 500:
        return
    log.warning("the engine on %s answered with %s", engine.spark, answer.status)
    raise EngineBroke(f"{key_of(engine)} on {engine.spark} answered with {answer.status}.")
