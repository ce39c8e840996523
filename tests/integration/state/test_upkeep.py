"""Nothing grows without bound, and nothing that a promise needs is ever taken away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import asyncpg
import pytest
import structlog

from common import failpoints
from common.clock import Clock, FixedClock
from common.loops import Loop
from common.metrics import Metrics
from common.retention import Retention
from common.state import upkeep as module
from common.state.pool import Pool, close_pool, open_pool
from common.state.retention import KEEPERS, Keeper, Service
from common.state.upkeep import LOOK_EVERY_S, LastRun, Upkeep, last_runs
from tests.support.database import Database
from tests.support.legs import ONE_LEG

# The functions that take the journal away believe the database's clock too, so the test lives in the present.
NOW = datetime.now(UTC).replace(hour=12)
OLD, YOUNG = NOW - timedelta(days=500), NOW - timedelta(days=20)
LONG_GONE, LONG_AGO = NOW - timedelta(days=50), NOW - timedelta(days=100)
RETENTION = Retention()


class Broken(Exception):
    """What the failpoint raises."""


@dataclass
class Place:
    """A database with the pools of its roles and an owner's link."""

    owner: asyncpg.Connection[Any]
    pools: dict[str, Pool]
    clock: FixedClock

    def upkeep(self, by: Service = "mapper", chunk: int = 1000) -> Upkeep:
        metrics, log = Metrics(), structlog.get_logger()
        return Upkeep(self.pools[by], cast(Clock, self.clock), RETENTION, metrics, log, by=by, chunk=chunk)

    async def tidy(self, by: Service = "mapper", chunk: int = 1000) -> None:
        await self.upkeep(by, chunk).look(asyncio.Event())

    async def count(self, table: str) -> int:
        return int(await self.owner.fetchval(f"select count(*) from {table}"))

    async def run_of(self, table: str) -> LastRun:
        return next(run for run in await last_runs(self.pools["console"]) if run.table == table)


@pytest.fixture
async def place(database: Database) -> AsyncIterator[Place]:
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(
        """insert into core.connection (id, vendor, name, state, created_at, updated_at)
           values ('here', 'mailchimp', 'here', 'active', now(), now()), ('gone', 'mailchimp', 'gone', 'deleted', now(), now())"""
    )
    pools = {
        by: await open_pool(database.url(role), name=by, size=2)
        for by, role in (("mapper", "service"), ("console", "console"))
    }  # type: ignore[arg-type]
    yield Place(owner, pools, FixedClock(NOW))
    for pool in pools.values():
        await close_pool(pool)
    await owner.close()


async def add_intent(place: Place, number: int, state: str, closed_at: datetime | None) -> None:
    await place.owner.execute(
        """insert into flow.write_intent (attempt, sync, entity, record, connection, place, target_key, revision, mapping_version, action,
               sent, before, body_hash, state, sent_at, hold_until, closed_at, account, target_entity)
           values ($1, 's', 'customer', $1, 'here', 'p', 'k', 1, 1, 'create', '{}', '{}', '', $2, $3, $3, $4, 'here', 'member')""",
        str(number), state, closed_at or OLD, closed_at,
    )  # fmt: skip


async def add_letter(place: Place, number: int, state: str, closed_at: datetime | None) -> None:
    await place.owner.execute(
        """insert into flow.dead_letter (err_group, err_topic, err_partition, err_offset, err_service, err_version, err_stage, err_code,
               err_class, err_message, err_first_at, err_last_at, header_names, header_values, recorded_at, state, closed_at)
           values ('g', 't', 0, $1, 's', 'v', 'map', 'C', 'BUG', 'm', $4, $4, '{}', '{}', $4, $2, $3)""",
        number, state, closed_at, OLD,
    )  # fmt: skip


async def add_deferred(place: Place, connection: str, ends_at: datetime) -> None:
    await place.owner.execute(
        """insert into flow.deferred_call (attempt, connection, place, target_entity, size, sent_at, arrives_until, ends_at, poll_at)
           values ($1, $2, 'l', 'member', 200, $3, $3, $3, $3)""",
        f"{connection}{ends_at}", connection, ends_at,
    )  # fmt: skip


async def add_audit(place: Place, connection: str, due_at: datetime) -> None:
    await place.owner.execute(
        """insert into flow.audit (connection, place, key, sync, entity, record, due_at, account, target_entity)
           values ($1, 'p', $2, 's', 'customer', '1', $3, $1, 'member')""",
        connection, due_at.isoformat(), due_at,
    )  # fmt: skip


async def add_read(place: Place, connection: str, due_at: datetime) -> None:
    await place.owner.execute(
        """insert into flow.read_request (connection, entity, record, reason, not_before, asked_at)
           values ($1, 'customer', $2, 'r', $3, $3)""",
        connection, due_at.isoformat(), due_at,
    )  # fmt: skip


async def add_notification(place: Place, kind: str, resolved: datetime | None, read: datetime | None) -> None:
    await place.owner.execute(
        "insert into core.notification (at, connection, kind, message, resolved_at, read_at) values ($1, 'here', $2, 'm', $3, $4)",
        OLD, kind, resolved, read,
    )  # fmt: skip


async def add_journal(place: Place, at: datetime, rows: int = 1) -> None:
    await place.owner.execute(
        "insert into flow.journal (at, step, record) select $1, 'received', n::text from generate_series(1, $2::integer) n",
        at, rows,
    )  # fmt: skip


class TestWhatGoes:
    async def test_closed_intents_and_never_open_ones(self, place: Place) -> None:
        for number, (state, closed) in enumerate(
            [("settled", LONG_GONE), ("answered", LONG_GONE), ("settled", YOUNG), ("sent", None)]
        ):
            await add_intent(place, number, state, closed)
        await place.tidy()
        left = await place.owner.fetch("select attempt from flow.write_intent order by 1")
        assert [row[0] for row in left] == ["2", "3"]

    async def test_closed_letters_and_never_open_ones(self, place: Place) -> None:
        for number, (state, closed) in enumerate(
            [("retried", LONG_AGO), ("discarded", LONG_AGO), ("retried", YOUNG), ("open", None)]
        ):
            await add_letter(place, number, state, closed)
        await place.tidy()
        left = await place.owner.fetch("select err_offset from flow.dead_letter order by 1")
        assert [row[0] for row in left] == [2, 3]

    async def test_looks_and_reads_of_deleted_connections_and_of_no_other(self, place: Place) -> None:
        for connection in ("here", "gone", "unknown"):
            for at in (OLD, YOUNG):
                await add_audit(place, connection, at)
                await add_deferred(place, connection, at)
                await add_read(place, connection, at)
        await place.tidy()
        for table in ("flow.audit", "flow.deferred_call", "flow.read_request"):
            left = await place.owner.fetch(f"select connection, count(*) as n from {table} group by 1 order by 1")
            assert [tuple(row) for row in left] == [("gone", 1), ("here", 2), ("unknown", 1)], table

    async def test_old_webhooks_of_the_quarantine_and_quotas_of_nobody(self, place: Place) -> None:
        for at in (LONG_GONE, YOUNG):
            await place.owner.execute(
                "insert into flow.quarantine (connection, vendor, received_at, reason, query, headers, body, size) values ('here', 'v', $1, 'r', '', '{}', '', 0)",
                at,
            )
            await place.owner.execute("insert into flow.budget_day values ($1, $2, 1)", f"l{at}", at.date())
            await place.owner.execute(
                "insert into flow.budget_window (limit_id, active_until) values ($1, $2)", f"l{at}", at
            )
        await place.tidy()
        for table in ("flow.quarantine", "flow.budget_day", "flow.budget_window"):
            assert await place.count(table) == 1, table

    async def test_jobs_of_replaced_versions_and_not_the_last_one(self, place: Place) -> None:
        await place.owner.execute(
            """insert into core.sync (id, name, template, source_connection, target_connection, mapping_version, created_at, updated_at)
               values ('s', 's', 't', 'here', 'here', 3, now(), now())"""
        )
        await place.owner.execute(ONE_LEG, "")
        for version in (1, 2, 3):
            at = YOUNG if version == 2 else OLD
            await place.owner.execute(
                "insert into flow.remap (sync, leg, mapping_version, started_at, finished_at) values ('s', 'customer', $1, $2, $2)",
                version,
                at,
            )
        await place.tidy()
        left = await place.owner.fetch("select mapping_version from flow.remap order by 1")
        assert [row[0] for row in left] == [2, 3]

    async def test_notifications_that_are_over_and_answers_of_yesterday(self, place: Place) -> None:
        for kind, resolved, read in (
            ("gate.paused", LONG_AGO, None), ("news", None, LONG_AGO), ("gate.paused", None, LONG_AGO), ("gate.paused", None, None),
            ("news", None, YOUNG), ("news", None, None), ("gate.paused", YOUNG, LONG_AGO),
        ):  # fmt: skip
            await add_notification(place, kind, resolved, read)
        await place.owner.execute(
            "insert into core.idempotency (key, fingerprint, made_at, lease_until) values ('a', 'f', $1, $1), ('b', 'f', $2, $2)",
            NOW - timedelta(hours=25), NOW - timedelta(hours=23),
        )  # fmt: skip
        await place.tidy("console")
        assert await place.count("core.notification") == 5
        assert [row[0] for row in await place.owner.fetch("select key from core.idempotency")] == ["b"]

    async def test_old_runs_with_their_records_and_counts(self, place: Place) -> None:
        for run, at in (("s1.old", OLD), ("s1.young", YOUNG)):
            await place.owner.execute(
                "insert into flow.run (id, sync, kind, started_at) values ($1, 's1', 'live', $2)", run, at
            )
            await place.owner.execute(
                """insert into flow.run_record (sync, entity, record, revision, run, outcome, entered_at)
                   select 's1', 'customer', $1 || n, 1, $1, 'added', $2 from generate_series(1, 25) n""",
                run, at,
            )  # fmt: skip
        await place.tidy("mapper", chunk=10)
        for table in ("flow.run", "flow.run_count"):
            assert await place.count(table) == 1, table
        assert await place.owner.fetchval("select count(*) from flow.run_record where run = 's1.young'") == 25
        assert await place.count("flow.run_record") == 25

    async def test_whole_months_of_the_journal_and_old_rows_of_the_catch_all(self, place: Place) -> None:
        first_kept = (NOW - timedelta(days=400)).replace(day=1)
        for month in (first_kept - timedelta(days=45), first_kept - timedelta(days=1), first_kept):
            await place.owner.execute("select flow.make_journal_month($1)", month)
            await add_journal(place, month)
        await add_journal(place, OLD - timedelta(days=200), 2500)
        await add_journal(place, NOW - timedelta(days=390))
        await place.tidy()
        assert await place.count("flow.journal") == 2
        assert (await place.run_of("flow.journal")).removed == 2
        assert (await place.run_of("flow.journal_other")).removed == 2500

    async def test_a_clock_that_went_mad_empties_no_journal(self, place: Place) -> None:
        await add_journal(place, NOW - timedelta(days=20))
        await add_journal(place, NOW)
        place.clock.set(NOW + timedelta(days=5000))
        await place.tidy()
        assert await place.count("flow.journal") == 2

    @pytest.mark.parametrize("keeper", [one for one in KEEPERS if one.statement], ids=lambda keeper: keeper.table)
    async def test_each_statement_may_be_run_by_its_service(self, place: Place, keeper: Keeper) -> None:
        async with place.pools[keeper.by].acquire() as link:
            assert await link.fetchval(keeper.statement, OLD, 10) == 0


class TestHow:
    async def test_nightly_and_at_once_after_weeks_off(self, place: Place) -> None:
        await place.tidy()
        first = (await place.run_of("flow.dead_letter")).began_at
        for hours, began in ((1, False), (14, False), (15.1, True), (16, False), (24 * 30, True)):
            place.clock.set(NOW + timedelta(hours=hours))
            await place.tidy()
            assert ((await place.run_of("flow.dead_letter")).began_at != first) is began, hours
            first = (await place.run_of("flow.dead_letter")).began_at

    async def test_in_chunks_each_with_its_own_transaction(self, place: Place) -> None:
        for number in range(25):
            await add_letter(place, number, "discarded", LONG_AGO)
        steps: list[int] = []
        upkeep = place.upkeep(chunk=10)
        step = upkeep._step

        async def counted(*given: Any) -> int | None:
            gone = await step(*given)
            if given[0].table == "flow.dead_letter":
                steps.append(await place.count("flow.dead_letter"))
            return gone

        upkeep._step = counted  # type: ignore[method-assign]
        await upkeep.look(asyncio.Event())
        assert steps == [15, 5, 0, 0]

    async def test_one_replica_at_a_time(self, place: Place) -> None:
        for number in range(40):
            await add_letter(place, number, "discarded", LONG_AGO)
        await asyncio.gather(*(place.tidy(chunk=5) for _ in range(2)))
        run = await place.run_of("flow.dead_letter")
        assert (run.removed, run.running, run.message) == (40, False, "")

    async def test_a_crash_between_two_chunks_is_gone_on_with(self, place: Place) -> None:
        for number in range(30):
            await add_letter(place, number, "discarded", LONG_AGO)
        with failpoints.armed("upkeep.after_chunk=raise:RuntimeError*1"), pytest.raises(RuntimeError):
            await place.tidy(chunk=10)
        assert await place.count("flow.dead_letter") == 20
        assert (await place.run_of("flow.dead_letter")).running
        await place.tidy(chunk=10)
        assert await place.count("flow.dead_letter") == 20, "the lease of the dead one still runs"
        await place.owner.execute("update flow.upkeep set lease_until = clock_timestamp() - interval '1 second'")
        await place.tidy(chunk=10)
        assert await place.count("flow.dead_letter") == 0
        assert (await place.run_of("flow.dead_letter")).ended_at is not None

    async def test_a_stop_gives_the_lease_back(self, place: Place) -> None:
        for number in range(30):
            await add_letter(place, number, "discarded", LONG_AGO)
        stopping = asyncio.Event()
        upkeep = place.upkeep(chunk=10)
        told = upkeep._told

        def stop_after_one(*given: Any) -> None:
            told(*given)
            stopping.set()

        upkeep._told = stop_after_one  # type: ignore[method-assign]
        await upkeep.look(stopping)
        assert await place.count("flow.dead_letter") == 20
        await place.tidy(chunk=10)
        assert await place.count("flow.dead_letter") == 0

    async def test_our_own_fault_on_one_table_is_shown_and_the_others_are_tidied(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bad = Keeper(
            "flow.audit",
            "w",
            "leftover_days",
            "mapper",
            "select 1 / ($2::integer - $2::integer) where $1::timestamptz is not null",
        )
        monkeypatch.setattr(module, "KEEPERS", (bad, *(one for one in KEEPERS if one.table != "flow.audit")))
        await add_letter(place, 1, "discarded", LONG_AGO)
        await place.tidy()
        assert "division by zero" in (await place.run_of("flow.audit")).message
        assert await place.count("flow.dead_letter") == 0

    async def test_a_missing_table_is_not_waited_for(self, place: Place) -> None:
        await place.owner.execute("alter table flow.quarantine rename to other")
        stopping = asyncio.Event()
        with pytest.raises(asyncpg.UndefinedTableError):
            await asyncio.wait_for(
                Loop("upkeep", LOOK_EVERY_S, partial(place.upkeep().look, stopping)).run(stopping), 60
            )
