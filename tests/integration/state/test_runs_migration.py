"""0092 on a database of the last release."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from common.state.migration import MIGRATIONS, migrate
from tests.support.database import Database


async def execute(url: str, *statements: str) -> None:
    link = await asyncpg.connect(url)
    try:
        for statement in statements:
            await link.execute(statement)
    finally:
        await link.close()


class TestRuns:
    """0092: what histories knew until now stands in the ledger, and what is open goes on counting there."""

    async def test_nothing_is_lost(self, empty_database: Database, tmp_path: Path) -> None:
        for migration in MIGRATIONS.glob("*.sql"):
            if migration.name < "0081":
                (tmp_path / migration.name).write_bytes(migration.read_bytes())
        await migrate(empty_database.owner_url, tmp_path)
        await execute(empty_database.owner_url, *_HISTORY)
        await migrate(empty_database.owner_url)
        link = await asyncpg.connect(empty_database.owner_url)
        try:
            runs = await link.fetch(
                "select id, kind, started_by, before_ledger, closed_at is null from flow.run order by id"
            )
            assert [tuple(row) for row in runs] == [
                ("customers.live." + _DAY, "live", "webhook", True, True),
                ("customers.v2", "remap", "ana", True, False),
            ]
            assert await self.counts(link, "customers.live." + _DAY) == {
                "entered": 8, "added": 1, "updated": 1, "unchanged": 2, "skipped": 1, "failed": 1, "superseded": 1, "waiting": 1,
            }  # fmt: skip
            assert await self.counts(link, "customers.v2") == {"entered": 5, "updated": 1, "unchanged": 4}
            lines = await link.fetch("select record, outcome, reason, run from flow.run_record order by record")
            assert [tuple(row)[:3] for row in lines] == [("dead", "failed", "MC_INVALID"), ("waits", "waiting", "")]
            # The one that waits ends, and the one that failed is written after all.
            for record in ("waits", "dead"):
                await link.execute(
                    "update flow.run_record set outcome = 'updated', ended_at = now() where record = $1", record
                )
            assert await self.counts(link, "customers.live." + _DAY) == {
                "entered": 8, "added": 1, "updated": 3, "unchanged": 2, "skipped": 1, "superseded": 1,
            }  # fmt: skip
        finally:
            await link.close()

    async def counts(self, link: asyncpg.Connection, run: str) -> dict[str, int]:
        rows = await link.fetch(
            "select outcome, sum(records)::int as n from flow.run_count where run = $1 group by 1 having sum(records) <> 0",
            run,
        )
        return {row["outcome"]: row["n"] for row in rows}


_YESTERDAY = datetime.now(UTC) - timedelta(days=1)
_DAY = f"{_YESTERDAY:%Y-%m-%d}"
_AT = f"timestamptz '{_YESTERDAY.isoformat()}'"
_RECORDS = "('added', 1), ('updated', 1), ('unchanged', 1), ('skipped', 1), ('dead', 1), ('waits', 1), ('newer', 2), ('quiet', 1), ('changed', 2)"
_HISTORY = (
    """insert into core.connection (id, vendor, name, state, created_at, updated_at)
       values ('books', 'zoho-books', 'books', 'active', now(), now()), ('chimp', 'mailchimp', 'chimp', 'active', now(), now())""",
    """insert into core.sync (id, name, template, entity, source_connection, target_connection, place, state, mapping_version, created_at, updated_at)
       values ('s1', 'customers', 't', 'customer', 'books', 'chimp', 'list', 'active', 2, now(), now())""",
    "insert into core.mapping_version (sync, version, definition, created_at, created_by) values ('s1', 2, '{}', now(), 'ana')",
    f"insert into flow.remap (sync, mapping_version, seen, changed, started_at, finished_at) values ('s1', 2, 5, 1, {_AT}, {_AT})",
    f"""insert into flow.wanted (sync, entity, record, connection, revision, published_revision, wish, document, content, mapping_version, lane, happened_at, changed_at)
        select 's1', 'customer', r, 'books', v, v, 'present', '{{}}', '', 1, 'live', {_AT}, {_AT} from (values {_RECORDS}) as n(r, v)""",
    f"""insert into flow.work_item (sync, entity, record, source, connection, place, revision, wish, document, mapping_version, target_entity, lane,
                                    priority, happened_at, state, due_at, code, received_at, changed_at)
        select 's1', 'customer', r, 'books', 'chimp', 'list', v, 'present', '{{}}', 1, 'member', 'live', 0, {_AT}, s, {_AT},
               case s when 'dead' then 'MC_INVALID' else '' end, {_AT}, {_AT}
          from (values ('dead', 1, 'dead'), ('waits', 1, 'waiting'), ('newer', 2, 'done'), ('changed', 2, 'done')) as n(r, v, s)""",
    f"""insert into flow.journal (at, step, sync, connection, entity, record, event_id, revision, mapping_version, details, reason)
        select {_AT}, step, case step when 'received' then '' else 's1' end, 'books', 'customer', record, event, revision, 1, details::jsonb, reason
          from (values ('received', 'added', 'e', null, null, ''), ('mapped', 'added', 'e', 1, null, ''),
                       ('applied', 'added', 'e', 1, '{{"action": "create"}}', ''),
                       ('received', 'updated', 'e', null, null, ''), ('mapped', 'updated', 'e', 1, null, ''),
                       ('applied', 'updated', 'e', 1, '{{"action": "update"}}', ''),
                       ('received', 'unchanged', 'e', null, null, ''), ('mapped', 'unchanged', 'e', 1, null, ''),
                       ('unchanged', 'unchanged', 'e', 1, null, ''),
                       ('received', 'skipped', 'e', null, null, ''), ('filtered', 'skipped', 'e', 1, null, 'no_email'),
                       ('skipped', 'skipped', 'e', 1, null, 'no_email'),
                       ('received', 'dead', 'e', null, null, ''), ('mapped', 'dead', 'e', 1, null, ''), ('dead', 'dead', 'e', 1, null, 'MC_INVALID'),
                       ('received', 'waits', 'e', null, null, ''), ('mapped', 'waits', 'e', 1, null, ''),
                       ('received', 'newer', 'e', null, null, ''), ('mapped', 'newer', 'e', 1, null, ''),
                       ('received', 'quiet', 'e', null, null, ''))
               as n(step, record, event, revision, details, reason)""",
    f"""insert into flow.journal (at, step, sync, connection, entity, record, event_id, revision, mapping_version, details)
        values ({_AT}, 'mapped', 's1', 'books', 'customer', 'changed', '', 2, 2, null),
               ({_AT}, 'applied', 's1', 'books', 'customer', 'changed', '', 2, 2, '{{"action": "update"}}')""",
)
