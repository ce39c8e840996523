"""Reads that a listing has made necessary: behind everybody else, and within a share of the day; on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.contracts.ids import ConnectionId, Entity, RecordId, RunId, SyncId
from common.contracts.messages import Lane
from common.contracts.syncs import MappingDefinition, MappingRow
from common.failures import RateLimited
from common.http.call import Call, VendorAnswer
from common.state import read_requests, runs
from common.state.pool import Pool, close_pool, open_pool, transaction
from common.state.read_requests import UNCOVERED, ReadRequest
from common.state.runs import Run
from tests.integration.ingest.test_normaliser import NOW, TRACE, Ingest, ingest, refusing
from tests.integration.mapper.test_handlers import configure
from tests.support.database import Database

__all__ = ["ingest"]
# Eighteen of a day's twenty calls are ours; a third of these are six.
A_DAY, SHARE = "20", 6
MIDNIGHT = datetime(2026, 5, 5, tzinfo=UTC) + timedelta(seconds=5)


@pytest.fixture(autouse=True)
async def owner(database: Database, ingest: Ingest) -> AsyncIterator[Pool]:
    pool = await open_pool(database.owner_url, name="test owner", size=1)
    details = {"organization_id": "o", "calls_per_day": A_DAY}
    await configure(pool, MappingDefinition(1, (MappingRow("email", "email"),), key="email"))
    async with transaction(pool) as tx:
        await tx.execute("update core.connection set details = $1 where id = 'books'", details)
    yield pool
    await close_pool(pool)


async def wanted(ingest: Ingest, count: int, *, lane: Lane = Lane.BACKFILL, job: str = "") -> None:
    ids = (ConnectionId("books"), Entity("customer"))
    asks = [
        ReadRequest(*ids, RecordId(f"{lane}{n:03}"), UNCOVERED, NOW, TRACE, lane=lane, version="1.1", job=job)
        for n in range(count)
    ]
    async with transaction(ingest.pool) as tx:
        await read_requests.ask(tx, asks, NOW)


async def read_all(ingest: Ingest) -> list[str]:
    """The records that are read until nothing is due."""
    before = len(ingest.wire.calls)
    while await ingest.reader.step():
        pass
    return [call.path["id"] for call in ingest.wire.calls[before:]]


class TestWhatAListingWantsToBeRead:
    async def test_is_read_and_written_behind_what_people_change(self, ingest: Ingest) -> None:
        await wanted(ingest, 1)
        await read_all(ingest)
        assert [call.priority for call in ingest.wire.calls] == ["backfill"]
        ((event, headers),) = ingest.wire.sent
        assert (event.lane, event.coverage, event.via, event.run) == (Lane.BACKFILL, "detail", "read", None)
        assert headers["traceparent"] == TRACE

    async def test_has_a_share_of_the_day_and_goes_on_the_next_one(self, ingest: Ingest) -> None:
        await wanted(ingest, 15)
        assert len(await read_all(ingest)) == SHARE
        left = await ingest.open_requests()
        assert {row["not_before"] for row in left} == {MIDNIGHT} and len(left) == 15 - SHARE
        assert {row["attempts"] for row in left} == {0}
        ingest.clock.advance(86_400 / 2 + 10)
        assert len(await read_all(ingest)) == SHARE
        ingest.clock.advance(86_400)
        assert len(await read_all(ingest)) == 15 - 2 * SHARE
        assert await ingest.open_requests() == []

    async def test_takes_nothing_of_the_share_where_no_call_was_made(self, ingest: Ingest) -> None:
        plain = ingest.wire.answer
        later = NOW + timedelta(seconds=30)
        ingest.wire.answer = refusing(RateLimited("QUOTA_EXHAUSTED", "later", retry_at=later))
        await wanted(ingest, SHARE)
        await read_all(ingest)
        ingest.wire.answer = plain
        ingest.clock.advance(31)
        assert len(await read_all(ingest)) == SHARE

    async def test_holds_up_no_live_read(self, ingest: Ingest) -> None:
        held, answered = asyncio.Event(), ingest.wire.call

        async def call(one: Call) -> VendorAnswer:
            if one.priority == "backfill":
                await held.wait()
            return await answered(one)

        ingest.wire.call = call  # type: ignore[method-assign]
        await wanted(ingest, 60)
        stopping = asyncio.Event()
        running = asyncio.create_task(ingest.reader.run(stopping))
        await wanted(ingest, 10, lane=Lane.LIVE)
        ingest.reader.wake()
        # Longer than a lease: a turn that a busy database has sent away comes again.
        async with asyncio.timeout(60):
            while len(ingest.wire.sent) < 10:  # noqa: ASYNC110 - the wire tells nobody
                await asyncio.sleep(0.01)
        assert {event.lane for event, _ in ingest.wire.sent} == {Lane.LIVE}
        held.set()
        stopping.set()
        await asyncio.wait_for(running, 10)

    async def test_is_among_the_calls_of_the_run_that_listed_it(self, ingest: Ingest) -> None:
        run = Run(RunId("s1.backfill.7"), SyncId("s1"), "backfill")
        async with transaction(ingest.pool) as tx:
            await runs.begin(tx, [run], NOW)
        await wanted(ingest, 3, job="backfill.7")
        await read_all(ingest)
        rows: list[Any] = []
        async with transaction(ingest.pool) as tx:
            rows = await tx.fetch("select run, reason, records from flow.run_count where outcome = 'called'")
        assert [tuple(row) for row in rows] == [("s1.backfill.7", "zoho-books", 3)]

    async def test_of_a_job_without_a_run_is_counted_nowhere(self, ingest: Ingest) -> None:
        await wanted(ingest, 1, job="backfill.8")
        await read_all(ingest)
        async with transaction(ingest.pool) as tx:
            assert await tx.fetch("select * from flow.run_count") == []
