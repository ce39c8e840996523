"""What the mapper judges enters its run: each change of a day once, each record of a job once, whatever is read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.bus.batch import BatchRunner, Origin
from common.bus.record import RawRecord
from common.bus.trace import MessagingTrace
from common.contracts.ids import RunId
from common.contracts.messages import ChangeEvent
from common.contracts.syncs import MappingDefinition
from common.failures import Rejected
from common.state.pool import Pool, close_pool, open_pool, transaction
from tests.integration.mapper.test_handlers import EMAIL, NAME, NOON, Mapper, _record, configure, told
from tests.support.database import Database

DAY = "s1.live.2026-05-04"


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.owner_url, name="test owner", size=2)
    yield pool
    await close_pool(pool)


@pytest.fixture
async def mapper(database: Database, owner: Pool) -> AsyncIterator[Mapper]:
    await configure(owner, MappingDefinition(1, (EMAIL, NAME), key="email"))
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    yield Mapper(pool)
    await close_pool(pool)


async def counts(mapper: Mapper, run: str = DAY) -> dict[str, int]:
    rows = await mapper.rows(
        "select outcome, sum(records)::int as n from flow.run_count where run = $1 group by 1 having sum(records) <> 0",
        run,
    )
    return {row["outcome"]: row["n"] for row in rows}


async def remapped(mapper: Mapper) -> None:
    while await mapper.remapper.step():
        pass


def polled(second: int, record: str = "1", **fields: Any) -> ChangeEvent:
    return told(second, record, via="poll", **fields).model_copy(update={"run": RunId("poll.7")})


class TestLive:
    async def test_each_change_is_one(self, mapper: Mapper) -> None:
        for second in range(1, 5):
            await mapper.handle(told(second, email="ana@ex.org", first_name=f"Ana {second}"))
        assert await counts(mapper) == {"entered": 4, "waiting": 4}
        (row,) = await mapper.rows("select distinct run from flow.journal where step = 'mapped'")
        assert row["run"] == DAY

    async def test_what_is_read_again_three_times_counts_nothing(self, mapper: Mapper) -> None:
        events = [
            told(second, record, email=f"{record}@ex.org", first_name=str(second))
            for second in (1, 2)
            for record in "123"
        ]
        for event in events:
            await mapper.handle(event)
        before = await counts(mapper)
        for _ in range(3):
            for event in events:
                await mapper.handle(event)
            await mapper.handle(*events)
        assert await counts(mapper) == before == {"entered": 6, "waiting": 6}

    async def test_what_a_sync_does_not_map_is_unchanged(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, email="ana@ex.org", website="a"))
        await mapper.handle(told(2, email="ana@ex.org", website="b"))
        assert await counts(mapper) == {"entered": 2, "waiting": 1, "unchanged": 1}

    async def test_a_record_that_stays_filtered_is_skipped_with_its_reason_once_more(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, email=None, first_name="Ana"))
        await mapper.handle(told(2, email=None, first_name="Bea"))
        assert await counts(mapper) == {"entered": 2, "waiting": 1, "skipped": 1}
        (row,) = await mapper.rows("select reason from flow.run_record where outcome = 'skipped'")
        assert row["reason"] == "no_email"

    async def test_several_of_one_record_in_one_batch_are_one_and_superseded_ones(self, mapper: Mapper) -> None:
        await mapper.handle(*(told(n, email="ana@ex.org", first_name=f"Ana {n}") for n in range(1, 6)))
        assert await counts(mapper) == {"entered": 5, "superseded": 4, "waiting": 1}

    async def test_a_question_is_no_change_and_its_answer_is_one(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, kind="asked"))
        assert await counts(mapper) == {}
        await mapper.handle(told(3, kind="deleted", via="read"))
        assert await counts(mapper) == {"entered": 1, "unchanged": 1}

    async def test_the_next_day_is_the_next_run(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, email="ana@ex.org"))
        mapper.clock.advance(12 * 3600)
        await mapper.handle(told(2, email="bob@ex.org"))
        rows = await mapper.rows("select id, kind, sync, started_by from flow.run order by id")
        assert [tuple(row) for row in rows] == [
            (DAY, "live", "s1", "webhook"),
            ("s1.live.2026-05-05", "live", "s1", "webhook"),
        ]

    async def test_a_batch_that_is_broken_off_leaves_nothing(self, mapper: Mapper) -> None:
        from common.bus.handler import Delivered
        from common.state.pool import transaction
        from tests.integration.mapper.test_handlers import _record

        event = told(1, email="ana@ex.org")
        with pytest.raises(ZeroDivisionError):
            async with transaction(mapper.pool) as tx:
                await mapper.handler.store([Delivered(event, _record(1, event))], tx)
                raise ZeroDivisionError
        assert (await counts(mapper), await mapper.rows("select from flow.run")) == ({}, [])
        await mapper.handle(event)
        assert await counts(mapper) == {"entered": 1, "waiting": 1}


class TestJobs:
    async def test_a_version_counts_every_stored_record_once(self, mapper: Mapper, owner: Pool) -> None:
        await mapper.handle(
            told(1, "1", email="a@ex.org", first_name="Ana"), told(1, "2", email="b@ex.org"), told(1, "3", email=None)
        )
        await configure(owner, MappingDefinition(2, (EMAIL, NAME), filter="first_name != 'Ana'", key="email"))
        await remapped(mapper)
        assert await counts(mapper, "s1.v2") == {"entered": 3, "waiting": 1, "unchanged": 1, "skipped": 1}
        (row,) = await mapper.rows("select kind, mapping_version, closed_at from flow.run where id = 's1.v2'")
        assert (row["kind"], row["mapping_version"], row["closed_at"]) == ("remap", 2, NOON)
        await remapped(mapper)
        assert (await counts(mapper, "s1.v2"))["entered"] == 3

    async def test_a_poll_counts_each_record_that_it_read_once(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, "1", email="a@ex.org"), told(1, "2", email="b@ex.org"))
        read = [polled(1, "1", email="a@ex.org"), polled(2, "2", email="c@ex.org"), polled(1, "3", email="d@ex.org")]
        for _ in range(3):
            await mapper.handle(*read)
        assert await counts(mapper, "s1.poll.7") == {"entered": 3, "waiting": 2, "unchanged": 1}
        assert await counts(mapper) == {"entered": 2, "waiting": 2}
        (row,) = await mapper.rows("select kind, started_by from flow.run where id = 's1.poll.7'")
        assert tuple(row) == ("poll", "schedule")

    async def test_what_was_left_alone_or_failed_before_counts_so_again(self, mapper: Mapper, owner: Pool) -> None:
        read = [polled(1, record, email=f"{record}@ex.org") for record in "1234"]
        await mapper.handle(*[event.model_copy(update={"run": RunId("backfill.6")}) for event in read])
        ended = {"1": ("done", "skipped", "shares_target", ""), "2": ("dead", "failed", "", "MC_INVALID"),
                 "3": ("done", "added", "", ""), "4": ("ready", "", "", "")}  # fmt: skip
        for record, (state, outcome, reason, code) in ended.items():
            await owner.execute(
                """insert into flow.work_item (sync, entity, record, source, connection, revision, wish, document, mapping_version, target_entity,
                                               lane, priority, happened_at, state, due_at, outcome, reason, code, received_at, changed_at)
                   values ('s1', 'customer', $1, 'books', 'chimp', 1, 'present', '{}', 1, 'member', 'backfill', 0, $2, $3, $2, $4, $5, $6, $2, $2)""",
                record, NOON, state, outcome, reason, code,
            )  # fmt: skip
        await mapper.handle(*read)
        assert await counts(mapper, "s1.poll.7") == {"entered": 4, "skipped": 1, "failed": 1, "unchanged": 2}
        rows = await mapper.rows(
            "select record, outcome, reason from flow.run_record where run = 's1.poll.7' order by record limit 2"
        )
        assert [tuple(row) for row in rows] == [("1", "skipped", "shares_target"), ("2", "failed", "MC_INVALID")]

    async def test_a_dead_letter_is_a_record_that_failed(self, mapper: Mapper) -> None:
        await mapper.handle(polled(1, "1", email="ana@ex.org"))
        lost = Rejected("HANDLER_BUG", "It broke us.")
        letters = [(_record(n, polled(1, r, email="x@ex.org")), lost) for n, r in enumerate(("1", "2", "3"))]
        rubbish = RawRecord("changes.zoho-books", 0, 9, NOON, b"k", b"\x00{", ())
        for _ in range(2):
            async with transaction(mapper.pool) as tx:
                await mapper.handler.buried([*letters, (rubbish, lost)], tx)
        assert await counts(mapper, "s1.poll.7") == {"entered": 3, "failed": 2, "waiting": 1}
        rows = await mapper.rows("select record, reason from flow.run_record where outcome = 'failed' order by 1")
        assert [tuple(row) for row in rows] == [("2", "HANDLER_BUG"), ("3", "HANDLER_BUG")]

    async def test_a_dead_letter_of_a_live_change_is_in_no_run(self, mapper: Mapper) -> None:
        async with transaction(mapper.pool) as tx:
            await mapper.handler.buried([(_record(0, told(1, email="a@ex.org")), Rejected("HANDLER_BUG", "x"))], tx)
        assert await mapper.rows("select * from flow.run") == []

    async def test_one_that_breaks_our_code_fails_in_the_run_that_read_it(self, mapper: Mapper) -> None:
        handler, store = mapper.handler, mapper.handler.store

        async def breaks(batch: Any, tx: Any) -> None:
            if any(item.message.record == "2" for item in batch):
                raise ValueError("this one breaks us")
            await store(batch, tx)

        handler.store = breaks  # type: ignore[method-assign]
        runner = BatchRunner(
            handler, mapper.pool, Origin("mapper", "0", "map"), now=mapper.clock.now, trace=MessagingTrace(), on_letters=lambda _: None
        )  # fmt: skip
        await runner.run([_record(n, polled(1, str(n), email=f"a{n}@ex.org")) for n in range(4)])
        assert await counts(mapper, "s1.poll.7") == {"entered": 4, "failed": 1, "waiting": 3}
        assert len(await mapper.rows("select * from flow.dead_letter")) == 1

    async def test_what_changes_while_a_poll_goes_on_is_a_live_change(self, mapper: Mapper) -> None:
        await mapper.handle(polled(1, email="a@ex.org"))
        await mapper.handle(polled(2, email="b@ex.org"))
        await mapper.handle(polled(3, email="c@ex.org"), told(4, email="d@ex.org"))
        assert await counts(mapper, "s1.poll.7") == {"entered": 1, "waiting": 1}
        assert await counts(mapper) == {"entered": 2, "waiting": 2}

    async def test_every_record_is_in_one_run_whatever_comes(self, mapper: Mapper) -> None:
        await mapper.handle(*(told(n % 3 + 1, str(n % 7), email=f"{n}@ex.org") for n in range(40)))
        await mapper.handle(*(polled(5, str(n % 5), email=f"{n}@ex.org") for n in range(20)))
        rows = await mapper.rows("select run, outcome, sum(records)::int as n from flow.run_count group by 1, 2")
        sums = Counter[str]()
        for row in rows:
            sums[row["run"]] += row["n"] if row["outcome"] != "entered" else -row["n"]
        assert sums == {DAY: 0, "s1.poll.7": 0}
