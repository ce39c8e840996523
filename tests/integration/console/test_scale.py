"""After years: a thousand connections, hundreds of thousands of work items, millions of journal rows. Every list and every turn stays within 50 ms at
the database, and nothing reads a large table from end to end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, cast

import asyncpg
import pytest

from common.clock import FixedClock
from common.contracts.ids import ConnectionId, Entity, RecordId, RunId, SyncId
from common.state import configuration, runs
from common.state.pool import Pool, connection, transaction
from common.state.runs import Entering, LineKey, Spoken
from console.state import connections, queues, records, syncs
from console.state.connections import WantedConnection
from console.state.records import RecordKey
from console.use_cases.letter_choice import LetterWish
from console.use_cases.letters import Letters
from console.use_cases.runs import Runs
from console.use_cases.syncs import Syncs
from mapper import wanted_rows
from mapper.preview import preview
from tests.support import big
from tests.support.big import BIG, NOW
from tests.support.database import Database
from tests.support.explained import Explained, ExplainedPool
from tests.support.judged import DEFINITION
from tests.support.machine import computes_slower
from tests.support.years import MOST_MS, hold, pool_of, within
from vendors import mailchimp
from writing.company import Company
from writing.held import Held
from writing.items import PRIORITY
from writing.queue import Due, Queue, Turn


class Same:
    """Stands in for a pool: it gives the same connection each time, with what its transaction has done."""

    def __init__(self, link: Any) -> None:
        self._link = link

    @asynccontextmanager
    async def acquire(self, **how: Any) -> AsyncIterator[Any]:
        yield self._link


@pytest.fixture
async def console(filled: Database) -> Any:
    async with pool_of(filled, "console") as pool:
        yield pool


@pytest.fixture
async def service(filled: Database) -> Any:
    async with pool_of(filled, "service") as pool:
        yield pool


class TestLists:
    async def test_syncs(self, console: Pool) -> None:
        async with connection(console) as link:
            explained: Any = Explained(link)
            page = await syncs.page(explained, "", 201)
            waits = await queues.of_syncs(explained, [row.id for row in page])
            hold(explained.seen)
            real = await link.fetchrow(
                "select count(*) filter (where state in ('ready', 'waiting')), count(*) filter (where state in ('dead', 'parked')),"
                " min(received_at) filter (where state in ('ready', 'waiting')) from flow.work_item where sync = 's0'"
            )
        assert (waits["s0"].waiting, waits["s0"].stuck, waits["s0"].oldest) == tuple(real)
        assert waits["s0"].waiting >= big.RECORDS // 10

    async def test_connections(self, console: Pool) -> None:
        async with connection(console) as link:
            explained: Any = Explained(link)
            assert len(await connections.page(explained, WantedConnection(limit=200))) == 201
            hold(explained.seen)

    @pytest.mark.parametrize(
        "wish", [LetterWish(), LetterWish(code="MC_3"), LetterWish(sync="s0"), LetterWish(sync="s17"), LetterWish(code="BUG_1"), LetterWish(code="NONE")], ids=str
    )  # fmt: skip
    async def test_dead_letters(self, console: Pool, wish: LetterWish) -> None:
        pool = ExplainedPool(console)
        letters = Letters(cast(Pool, pool), cast(Any, None), FixedClock(NOW))
        page = await letters.list(wish, 100)
        if page.after:
            await letters.list(wish, 100, page.after)
        hold(pool.seen)

    async def test_the_configuration_of_a_thousand_connections(self, service: Pool) -> None:
        async with transaction(service) as tx:
            explained: Any = Explained(tx)
            assert len((await configuration._load(explained)).connections) == 1000
            hold(explained.seen)


class TestRecords:
    @pytest.mark.parametrize(
        ("text", "number"),
        [("p300000@ex.org", 300_000), ("r77777", 77_777), ("f5cbf0d1e9ccd3eb7f13a27bd2d5a6b5", None), ("P123@EX.org", 123)],
    )  # fmt: skip
    async def test_find(self, console: Pool, text: str, number: int | None) -> None:
        async with connection(console) as link:
            explained: Any = Explained(link)
            keys = await records.find(explained, text, 50)
            if number is not None:
                assert [key.record for key in keys] == [f"r{number}"]
            await records.read(explained, keys)
            hold(explained.seen)

    async def test_find_by_trace_and_by_hash(self, console: Pool) -> None:
        async with connection(console) as link:
            trace, record = await link.fetchrow(
                "select trace_id, record from flow.journal where trace_id <> '' limit 1"
            )
            hashed = await link.fetchval("select md5('p4242@ex.org')")
            explained: Any = Explained(link)
            assert record in [key.record for key in await records.find(explained, trace, 50)]
            assert [key.record for key in await records.find(explained, hashed, 50)] == ["r4242"]
            hold(explained.seen)

    async def test_timeline(self, console: Pool) -> None:
        async with connection(console) as link:
            row = await link.fetchrow(
                "select connection, record from flow.journal where target_key <> '' and record <> '' limit 1"
            )
            explained: Any = Explained(link)
            assert await records.timeline(explained, RecordKey(row["connection"], "customer", row["record"]), None, 51)
            told = await records.timeline(explained, RecordKey("a0", "customer", "r6"), None, 51)
            hold(explained.seen)
        # What its target told of it, in each month.
        assert {one["target_key"] for one in told if one["connection"] == "b0"} == {"p6@ex.org"}


class TestRuns:
    async def test_the_history_of_the_largest_sync_takes_milliseconds_and_goes_back_to_its_first_run(
        self, console: Pool
    ) -> None:
        pool, clock = ExplainedPool(console), FixedClock(NOW)
        reader = Runs(cast(Pool, pool), Syncs(cast(Pool, pool), cast(Any, None), cast(Any, None), clock), clock)
        told = await reader.of_sync("s0", 50)
        assert len(told.items) == 50 and all(run.closes and run.total for run in told.items)
        older = await reader.of_sync("s0", 50, told.after)
        (first,) = [run for run in older.items if run.row.kind == "first"]
        assert (first.row.started_at, first.total) == (told.since, big.RECORDS // 4)
        await reader.page(50)
        assert (await reader.show("s0.v1")).total == big.RECORDS // 4
        hold(pool.seen)
        plain = Runs(console, Syncs(console, cast(Any, None), cast(Any, None), clock), clock)
        began = perf_counter()
        await plain.of_sync("s0", 20)
        took = perf_counter() - began
        assert took < 0.2 * computes_slower(), took

    @pytest.mark.parametrize("outcomes", [["failed"], ["skipped", "waiting"], []], ids=str)
    async def test_the_records_of_the_largest_run(self, console: Pool, outcomes: list[str]) -> None:
        pool, clock = ExplainedPool(console), FixedClock(NOW)
        reader = Runs(cast(Pool, pool), cast(Any, None), clock)
        found, after = await reader.records("s0.v1", outcomes, 200)
        more, _ = await reader.records("s0.v1", outcomes, 200, after)
        assert (len(found), len(more)) == (200, 200)
        hold(pool.seen)

    async def test_entering_and_ending(self, service: Pool) -> None:
        keys = [LineKey(SyncId("s0"), Entity("customer"), RecordId(f"r{n}"), 3) for n in range(2, 1002, 2)]
        run = runs.live_run("s0", NOW)
        async with transaction(service) as tx:
            explained: Any = Explained(tx)
            begun = [runs.Run(run, SyncId("s0"), "live", "webhook")]
            await runs.enter(explained, [Entering(run, key, otherwise=run) for key in keys], NOW, runs=begun)
            await runs.enter(explained, [Entering(RunId("s0.v1"), key, otherwise=run) for key in keys], NOW, runs=begun)
            await runs.speak(explained, {key: Spoken("updated", "unchanged") for key in keys}, NOW)
            await runs.speak(explained, {key: Spoken("updated", "unchanged") for key in keys}, NOW)
            await runs.open_again(explained, keys)
            for one in explained.seen:
                print(one)
                assert not any(table.startswith(BIG) for table in one.scanned()), f"{one} scans {one.scanned()}"
                # Five hundred records a statement; some of them write all of them.
                within(one, 5 * MOST_MS)


class TestPreview:
    async def test_a_page_of_the_records(self, console: Pool, service: Pool) -> None:
        pool = ExplainedPool(console)
        async with transaction(console) as tx:
            sync = await syncs.named(tx, "s0")
        assert sync is not None
        told = await preview(cast(Pool, pool), replace(sync.legs[0], mapping=DEFINITION), most=3000, now=NOW)
        assert (told.total, told.complete) == (3000, False)
        hold(pool.seen)


class TestTurns:
    async def test_publish(self, service: Pool) -> None:
        async with transaction(service) as tx:
            known = await configuration._load(tx)
            # A tenth of the syncs has no target any more: what they are owed stays where it is.
            reachable = {sync.id: sync for sync in known.syncs.values() if sync.state == "active"}
            explained: Any = Explained(tx)
            owed = await wanted_rows.unpublished(explained, reachable, None, 500)
            assert len(owed) == 500
            keys = [one.source for one in owed]
            assert len(await wanted_rows.unpublished(explained, reachable, keys, 500)) == 500
            await wanted_rows.mark_published(explained, [one.command for one in owed])
            hold(explained.seen)

    async def test_claim(self, service: Pool) -> None:
        async with transaction(service) as tx:
            known = await configuration._load(tx)
        pool = ExplainedPool(service)
        queue = Queue(cast(Pool, pool), FixedClock(NOW), mailchimp.VENDOR.targets, timedelta(seconds=60))
        due = {one.connection: one for one in await queue.due(known)}
        assert len(due) == len({sync.target for sync in known.syncs.values() if sync.state == "active"})
        for target in (ConnectionId("b0"), ConnectionId("b17")):
            taken = [
                await queue.claim(known.connections[target], due[target], Turn(one, 500)) for one in PRIORITY.values()
            ]
            assert sum(map(len, taken)) > 50
        held = Held(cast(Pool, pool), FixedClock(NOW), timedelta(seconds=60))
        await held.take_over(list(due))
        await held.to_look_at(list(due))
        await held.claim_held(ConnectionId("b0"), 100)
        hold(pool.seen)

    async def test_who_waits_for_company(self, service: Pool) -> None:
        loaded = "update flow.work_item set priority = 2, run = 's0.v1' where (sync, entity, record) in (select sync, entity, record from flow.work_item where sync = 's0' and state = 'ready' limit 400) returning connection"
        async with connection(service) as link:
            undone = link.transaction()
            await undone.start()
            target = await link.fetchval(loaded)
            pool = ExplainedPool(Same(link))
            company = Company(cast(Pool, pool), mailchimp.VENDOR.targets)
            waiting = await company.who_waits(Due(ConnectionId(target), {2: [SyncId("s0"), SyncId("s17")]}), 2, 500)
            await undone.rollback()
        assert (waiting, len(pool.seen)) == (["s0.v1"], 2)
        hold(pool.seen)


class TestRetention:
    async def test_a_month_of_the_journal_leaves_within_a_second(self, filled: Database, service: Pool) -> None:
        oldest = f"journal_{_months_ago(big.MONTHS - 1):%Y_%m}"
        before = await _count(filled, f"flow.{oldest}")
        assert before == big.JOURNAL // big.MONTHS
        async with connection(service) as link:
            began = perf_counter()
            dropped = await link.fetchval("select flow.drop_journal_month($1)", _months_ago(big.MONTHS - 2))
            took = perf_counter() - began
        assert dropped == oldest
        assert took < 1.0 * computes_slower(), took


def _months_ago(back: int) -> datetime:
    year, month = divmod(NOW.year * 12 + NOW.month - 1 - back, 12)
    return NOW.replace(year=year, month=month + 1, day=1)


async def _count(database: Database, table: str) -> int:
    link: Any = await asyncpg.connect(database.owner_url)
    try:
        return int(await link.fetchval(f"select count(*) from {table}"))
    finally:
        await link.close()
