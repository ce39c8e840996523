"""A database as it is after years: a thousand connections, records and work items by the hundred thousand, a journal of millions; made by SQL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import asyncpg

from tests.support.database import Database
from tests.support.legs import ONE_LEG

CONNECTIONS, LETTERS = 1000, 50_000
# The plans are those of a million and of ten million, which `make test-long` makes.
RECORDS = int(os.environ.get("SCALE_RECORDS", "400000"))
JOURNAL = int(os.environ.get("SCALE_JOURNAL", "1600000"))
# One sync of the five hundred has half of everything: the largest customer.
SYNCS = CONNECTIONS // 2
MONTHS = 4
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
BIG = (
    "work_item",
    "wanted",
    "record_state",
    "pair_question",
    "pair",
    "target_owner",
    "journal",
    "dead_letter",
    "run_record",
)

# n is the record: which sync it belongs to, and what became of it.
_SYNC = "case when n % 2 = 0 then 's0' else 's' || (n % 499 + 1) end"
_SOURCE = "case when n % 2 = 0 then 'a0' else 'a' || (n % 499 + 1) end"
_ACCOUNT = "case when n % 2 = 0 then 'b0' else 'b' || (n % 499 + 1) end"
_KEY = f"{_SYNC}, 'customer', 'r' || n"
# A document names the member that it becomes: whoever claims it leases the key that it names.
_DOCUMENT = "jsonb_build_object('email', 'p' || n || '@ex.org')"
_ALL = f"generate_series(1, {RECORDS}) as n"
# A quarter of the largest sync's records came with its first version, the others on ninety days.
_RUN = f"case when n % 4 = 0 then 's0.v1' else {_SYNC} || '.live.' || (date '2026-01-01' + n / 4 % 90) end"
# A fifth waits, a tenth needs a person, the others are done.
_STATE = "(array['ready','waiting','dead','parked','done','done','done','done','done','done'])[n / 2 % 10 + 1]"

CONFIGURATION = (
    f"""insert into core.connection (id, vendor, name, state, created_at, updated_at)
        select x || n, case x when 'a' then 'zoho-books' else 'mailchimp' end, x || n, 'active', now(), now()
          from generate_series(0, {SYNCS - 1}) as n, unnest(array['a', 'b']) as x""",
    f"""insert into core.sync (id, name, template, source_connection, target_connection, state, mapping_version, created_at, updated_at)
        select 's' || n, 'sync ' || to_char(n, '0000'), 'zoho-books-to-mailchimp', 'a' || n, 'b' || n,
               case when n % 10 = 9 then 'disabled' else 'active' end, 1, now() - interval '200 days', now() from generate_series(0, {SYNCS - 1}) as n""",
    ONE_LEG.replace("$1", "'list'"),
)

RECORD_TABLES = (
    f"""insert into flow.record_state (connection, entity, record, fields, sequence, first_at, changed_at)
        select {_SOURCE}, 'customer', 'r' || n, jsonb_build_object('email', 'p' || n || '@ex.org', 'first_name', 'Person ' || n),
               '2026-01-01', now(), now() from {_ALL}""",
    f"""insert into flow.wanted (sync, entity, record, connection, revision, published_revision, wish, document, content, mapping_version,
                                 lane, happened_at, changed_at)
        select {_KEY}, {_SOURCE}, 2, case when n % 7 < 2 then 1 else 2 end, 'present', {_DOCUMENT}, md5(n::text), 1, 'live', now(),
               now() - n * interval '1 second' from {_ALL}""",
    f"""insert into flow.work_item (sync, entity, record, source, connection, place, revision, wish, document, mapping_version, target_key,
                                    target_entity, lane, priority, happened_at, state, due_at, code, kind, received_at, changed_at,
                                    failed_first_at, failed_last_at)
        select {_KEY}, {_SOURCE}, {_ACCOUNT}, 'list', 2, 'present', {_DOCUMENT}, 1, 'p' || n || '@ex.org', 'member', 'live', 0, now(),
               {_STATE}, now() - n * interval '1 second', 'MC_' || (n % 5), 'REJECTED', now() - n * interval '1 second', now(),
               now(), now() - n * interval '1 second' from {_ALL}""",
    f"""insert into flow.pair (left_account, left_entity, left_id, right_account, right_place, right_entity, right_key, right_id, state, since, changed_at)
        select {_SOURCE}, 'customer', 'r' || n, {_ACCOUNT}, 'list', 'member', 'p' || n || '@ex.org', md5('p' || n || '@ex.org'), case when n % 997 = 1 then 'ended_left' else 'linked' end,
               now(), now() from {_ALL}""",
    """insert into flow.pair_question (pair, field, kind, left_value, right_value, asked_at)
        select id, 'email', 'differs', '"a"', '"b"', now() - id * interval '1 second' from flow.pair where id % 50 = 0""",
    f"""insert into flow.target_owner (account, place, key, sync, entity, record, standing, since, target_entity, source_account)
        select {_ACCOUNT}, 'list', 'p' || n || '@ex.org', {_KEY}, 'live', now(), 'member', {_SOURCE} from {_ALL}""",
    f"""insert into flow.run (id, sync, kind, started_at)
        select distinct {_RUN}, {_SYNC}, case when n % 4 = 0 then 'first' else 'live' end,
               now() - interval '90 days' + (case when n % 4 = 0 then -1 else n / 4 % 90 end) * interval '1 day' from {_ALL}""",
    f"""insert into flow.run_record (sync, entity, record, revision, run, outcome, reason, entered_at, ended_at)
        select {_KEY}, 2, {_RUN}, o.outcome, case o.outcome when 'skipped' then 'no_email' when 'failed' then 'MC_1' else '' end,
               now() - interval '1 day', case when o.outcome <> 'waiting' then now() end
          from {_ALL} cross join lateral (select case {_STATE} when 'done' then (array['added', 'updated', 'unchanged', 'skipped'])[n / 20 % 4 + 1]
               when 'dead' then 'failed' when 'parked' then 'failed' else 'waiting' end) as o(outcome)""",
    """insert into flow.run_count (run, slot, outcome, reason, records)
        select r.run, 0, 'entered', '', count(*) from flow.run_record r group by r.run""",
    f"""insert into flow.dead_letter (err_group, err_topic, err_partition, err_offset, err_service, err_version, err_stage, err_code, err_class,
                                      err_message, err_first_at, err_last_at, record_key, record_value, header_names, header_values, recorded_at)
        select 'mapper', 'changes.zoho-books', 0, n, 'mapper', '1', 'map', 'BUG_' || (n % 7), 'BUG', 'it broke', now(), now() - n * interval '1 s',
               convert_to('a0:customer:r' || n, 'UTF8'), '\\x00', '{{}}', '{{}}', now() from generate_series(1, {LETTERS}) as n""",
)

_ROWS = JOURNAL // MONTHS


def _month(back: int) -> tuple[str, str]:
    """The table of a month and how it is filled: without indexes first, which are then built in one go."""
    name = "journal_{:%Y_%m}"
    year, month = divmod(NOW.year * 12 + NOW.month - 1 - back, 12)
    first = datetime(year, month + 1, 1, tzinfo=UTC)
    table = name.format(first)
    # A few are what targets told of their own records.
    theirs = "n % 100 in (6, 7)"
    fill = f"""
        insert into flow.{table} (id, at, step, sync, connection, entity, record, event_id, revision, attempt, trace_id, target_key)
        select {back * _ROWS} + n, timestamptz '{first.isoformat()}' + n * interval '1 second',
               case when {theirs} then 'consent' else (array['received', 'mapped', 'applied', 'unchanged'])[n / 2 % 4 + 1] end,
               case when {theirs} or n / 2 % 4 = 0 then '' else {_SYNC} end, case when {theirs} then {_ACCOUNT} else {_SOURCE} end,
               case when {theirs} then 'member' else 'customer' end, case when {theirs} then '' else 'r' || (n % {RECORDS}) end,
               case when n % 3 = 0 then '' else 'e' || n end, n,
               case when n / 2 % 4 = 2 then 'at' || n else '' end,
               case when n % 5 = 0 then md5(n::text) else '' end,
               case when {theirs} or n / 2 % 4 = 2 then 'p' || (n % {RECORDS}) || '@ex.org' else '' end
          from generate_series(1, {_ROWS}) as n"""
    return table, fill


async def fill(database: Database) -> None:
    """All of it; two connections at a time, without a log that nobody would read."""
    async with asyncio.timeout(280):
        await _run(database, CONFIGURATION)
        # What refers to a table has to be unlogged before it.
        unlogged = [f"alter table flow.{table} set unlogged" for table in BIG if table != "journal"]
        await _run(database, unlogged)
        indexes = await _without_indexes(database)
        months = [_of_month(*_month(back)) for back in range(MONTHS)]
        half = len(months) // 2
        await asyncio.gather(
            _run(database, [*RECORD_TABLES[:3], *months[0]]),
            _run(database, [*RECORD_TABLES[3:], *(one for month in months[1:half] for one in month)]),
            _run(database, [one for month in months[half:] for one in month]),
        )
        await asyncio.gather(_run(database, indexes[::2]), _run(database, indexes[1::2]), _attach(database))
        await _run(database, ["vacuum analyze"])


async def _without_indexes(database: Database) -> list[str]:
    """Takes away what no constraint needs; an index that is built in one go takes a fraction of the time."""
    link: Any = await asyncpg.connect(database.owner_url)
    try:
        found = await link.fetch(
            """select i.indexdef, i.schemaname || '.' || i.indexname as name from pg_indexes i
                where i.schemaname = 'flow' and i.tablename = any($1)
                  and not exists (select from pg_constraint c where c.conindid = (i.schemaname || '.' || i.indexname)::regclass)""",
            [table for table in BIG if table != "journal"],
        )
        for row in found:
            await link.execute(f"drop index {row['name']}")
    finally:
        await link.close()
    return [row["indexdef"] for row in found]


def _of_month(table: str, filling: str) -> list[str]:
    return [
        f"drop table if exists flow.{table}",
        f"create unlogged table flow.{table} (like flow.journal including defaults including constraints)",
        filling,
    ]


async def _attach(database: Database) -> None:
    for back in range(MONTHS):
        table, _ = _month(back)
        year, month = int(table[8:12]), int(table[13:15])
        until = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        begin = datetime(year, month, 1, tzinfo=UTC)
        await _run(
            database,
            [f"alter table flow.journal attach partition flow.{table} for values from ('{begin}') to ('{until}')"],
        )


async def _run(database: Database, statements: Sequence[str]) -> None:
    link: Any = await asyncpg.connect(database.owner_url, command_timeout=300)
    try:
        for setting in ("synchronous_commit = off", "maintenance_work_mem = '512MB'", "work_mem = '64MB'"):
            await link.execute(f"set {setting}")
        for statement in statements:
            began = perf_counter()
            await link.execute(statement)
            print(f"{perf_counter() - began:6.1f} s  {' '.join(statement.split())[:70]}")
    finally:
        await link.close()
