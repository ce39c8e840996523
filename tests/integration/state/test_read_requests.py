"""Reads that somebody asked for: whoever answers them and whoever asks again never wait for each other crosswise."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.state import read_requests
from common.state.pool import close_pool, open_pool, transaction
from common.state.read_requests import ReadRequest
from tests.support.database import Database

WAITS = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


def request(record: str) -> ReadRequest:
    return ReadRequest(ConnectionId("books"), Entity("customer"), RecordId(record), "tie", NOW)


async def test_an_answer_to_several_and_a_question_about_the_same_do_not_wait_for_each_other_crosswise(
    database: Database,
) -> None:
    pool = await open_pool(database.url("service"), name="reads", size=3)
    # The last comes first, as it may in a table.
    for record in ("z", "a"):
        async with transaction(pool) as tx:
            await read_requests.ask(tx, [request(record)], NOW)
    async with transaction(pool) as tx:
        token, leased = await read_requests.lease(tx, NOW, count=9, within=timedelta(minutes=1))
    answered = sorted(leased, key=lambda one: one.record, reverse=True)

    async def answer() -> list[ReadRequest]:
        async with transaction(pool) as tx:
            return await read_requests.answered(tx, token, answered)

    async with transaction(pool) as asking:
        await read_requests.ask(asking, [request("a")], NOW)
        answering = asyncio.create_task(answer())
        async with asyncio.timeout(60), transaction(pool) as looking:
            while not await looking.fetchval(WAITS):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        await read_requests.ask(asking, [request("z")], NOW)
    # Both were asked for again meanwhile, so both stand.
    assert await asyncio.wait_for(answering, 60) == []
    async with transaction(pool) as tx:
        _, again = await read_requests.lease(tx, NOW, count=9, within=timedelta(minutes=1))
    assert sorted(one.record for one in again) == ["a", "z"]
    await close_pool(pool)
