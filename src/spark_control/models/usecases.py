"""The menu as it is now: every Spark is looked at in its own time, and a slow one keeps nobody."""

import asyncio
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import is_

from spark_control.core.clock import Clock, iso
from spark_control.core.errors import AppError
from spark_control.core.tasks import Tasks
from spark_control.fleet.ports import Host
from spark_control.models.assess import loads
from spark_control.models.domain import Catalogue, Inventory, Menu, Model, Problem, Recipe, Room
from spark_control.models.errors import DisksUnread, ModelNotOnDisk, ModelUnknown
from spark_control.models.fits import Fits
from spark_control.models.menu import build_menu
from spark_control.models.ports import Hosts, LoadFacts, ModelStore, RecipeSource

KEEP_GOOD_S = 10.0
KEEP_FAILED_S = 25.0
LIMIT_S = 8.0
AGAIN_S = 5
READ_TIMEOUT_S = 20.0


@dataclass(slots=True)
class _Seen:
    """What is known of one Spark: the last good look, and how the newest one went."""

    inventory: Inventory | None = None
    read_at: datetime | None = None
    paths: tuple[str, ...] = ()
    trouble: str = ""
    until: float = 0.0
    look: asyncio.Task[None] | None = None


@dataclass(kw_only=True, slots=True)
class Models:
    """Answers what can be switched to. One look per Spark at a time, shared by all who ask."""

    fleet: Hosts
    store: ModelStore
    recipes: RecipeSource
    clock: Clock
    tasks: Tasks
    facts: LoadFacts | None = None
    memory: Callable[[], Mapping[str, int]] = dict
    """The memory of each Spark by name, as last read; one that was never read is not there."""
    fits: Fits = field(init=False)
    _seen: dict[str, _Seen] = field(init=False, default_factory=dict)
    _built: tuple[Sequence[object], Menu] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.fits = Fits(self.room)

    async def menu(self, *, fresh: bool = False) -> Menu:
        """Return the menu within the limit; a Spark that is late keeps what was seen of it.

        Looks of the last ten seconds are used again unless `fresh`.
        """
        catalogue = await self.recipes.load()
        await self._wait(self._looks(catalogue, fresh=fresh))
        return self._menu(catalogue, waited=True)

    async def known(self) -> Menu:
        """Return the menu of what has been seen so far; looks that are due start behind it.

        For requests that must not wait for a Spark.
        """
        catalogue = await self.recipes.load()
        self._looks(catalogue, fresh=False)
        return self._menu(catalogue, waited=False)

    async def find(self, key: str) -> Model:
        """Return the model of the menu with that key.

        Raises ModelUnknown, ModelNotOnDisk, DisksUnread.
        """
        menu = await self.menu()
        by_key = {model.key: model for model in menu.models}
        if key in by_key:
            return by_key[key]
        wanted = {recipe.key: recipe for recipe in menu.recipes_not_on_disk}
        if key in wanted:
            raise self._not_there(wanted[key])
        near = difflib.get_close_matches(key[:64], [*by_key, *wanted], n=3, cutoff=0.5)
        guess = f" Near it: {', '.join(near)}." if near else ""
        raise ModelUnknown(f"There is no model {key[:80]!r}.{guess}", param="model")

    def _not_there(self, recipe: Recipe) -> AppError:
        what = f"{recipe.name} ({recipe.source})"
        unread = [name for name, seen in self._seen.items() if seen.inventory is None]
        if not unread:
            return ModelNotOnDisk(f"{what} is on no Spark.")
        text = f"{what} has not been found so far. Not read yet: {', '.join(unread)}."
        return DisksUnread(text, retry_after_s=AGAIN_S)

    def room(self, model: Model) -> Room:
        """Return what is known of the place `model` would be loaded in."""
        load = loads(model)
        measured = self.facts.get(load) if self.facts is not None and load else None
        return Room(self.memory(), measured)

    def _looks(self, catalogue: Catalogue, *, fresh: bool) -> list[asyncio.Task[None]]:
        hosts = list(self.fleet.hosts())
        for gone in set(self._seen) - {host.name for host in hosts}:
            del self._seen[gone]
        looks = (self._look(host, catalogue, fresh=fresh) for host in hosts)
        return [look for look in looks if look is not None]

    def _look(self, host: Host, catalogue: Catalogue, *, fresh: bool) -> asyncio.Task[None] | None:
        """Start a look at the Spark if one is due; return the one that runs."""
        seen = self._seen.setdefault(host.name, _Seen())
        running = seen.look if seen.look is not None and not seen.look.done() else None
        paths = tuple(r.local_path for r in catalogue.recipes if r.local_path is not None)
        if running is not None and paths == seen.paths:
            return running
        if not fresh and paths == seen.paths and self.clock.monotonic() < seen.until:
            return None
        seen.paths = paths
        work = self._read(host, paths, seen, after=running)
        seen.look = self.tasks.spawn(work, name=f"list {host.name}")
        return seen.look

    async def _read(
        self, host: Host, paths: tuple[str, ...], seen: _Seen, *, after: asyncio.Task[None] | None
    ) -> None:
        """Look at the Spark, `after` a look that does not know yet of all folders."""
        if after is not None:
            await asyncio.wait([after])
        try:
            seen.inventory = await self.store.inventory(host, paths, timeout_s=READ_TIMEOUT_S)
        except AppError as error:
            seen.trouble = error.message
            seen.until = self.clock.monotonic() + KEEP_FAILED_S
        else:
            seen.trouble, seen.read_at = "", self.clock.now()
            seen.until = self.clock.monotonic() + KEEP_GOOD_S

    async def _wait(self, looks: list[asyncio.Task[None]]) -> None:
        """Wait for the looks, at most for the limit; what is late goes on by itself."""
        if not looks:
            return
        limit = self.tasks.spawn(self.clock.sleep(LIMIT_S), name="limit of the menu")
        late = set(looks)
        try:
            while late and not limit.done():
                await asyncio.wait({*late, limit}, return_when=asyncio.FIRST_COMPLETED)
                late = {look for look in late if not look.done()}
        finally:
            limit.cancel()

    def _menu(self, catalogue: Catalogue, *, waited: bool) -> Menu:
        names = [host.name for host in self.fleet.hosts()]
        seen = [(name, self._seen[name]) for name in names if name in self._seen]
        disks = [s.inventory for _, s in seen if s.inventory is not None]
        menu = self._build(disks, catalogue)
        troubles = [problem for name, s in seen if (problem := _trouble(name, s, waited=waited))]
        read_at = min((s.read_at for _, s in seen if s.read_at is not None), default=None)
        return replace(menu, problems=(*menu.problems, *troubles), read_at=read_at)

    def _build(self, disks: list[Inventory], catalogue: Catalogue) -> Menu:
        """Build the menu, or give the last one when it was made of the very same parts."""
        parts = (catalogue, *disks)
        if self._built is None or not _same(self._built[0], parts):
            self._built = parts, build_menu(disks, catalogue)
        return self._built[1]


def _same(left: Sequence[object], right: Sequence[object]) -> bool:
    """Tell whether both hold the same objects; comparing what is in them would cost more."""
    return len(left) == len(right) and all(map(is_, left, right))


def _trouble(name: str, seen: _Seen, *, waited: bool) -> Problem | None:
    """Say how old what is shown of a Spark is when it is not of now."""
    late = waited and seen.look is not None and not seen.look.done()
    if not seen.trouble and not late:
        return None
    reason = seen.trouble or "The Spark takes long to answer."
    shown = "nothing of it is known yet" if seen.read_at is None else f"seen {iso(seen.read_at)}"
    return Problem(name, None, f"{reason} Its models: {shown}.")
