"""The data plane of one process: its clients, its upstreams, and the state it decides by."""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from spark_control.core.clock import Clock
from spark_control.core.errors import AppError
from spark_control.core.ids import Ids
from spark_control.core.sockets import BACKLOG, pending
from spark_control.core.tasks import Tasks
from spark_control.gateway import envelope, services
from spark_control.gateway.errors import ControlAway
from spark_control.gateway.limits import Admission, Limits
from spark_control.gateway.record import Trace
from spark_control.gateway.room import Room, shared
from spark_control.gateway.route import Routes, Scene, refuse
from spark_control.gateway.usage import Usage
from spark_control.gateway.wire import State
from spark_control.gateway.worker import audio
from spark_control.gateway.worker.books import Books
from spark_control.gateway.worker.client import Client
from spark_control.gateway.worker.house import Guest
from spark_control.gateway.worker.known import Heads, Kind, Known, closed_door, is_recorded
from spark_control.gateway.worker.lists import Listing, Lists, name_in
from spark_control.gateway.worker.model import ModelExchange, Wish
from spark_control.gateway.worker.place import Place
from spark_control.gateway.worker.pool import Pool
from spark_control.gateway.worker.relayed import Relayed
from spark_control.gateway.worker.spool import UPLOADS, Shelf
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.upload import Upload
from spark_control.requests.domain import CLIENT_LEFT

log = logging.getLogger(__name__)

NO_LIMITS = Limits(in_flight=256, length=256, wait_s=60.0)
BODY_BYTES = 64_000_000
BODIES_BYTES = 512_000_000
UPLOAD_BYTES = 512_000_000


class Ledger:
    """What a worker has to tell: counts that changed, requests that ended, questions."""

    def changed(self) -> None:
        """Take note that the number of running requests has changed."""

    def record(self, trace: Trace) -> None:
        """Keep the notes on a request that has ended."""

    def wedged(self, service: str, status: int) -> None:
        """Tell control that a speech service failed inside."""

    async def sync(self) -> None:
        """Return once the state is as new as it can be had."""


@dataclass(kw_only=True, slots=True)
class Worker:
    """Answers every connection of one port."""

    loop: asyncio.AbstractEventLoop
    clock: Clock
    ids: Ids
    times: Times
    control: Place
    ledger: Ledger
    workers: int = 1
    """How many share the limits."""
    shelf: Shelf = field(default_factory=Shelf)
    tasks: Tasks = field(init=False)
    pool: Pool = field(init=False)
    date: bytes = field(init=False, default=b"")
    leaving: bool = field(init=False, default=False)
    body_limit: int = field(init=False, default=BODY_BYTES)
    upload_limit: int = field(init=False, default=UPLOAD_BYTES)
    room: Room = field(init=False, default_factory=lambda: Room(BODIES_BYTES))
    """For bodies that come in, wait or are being answered."""
    retries: int = field(init=False, default=0)
    """How many requests were sent again, since somebody last asked."""
    lag_s: float = field(init=False, default=0.0)
    """How late the loop was, at worst, since somebody last asked."""
    _clients: set[Guest] = field(init=False, default_factory=set)
    _empty: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _servers: list[asyncio.Server] = field(init=False, default_factory=list)
    _listening: list[socket.socket] = field(init=False, default_factory=list)
    _state: State | None = field(init=False, default=None)
    _routes: Routes = field(init=False)
    _heads: Heads = field(init=False)
    _services: tuple[services.Service, ...] = field(init=False, default=())
    _lists: Lists = field(init=False)
    _admission: Admission = field(init=False)
    _queue: dict[int, ModelExchange] = field(init=False, default_factory=dict)
    _books: Books = field(init=False)
    ended: Callable[[Trace, int, Usage | None, AppError | None], None] = field(init=False)
    time: Callable[[], float] = field(init=False)
    changed: Callable[[], None] = field(init=False)

    def __post_init__(self) -> None:
        self.tasks = Tasks("gateway")
        self.pool = Pool(loop=self.loop, times=self.times, control=self.control)
        self._routes = Routes(Scene(()))
        self._heads = Heads(door=closed_door(), clock=self.clock)
        self._admission = Admission(NO_LIMITS)
        self._books = Books(self.ids.new("r"), self.loop.time, self.ledger.record)
        self.ended = self._books.ended
        self.time = self.loop.time
        self.changed = self.ledger.changed
        self._empty.set()

    # Life

    async def listen(self, sock: socket.socket) -> None:
        """Answer what comes on `sock`."""
        self._dated(self.clock.now())
        self._servers.append(
            await self.loop.create_server(lambda: Client(self), sock=sock, backlog=BACKLOG)
        )
        self._listening.append(sock)
        _ = self.tasks.spawn(self._watch(), name="limits")

    async def _watch(self) -> None:
        while True:
            began = self.loop.time()
            await self.clock.sleep(self.times.look)
            self.lag_s = max(self.lag_s, self.loop.time() - began - self.times.look)
            self.look()

    def look(self) -> None:
        """See at every connection whether something takes too long."""
        now = self.loop.time()
        self._dated(self.clock.now())
        self.pool.tidy()
        for client in list(self._clients):
            client.look(now)
        for ticket, error in self._admission.expire(now):
            if (exchange := self._queue.pop(ticket, None)) is not None:
                exchange.fail(error)

    def _dated(self, now: datetime) -> None:
        self._books.epoch = now.timestamp() - self.loop.time()
        self.date = now.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n\r\n").encode()

    async def drain(self, *, timeout_s: float) -> None:
        """Take no new connection, let what runs finish, then end the rest.

        Whoever has connected may be about to ask: all get a moment for it.
        """
        self.leaving = True
        late = [sock for listening in self._listening for sock in pending(listening)]
        for server in self._servers:
            server.close()
        for sock in late:
            await self.loop.connect_accepted_socket(lambda: Client(self), sock)
        moment = min(self.times.last_words, timeout_s)
        if not await self._emptied(moment):
            for client in list(self._clients):
                client.leave()
        if not await self._emptied(timeout_s - moment):
            log.info("%s connections did not end in time", len(self._clients))
        await self.close()

    async def _emptied(self, within_s: float) -> bool:
        """Tell whether all clients have gone in time."""
        try:
            async with asyncio.timeout(within_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """End everything at once."""
        self.leaving = True
        for server in self._servers:
            server.close()
        for client in list(self._clients):
            client.abort()
        self.pool.close()
        await self.tasks.close()

    @property
    def waiting(self) -> int:
        """Return how many requests wait for an engine."""
        return len(self._queue)

    @property
    def connections(self) -> int:
        """Return how many clients are connected."""
        return len(self._clients)

    # The state

    def take(self, state: State) -> None:
        """Decide by `state` from now on."""
        before, self._state = self._state, state
        scene = Scene(state.targets, state.aliases, state.menu, state.coming)
        self._routes = Routes(scene)
        self._services = state.services
        # An engine at the address of a service is the later one of the two, and wins.
        self.pool.replace([*map(services.target, state.services), *state.targets])
        self.body_limit = state.bounds.body_bytes
        self.upload_limit = state.bounds.upload_bytes
        self._furnish()
        if before is None or before.door != state.door:
            self._heads = Heads(door=state.door, clock=self.clock)
        if before is None or (before.bounds, before.services) != (state.bounds, state.services):
            limits, own = audio.limits_of(state, self.workers)
            self._grant(self._admission.resize(limits, own, self.loop.time()))
        self._lists = Lists(self._routes, state.services)
        for waiting in list(self._queue.values()):
            self._review(waiting)

    def _furnish(self) -> None:
        """Bound all bodies together, and all uploads, by what one of them may be."""
        body, upload = self.body_limit, self.upload_limit
        self.room.limit = shared(BODIES_BYTES, 2 * body, self.workers)
        self.shelf.room.limit = shared(UPLOADS * upload, upload, self.workers)

    def _review(self, waiting: ModelExchange) -> None:
        """Send one that waits elsewhere, or away, when the engine it waits for takes no more."""
        target = waiting.waits_for
        if target is None or target.service:
            return
        choice = self._routes.find(waiting.asked)
        if choice is None:
            waiting.fail(refuse(waiting.asked, self._routes.scene))
        elif target.base_url not in {one.base_url for one in choice.targets}:
            waiting.reroute(choice)

    # What clients need

    def come(self, client: Guest) -> None:
        self._clients.add(client)
        self._empty.clear()

    def gone(self, client: Guest) -> None:
        self._clients.discard(client)
        if not self._clients:
            self._empty.set()

    def admit(self, block: bytes, client: str) -> tuple[Known, int | None]:
        heads = self._heads
        if (seen := heads.seen(block)) is not None:  # nearly always
            return seen
        known = heads.read(block)
        if known.kind is not Kind.CONTROL:
            if self._state is None:
                raise ControlAway("Spark Control is starting.", retry_after_s=1)
            known = heads.admit(block, known, client)
        return known, known.head.length

    def listing(self, client: Guest, known: Known) -> Listing:
        trace = self._books.other(known.path, client.address, 0)
        trace.asked = name_in(known.path)
        try:
            found = self._lists.answer(known.path)
        except AppError as error:
            self.ended(trace, 0, None, error)
            raise
        trace.bytes_out = 0 if known.head.method == "HEAD" else len(found[1])
        self.ended(trace, 200, None, None)
        return found

    def refused(
        self, client: Guest, path: str, *, began: float, size: int = 0,
        error: AppError | None = None,
    ) -> None:  # fmt: skip
        self._books.refused(path, client.address, began=began, size=size, error=error)

    def relay(self, client: Guest, known: Known) -> Relayed:
        exchange = Relayed(self, client, known, self.loop.time(), client.address, client.secure)
        if is_recorded(known.path) and known.head.method != "OPTIONS":  # browsers ask before
            exchange.trace = self._books.other(known.path, client.address, 0)
        client.exchange = exchange
        return exchange

    def upload(self, client: Guest, known: Known) -> Upload:
        trace = self._books.open(known.path, client.address, 0)
        wish = audio.upload_wish(known, trace, self._services, self.upload_limit)
        exchange = audio.upload_of(self, client, wish, limit=self.upload_limit, shelf=self.shelf)
        client.exchange = exchange
        return exchange

    def wanted(self, client: Guest, known: Known, body: bytes) -> None:
        trace = self._books.open(known.path, client.address, len(body))
        try:
            asked = envelope.read(body)
        except AppError as error:
            self._refused(client, trace, error)
            return
        trace.asked, trace.streamed = asked.model, asked.stream
        if known.path == audio.SPEECH_PATH:
            self._speak(client, known, body, trace)
            return
        choice = services.choose(known.path, asked.model, self._routes, self._services)
        if choice is not None:
            self._go(client, Wish(known=known, body=body, choice=choice, trace=trace))
            return
        look = self._look_again(client, known, body, trace)
        _ = self.tasks.spawn(look, name="look again")

    async def _look_again(self, client: Guest, known: Known, body: bytes, trace: Trace) -> None:
        """Wait for news before a refusal: a model may have come up just now."""
        await self.ledger.sync()
        if client.gone:
            self.ended(trace, CLIENT_LEFT, None, None)
            return
        choice = services.choose(known.path, trace.asked, self._routes, self._services)
        if choice is not None:
            self._go(client, Wish(known=known, body=body, choice=choice, trace=trace))
        else:
            error = services.refuse(known.path, trace.asked, self._routes.scene)
            self._refused(client, trace, error)

    def _speak(self, client: Guest, known: Known, body: bytes, trace: Trace) -> None:
        """Send a request for speech to who has the model, else to the service of the voice."""
        try:
            wish = audio.spoken(known, body, trace, self._routes, self._services)
        except AppError as error:
            self._refused(client, trace, error)
        else:
            self._go(client, wish)

    def _go(self, client: Guest, wish: Wish) -> None:
        try:
            wish.rename()
        except AppError as error:
            self._refused(client, wish.trace, error)
            return
        exchange = ModelExchange(self, client, wish, self.loop.time())
        client.exchange = exchange
        exchange.begin()

    def _refused(self, client: Guest, trace: Trace, error: AppError) -> None:
        self.ended(trace, 0, None, error)
        client.refuse(error)

    # What exchanges need

    def queue(self, exchange: ModelExchange, place: Place, client: str) -> tuple[int, bool]:
        ticket, through = self._admission.ask(place.base_url, client, self.loop.time())
        if not through:
            self._queue[ticket] = exchange
        return ticket, through

    def wedged(self, service: str, status: int) -> None:
        self.ledger.wedged(service, status)

    def give_back(self, ticket: int) -> None:
        if self._queue:
            self._queue.pop(ticket, None)
        if granted := self._admission.release(ticket, self.loop.time()):
            self._grant(granted)

    def _grant(self, tickets: list[int]) -> None:
        for ticket in tickets:
            if (exchange := self._queue.pop(ticket, None)) is not None:
                exchange.granted(self.loop.time())
