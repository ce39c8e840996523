"""Rows of what audiences tell of customers, in PostgreSQL: each once, the newest first, and none of whom somebody forgot."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.state.activity import Activity, TargetMember, ToldCustomer, add, memberships, newest, take_due
from common.state.merged_records import MergedRecord, merge, merged_into
from common.state.pool import Pool, close_pool, open_pool, transaction
from tests.support.database import Database

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
COMPANY, CUSTOMER = ConnectionId("company"), Entity("customer")
ROWS = """
truncate flow.activity, flow.activity_due, flow.merged_record, flow.record_state, flow.target_owner, flow.target_record, core.connection cascade;
insert into core.connection (id, vendor, name, state, account, created_at, updated_at)
values ('company', 'quickbooks', 'company', 'active', 'quickbooks:1', now(), now()), ('news', 'mailchimp', 'news', 'active', 'mailchimp:1', now(), now());
insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
values ('s', 's', 't', 'company', 'news', 'active', now(), now());
insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place)
values ('s', 'people', 'company', 'customer', 'news', 'member', 'list');
insert into flow.target_owner (account, place, target_entity, key, sync, entity, record, standing, since, source_account)
values ('mailchimp:1', 'list', 'member', 'ana@ex.org', 's', 'people', '1', 'live', now(), 'quickbooks:1'),
       ('mailchimp:1', 'list', 'member', 'old@ex.org', 's', 'people', '1', 'left', now(), 'quickbooks:1'),
       ('mailchimp:1', 'list', 'member', 'ben@ex.org', 's', 'people', '2', 'live', now(), 'quickbooks:1');
insert into flow.target_record (account, place, target_entity, key, seen, changed_at)
values ('mailchimp:1', 'list', 'member', 'ana@ex.org', '{"standing": "unsubscribed", "open_rate": "0.31"}', now())
"""


def row(record: str, number: int, at: datetime = NOW) -> Activity:
    return Activity(
        ToldCustomer(COMPANY, CUSTOMER, RecordId(record)), EventId(f"e{number}"), "profile", "event", at,
        ConnectionId("news"), "mailchimp:1", "list", "ana@ex.org", ("merge.FNAME", "merge.LNAME"), "",
    )  # fmt: skip


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    owner = await open_pool(database.owner_url, name="test owner", size=1)
    async with transaction(owner) as tx:
        await tx.execute(ROWS)
    await close_pool(owner)
    made = await open_pool(database.url("service"), name="writer", size=2)
    yield made
    await close_pool(made)


class TestRows:
    async def test_told_twice_late_and_in_any_order_are_there_once_and_the_newest_first(self, pool: Pool) -> None:
        told = [row(str(n % 3), n, NOW - timedelta(minutes=n // 3)) for n in range(30)] * 2
        random.Random(7).shuffle(told)
        for at in range(0, len(told), 7):
            async with transaction(pool) as tx:
                await add(tx, told[at : at + 7], NOW)
        async with transaction(pool) as tx:
            found = await newest(tx, COMPANY, CUSTOMER, [RecordId("0"), RecordId("2"), RecordId("9")], 4)
            assert await tx.fetchval("select count(*) from flow.activity") == 30
        assert {record: [one.event_id for one in rows] for record, rows in found.items()} == {
            "0": ["e0", "e3", "e6", "e9"], "2": ["e2", "e5", "e8", "e11"],
        }  # fmt: skip
        assert found[RecordId("0")][0] == row("0", 0)

    async def test_of_one_moment_are_in_the_order_of_their_ids(self, pool: Pool) -> None:
        async with transaction(pool) as tx:
            await add(tx, [row("1", n) for n in (2, 1, 3)], NOW)
            found = await newest(tx, COMPANY, CUSTOMER, [RecordId("1")], 8)
        assert [one.event_id for one in found[RecordId("1")]] == ["e3", "e2", "e1"]


class TestWhoIsJudgedAgain:
    async def test_is_each_customer_of_a_new_row_once_and_nobody_for_a_repeat(self, pool: Pool) -> None:
        async with transaction(pool) as tx:
            await add(tx, [row("1", 1), row("1", 2), row("2", 1)], NOW)
        async with transaction(pool) as tx:
            assert [one.record for one in await take_due(tx, 10)] == ["1", "2"]
            await add(tx, [row("1", 2), row("2", 1)], NOW)
        async with transaction(pool) as tx:
            assert await take_due(tx, 10) == []

    async def test_is_still_due_where_whoever_took_it_was_killed(self, pool: Pool) -> None:
        async with transaction(pool) as tx:
            await add(tx, [row("1", 1)], NOW)
        with pytest.raises(ZeroDivisionError):
            async with transaction(pool) as tx:
                assert await take_due(tx, 10)
                raise ZeroDivisionError
        async with transaction(pool) as tx:
            assert [one.record for one in await take_due(tx, 10)] == ["1"]


class TestWhomSomebodyForgot:
    async def test_has_no_row_any_more_and_gets_none(self, pool: Pool) -> None:
        async with transaction(pool) as tx:
            await add(tx, [row("1", 1), row("2", 1)], NOW)
            await tx.execute("select flow.redact('company', '{customer}', '{1}', 'person', $1)", NOW)
            await add(tx, [row("1", 2), replace(row("2", 2), kind="unsubscribed")], NOW)
            assert await tx.fetchval("select array_agg(record || event_id order by event_id) from flow.activity") == ["2e1", "2e2"]  # fmt: skip


class TestWhoWasMerged:
    async def test_has_nothing_any_more_and_the_other_has_all_of_it_once(self, pool: Pool) -> None:
        first, then = (MergedRecord(COMPANY, CUSTOMER, RecordId(a), RecordId(b)) for a, b in (("1", "2"), ("2", "3")))
        async with transaction(pool) as tx:
            # Both have lived under the address, and so both were told of the second event.
            await add(tx, [row("1", 1), row("1", 2), row("2", 2), row("2", 3), row("3", 4)], NOW)
            await take_due(tx, 10)
        for merges in ([then], [first, first], [then]):
            async with transaction(pool) as tx:
                await merge(tx, merges, NOW)
        async with transaction(pool) as tx:
            # A late one, of somebody who has not left the address yet, and one that is told again.
            await add(tx, [row("1", 5), row("2", 5), row("1", 1)], NOW)
            found = await newest(tx, COMPANY, CUSTOMER, [RecordId(one) for one in "123"], 9)
            assert {who: [one.event_id for one in its] for who, its in found.items()} == {"3": ["e5", "e4", "e3", "e2", "e1"]}  # fmt: skip
            assert {one.record for one in await take_due(tx, 10)} == {"3"}
            assert [await merged_into(tx, COMPANY, CUSTOMER, RecordId(one)) for one in "123"] == ["3", "3", None]

    async def test_two_that_name_each_other_lose_nothing(self, pool: Pool) -> None:
        there, back = (MergedRecord(COMPANY, CUSTOMER, RecordId(a), RecordId(b)) for a, b in (("1", "2"), ("2", "1")))
        async with transaction(pool) as tx:
            await add(tx, [row("1", 1), row("2", 2)], NOW)
            await merge(tx, [there, back], NOW)
            assert await tx.fetchval("select count(*) from flow.activity where record = '2'") == 2


class TestMemberships:
    async def test_are_those_under_which_a_customer_lives_now(self, pool: Pool) -> None:
        async with transaction(pool) as tx:
            found = await memberships(tx, COMPANY, CUSTOMER, [RecordId("1"), RecordId("2"), RecordId("3")])
        assert found == {
            "1": [TargetMember("mailchimp:1", "list", "ana@ex.org", "unsubscribed", "0.31", None)],
            "2": [TargetMember("mailchimp:1", "list", "ben@ex.org", "", None, None)],
        }
