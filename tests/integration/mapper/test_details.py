"""Records of which a listing tells less than a mapping reads, through the mapper's own transaction on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from common.contracts.ids import ConnectionId, Entity, RecordId, RunId
from common.contracts.messages import ChangeEvent, Lane, Version
from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from common.state import read_requests
from common.state.pool import Pool, close_pool, open_pool, transaction
from common.state.read_requests import UNCOVERED, ReadRequest
from mapper.remap import PAGE
from tests.integration.mapper.test_handlers import EMAIL, NAME, NOON, Mapper, configure, told
from tests.support.database import Database
from tests.support.statements import CountedPool

ADDRESS = MappingRow("merge.ADDRESS", "billing")
SEGMENT = MappingRow("tags", "custom.cf_segment", (Transform("tag", {"prefix": "segment: "}),))
BERN = {"street": "Gasse 1", "city": "Bern", "state": "BE", "zip": "3000"}


def definition(*rows: MappingRow, version: int = 1, **more: Any) -> MappingDefinition:
    return MappingDefinition(version, (EMAIL, *rows), key="email", **more)


def listed(second: int, record: str = "1", *, run: str = "backfill.1", **fields: Any) -> ChangeEvent:
    lane = Lane.LIVE if run.startswith("poll") else Lane.BACKFILL
    event = told(second, record, via="backfill", email=f"{record}@ex.org", **fields)
    settled = Version(stamp=event.version.stamp, settled=True)
    return event.model_copy(update={"coverage": "list", "run": RunId(run), "lane": lane, "version": settled})


def read(second: int, record: str = "1", **fields: Any) -> ChangeEvent:
    return told(second, record, via="read", email=f"{record}@ex.org", **fields)


def hooked(second: int, record: str = "1", **fields: Any) -> ChangeEvent:
    return told(second, record, email=f"{record}@ex.org", **fields).model_copy(update={"coverage": "hook"})


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.owner_url, name="test owner", size=2)
    yield pool
    await close_pool(pool)


@pytest.fixture
async def mapper(database: Database, owner: Pool) -> AsyncIterator[Mapper]:
    await configure(owner, definition(NAME, ADDRESS, SEGMENT))
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    yield Mapper(pool)
    await close_pool(pool)


async def asked(mapper: Mapper) -> list[tuple[Any, ...]]:
    rows = await mapper.rows(
        "select record, reason, lane, job, asked, not_before from flow.read_request order by record"
    )
    return [tuple(row) for row in rows]


class TestARecordThatAListingTellsOf:
    async def test_is_written_with_what_is_known_and_its_detail_is_asked_for(self, mapper: Mapper) -> None:
        (command,) = await mapper.handle(listed(1, first_name="Ana"))
        assert command.document == {"email": "1@ex.org", "merge.FNAME": "Ana", "tags": [], "partly": ["tags"]}
        assert await asked(mapper) == [("1", UNCOVERED, "backfill", "backfill.1", 1, NOON)]

    async def test_by_a_look_at_changes_is_asked_for_like_any_live_change(self, mapper: Mapper) -> None:
        await mapper.handle(listed(1, run="poll.2"))
        assert [one[2:4] for one in await asked(mapper)] == [("live", "poll.2")]

    async def test_is_asked_for_once_a_version(self, mapper: Mapper) -> None:
        await mapper.handle(listed(1))
        await mapper.handle(listed(1, run="full.2"), listed(1, run="full.2"))
        assert [one[3:5] for one in await asked(mapper)] == [("backfill.1", 1)]
        await mapper.handle(listed(2, run="full.3"))
        assert [one[3:5] for one in await asked(mapper)] == [("full.3", 2)]

    async def test_is_not_asked_for_when_its_detail_is_as_new(self, mapper: Mapper) -> None:
        await mapper.handle(read(3))
        await mapper.handle(listed(3), listed(2))
        assert await asked(mapper) == []
        await mapper.handle(listed(4))
        assert len(await asked(mapper)) == 1

    async def test_is_not_asked_for_when_a_webhook_has_told_all_of_it(self, mapper: Mapper) -> None:
        await mapper.handle(hooked(1, billing=BERN, custom={}))
        await mapper.handle(listed(1))
        assert await asked(mapper) == []

    async def test_is_not_asked_for_where_nobody_reads_more_than_a_list_has(self, mapper: Mapper, owner: Pool) -> None:
        await configure(owner, definition(NAME, version=2))
        await mapper.handle(*(listed(1, str(n)) for n in range(20)))
        assert await asked(mapper) == []

    async def test_keeps_at_the_target_what_the_list_does_not_tell(self, mapper: Mapper) -> None:
        await mapper.handle(read(1, first_name="Ana", billing=BERN, custom={"cf_segment": "retail"}))
        (command,) = await mapper.handle(listed(2, first_name="Anna", custom={"cf_other": "x"}))
        assert command.document["merge.ADDRESS"] == BERN and command.document["tags"] == ["segment: retail"]
        assert command.document["merge.FNAME"] == "Anna" and len(await asked(mapper)) == 1

    async def test_has_no_address_only_when_its_detail_says_so(self, mapper: Mapper) -> None:
        await mapper.handle(listed(1))
        (command,) = await mapper.handle(read(1, billing={"street": None, "city": None}))
        assert command.document == {"email": "1@ex.org", "merge.ADDRESS": None, "tags": []}

    async def test_that_a_filter_cannot_judge_yet_stays_as_it_is(self, mapper: Mapper, owner: Pool) -> None:
        more: Any = {"filter": "custom.cf_segment == 'retail'", "on_filtered": "archive", "version": 2}
        await configure(owner, definition(NAME, **more))
        (command,) = await mapper.handle(listed(1))
        assert (command.wish, command.skip) == ("keep", "detail_awaited")
        (command,) = await mapper.handle(read(1, custom={"cf_segment": "retail"}))
        assert command.wish == "present"

    async def test_has_its_end_in_its_run_whatever_is_still_awaited(self, mapper: Mapper) -> None:
        await mapper.handle(listed(1))
        await mapper.handle(read(1, billing=BERN))
        rows = await mapper.rows("select run, revision from flow.run_record order by revision")
        assert [tuple(row) for row in rows] == [("s1.backfill.1", 1), ("s1.live.2026-05-04", 2)]

    async def test_costs_no_statement_for_each_record(self, mapper: Mapper) -> None:
        await mapper.handle(listed(1, "first"))
        mapper.pool = counted = CountedPool(mapper.pool)
        await mapper.handle(*(listed(1, str(n)) for n in range(40)), publish=False)
        few, counted.statements = len(counted.statements), []
        await mapper.handle(*(listed(1, f"x{n}") for n in range(400)), publish=False)
        assert len(counted.statements) == few and len(await asked(mapper)) == 441


class TestAVersionThatBeginsToReadMore:
    async def test_asks_for_the_records_that_are_known(self, mapper: Mapper, owner: Pool) -> None:
        await configure(owner, definition(NAME, version=2))
        while await mapper.remapper.step():
            pass
        await mapper.handle(*(listed(1, f"{n:04}") for n in range(PAGE + 2)), read(1, "whole", billing=BERN))
        assert await asked(mapper) == []
        await configure(owner, definition(NAME, ADDRESS, version=3))
        while await mapper.remapper.step():
            pass
        found = await asked(mapper)
        assert len(found) == PAGE + 2 and {one[1:4] for one in found} == {(UNCOVERED, "backfill", "v3")}


class TestARequest:
    """Of a record that two want to be read, for different reasons."""

    async def ask(self, mapper: Mapper, request: ReadRequest) -> Any:
        async with transaction(mapper.pool) as tx:
            await read_requests.ask(tx, [request], NOON)
        (row,) = await mapper.rows("select * from flow.read_request")
        return row

    async def test_of_a_live_change_overtakes_one_of_a_backfill(self, mapper: Mapper) -> None:
        ids = (ConnectionId("books"), Entity("customer"), RecordId("1"))
        wide = ReadRequest(*ids, UNCOVERED, NOON + timedelta(days=1), lane=Lane.BACKFILL, version="7.1", job="full.1")
        await self.ask(mapper, wide)
        row = await self.ask(mapper, ReadRequest(*ids, "unsettled", NOON + timedelta(seconds=3)))
        assert (row["reason"], row["lane"], row["asked"]) == ("unsettled", "live", 2)
        assert row["not_before"] == NOON + timedelta(seconds=3)

    async def test_of_a_backfill_changes_nothing_of_a_live_one(self, mapper: Mapper) -> None:
        ids = (ConnectionId("books"), Entity("customer"), RecordId("1"))
        before = await self.ask(mapper, ReadRequest(*ids, "unsettled", NOON + timedelta(seconds=3)))
        wide = ReadRequest(*ids, UNCOVERED, NOON, lane=Lane.BACKFILL, version="7.1", job="full.1")
        row = await self.ask(mapper, wide)
        assert (row["reason"], row["lane"], row["not_before"]) == ("unsettled", "live", before["not_before"])
        assert (await self.ask(mapper, replace(wide, version="7.1")))["asked"] == row["asked"]
