"""What every store of the swap lock does, over real databases."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from spark_control.core.secret import Secret
from spark_control.core.sql import Sql
from spark_control.jobs.adapters.schema import swap_lock
from spark_control.swap.adapters.sql_lock import SqlLock
from spark_control.swap.domain import Fence
from spark_control.swap.errors import SwapLocked
from spark_control.swap.lock import Lock, LockWish, acquire, admit, broken, release
from tests.contract.databases import Database

MINE = Secret("mine")
WISH = LockWish("bench", None, 60)


def stays(lock: Lock, _now: datetime) -> Lock:
    return lock


def takes(token: Secret = MINE, wish: LockWish = WISH) -> Callable[[Lock, datetime], Lock]:
    return lambda lock, now: acquire(lock, wish, token, now)


@pytest.fixture
def store(sql: Sql) -> SqlLock:
    return SqlLock(sql)


async def test_a_new_one_is_free_and_keeps_its_realm(store: SqlLock) -> None:
    first = await store.change(stays)
    assert first.lock == Lock(Fence(first.lock.fence.realm, 0))
    assert len(first.lock.fence.realm) == 8
    assert (await store.change(stays)).lock == first.lock


async def test_it_comes_back_as_it_was_put(store: SqlLock) -> None:
    for change in (
        takes(wish=LockWish("b" * 64, "ä" * 200, 86_400)),
        lambda lock, now: release(lock, MINE, now),
        takes(),
        broken,
    ):
        put = await store.change(change)
        assert (await store.change(stays)).lock == put.lock
    assert (await store.change(stays)).lock.fence.number == 3


async def test_a_refused_change_changes_nothing(store: SqlLock) -> None:
    held = await store.change(takes())
    with pytest.raises(SwapLocked):
        await store.change(takes(Secret("other")))
    assert (await store.change(stays)).lock == held.lock


async def test_the_time_is_the_databases(store: SqlLock, sql: Sql) -> None:
    reading = await store.change(takes())
    assert reading.at.tzinfo is not None
    now = await sql.read(lambda c: c.execute(sa.select(sa.func.current_timestamp())).scalar_one())
    assert timedelta(0) <= now.replace(tzinfo=UTC) - reading.at < timedelta(seconds=30)
    # What ends is ended by that time alone: the row says so, whatever our clock says.
    assert reading.lock.hold is not None
    past = sa.update(swap_lock).values(until=reading.at - timedelta(seconds=1))
    await sql.write(lambda c: c.execute(past).rowcount)
    again = await store.change(takes(Secret("other")))
    assert again.lock.fence.number == reading.lock.fence.number + 1


async def test_of_many_at_once_one_gets_it(database: Database, store: SqlLock) -> None:
    await store.change(stays)
    others = [Sql(database.engine()) for _ in range(3)]

    async def tries(sql: Sql, name: str) -> str | None:
        try:
            await SqlLock(sql).change(takes(Secret(name), LockWish(name, None, 60)))
        except SwapLocked:
            return None
        return name

    tried = await asyncio.gather(
        *(tries(sql, f"{n}-{k}") for n, sql in enumerate(others) for k in range(5))
    )
    winners = [name for name in tried if name]
    hold = (await store.change(stays)).lock.hold
    assert hold is not None
    assert winners == [hold.holder]
    for sql in others:
        sql.close()


async def test_a_look_only_reads(store: SqlLock, sql: Sql) -> None:
    assert await store.look() is None
    held = await store.change(takes())
    reads = Sql(sql.engine.execution_options(postgresql_readonly=True))
    seen = await SqlLock(reads).look()
    assert seen is not None
    assert seen.lock == held.lock


async def test_it_consents_in_the_transaction_of_another(store: SqlLock, sql: Sql) -> None:
    await store.change(takes())
    now = await store.look()
    assert now is not None
    await sql.write(store.within(lambda lock, _now: admit_with(lock, now.at, MINE)))
    with pytest.raises(SwapLocked):
        await sql.write(store.within(lambda lock, at: admit_with(lock, at, None)))
    after = await store.look()
    assert after is not None
    assert after.lock == now.lock


def admit_with(lock: Lock, now: datetime, claim: Secret | None) -> Lock:
    admit(lock, claim, now)
    return lock
