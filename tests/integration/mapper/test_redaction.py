"""A person is taken out of every table that keeps any value of his, and nobody else is: on a real database, with rows as the services leave them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.clock import FixedClock
from common.state.pool import Pool, close_pool, open_pool, transaction
from mapper.redaction import Redaction
from tests.support.database import Database
from vendors.zoho_books.organisation_facts import GUEST

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
# Two customers with an order each, as they are once both are in the books: `zora` is to be forgotten, `stays` is not.
ROWS = """
insert into core.connection (id, vendor, name, state, account, created_at, updated_at)
values ('shop', 'shopify', 'shop', 'active', 'shopify:demo', $1, $1), ('books', 'zoho-books', 'books', 'active', 'zoho:1', $1, $1);
insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at, created_by)
values ('s', 's', 't', 'shop', 'books', 'active', $1, $1, 'x');
insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place)
values ('s', 'buyer', 'shop', 'customer', 'books', 'customer', ''), ('s', 'order', 'shop', 'order', 'books', 'invoice', '');
insert into flow.record_state (connection, entity, record, fields, told, sequence, first_at, changed_at)
select c, e, r, jsonb_build_object('email', who || '@x.example', 'customer_id', owner), '{"email": "1"}', '1', $1, $1
  from (values ('shop', 'customer', '1', 'zora', null), ('shop', 'order', '11', 'zora', '1'), ('shop', 'customer', '2', 'stays', null),
               ('books', 'customer', '901', 'zora', null), ('books', 'invoice', '911', 'zora', '901'), ('books', 'payment', '921', 'zora', '901'),
               ('books', 'customer', '902', 'stays', null)) as n(c, e, r, who, owner);
insert into flow.wanted (sync, entity, record, connection, revision, published_revision, wish, document, content, mapping_version, lane, happened_at, changed_at)
select 's', e, r, 'shop', 4, p, 'present', jsonb_build_object('email', who || '@x.example'), who, 1, 'live', $1, $1
  from (values ('buyer', '1', 'zora', 4), ('order', '11', 'zora', 0), ('buyer', '2', 'stays', 4)) as n(e, r, who, p);
insert into flow.work_item (sync, entity, record, source, connection, revision, wish, document, mapping_version, target_key, target_entity, lane, priority,
                            happened_at, state, due_at, received_at, changed_at, message)
select 's', e, r, 'shop', 'books', 4, 'present', jsonb_build_object('email', who || '@x.example'), 1, k, t, 'live', 0, $1, state, $1, $1, $1, who || ' is wrong'
  from (values ('buyer', '1', 'zora', 'zora@x.example', 'customer', 'dead'), ('order', '11', 'zora', 'shop/11', 'invoice', 'ready'),
               ('buyer', '2', 'stays', 'stays@x.example', 'customer', 'done')) as n(e, r, who, k, t, state);
insert into flow.target_owner (account, place, target_entity, key, sync, entity, record, standing, since, source_account)
values ('zoho:1', '', 'customer', 'zora@x.example', 's', 'buyer', '1', 'live', $1, 'shopify:demo'),
       ('zoho:1', '', 'customer', 'stays@x.example', 's', 'buyer', '2', 'live', $1, 'shopify:demo');
insert into flow.target_record (account, place, target_entity, key, target_id, seen, agreed, memory, changed_at)
select 'zoho:1', '', 'customer', who || '@x.example', '90' || n, jsonb_build_object('name', who), jsonb_build_object('name', who), jsonb_build_object('m', who), $1
  from (values ('zora', 1), ('stays', 2)) as n(who, n);
insert into flow.write_intent (attempt, sync, entity, record, connection, account, place, target_entity, target_key, revision, mapping_version, action, sent, before,
                               body_hash, state, sent_at, hold_until, closed_at)
values ('a', 's', 'buyer', '1', 'books', 'zoho:1', '', 'customer', 'zora@x.example', 1, 1, 'create', '{"name": "zora"}', '{}', '', 'answered', $1, $1, $1);
insert into flow.pair (left_account, left_entity, left_id, right_account, right_entity, right_key, right_id, state, since, seen, changed_at)
values ('shopify:demo', 'customer', '1', 'zoho:1', 'customer', 'zora@x.example', '901', 'linked', $1, '{"left": {"n": "zora"}}', $1),
       ('shopify:demo', 'order', '11', 'zoho:1', 'invoice', 'shop/11', '911', 'linked', $1, '{"left": {"n": "zora"}}', $1),
       ('shopify:demo', 'customer', '2', 'zoho:1', 'customer', 'stays@x.example', '902', 'linked', $1, '{"left": {"n": "stays"}}', $1);
insert into flow.read_request (connection, entity, record, reason, not_before, asked_at) values ('shop', 'order', '11', 'detail', $1, $1);
insert into flow.journal (at, step, connection, entity, record, target_key, before, after, words, details)
select $1, 'applied', c, e, r, k, jsonb_build_object('name', who), jsonb_build_object('name', who), who, jsonb_build_object('action', 'create', 'name', who)
  from (values ('shop', 'buyer', '1', 'zora@x.example', 'zora'), ('shop', 'customer', '1', '', 'zora'), ('books', 'customer', '901', 'zora@x.example', 'zora'),
               ('shop', 'buyer', '2', 'stays@x.example', 'stays')) as n(c, e, r, k, who);
insert into flow.dead_letter (err_group, err_topic, err_partition, err_offset, err_service, err_version, err_stage, err_code, err_class, err_message,
                              err_first_at, err_last_at, record_key, record_value, header_names, header_values, recorded_at)
select 'g', 't', 0, n, 'mapper', 'v', 'map', 'C', 'BUG', who, $1, $1, convert_to(k, 'UTF8'), convert_to(who, 'UTF8'), '{}', '{}', $1
  from (values (1, 'shop:customer:1', 'zora'), (2, 's:order:11', 'zora'), (3, 'shop:customer:2', 'stays')) as n(n, k, who);
insert into flow.quarantine (connection, vendor, received_at, reason, query, headers, body, size)
values ('shop', 'shopify', $1, '', '', '{}', '{"id": 11, "email": "zora@x.example"}', 1);
insert into flow.activity (connection, entity, record, event_id, kind, source, at, told_by, account, place, key, kept_at)
select 'shop', 'customer', n, 'e', 'unsubscribed', 'event', $1, 'books', 'm', 'list', who || '@x.example', $1 from (values ('1', 'zora'), ('2', 'stays')) as n(n, who);
insert into flow.privacy_request (id, connection, kind, entities, records, received_at, next_at) values ('r', 'shop', 'redact', '{customer,order}', '{1,11}', $1, $1)
"""

# Orders of somebody who has no account in the shop: their customer is a target record that no order owns. One was made for the order, under an
# address that it had before; one for another order, which nobody has named.
GUESTS = f"""
insert into flow.target_record (account, place, target_entity, key, target_id, changed_at)
select 'zoho:1', '', 'invoice', '{GUEST}' || who || '@x.example', '90' || n, $1 from (values ('zora', 3), ('zora.before', 4), ('stays', 5)) as n(who, n);
insert into flow.write_intent (attempt, sync, entity, record, connection, account, place, target_entity, target_key, revision, mapping_version, action, sent, before,
                               body_hash, state, sent_at, hold_until, closed_at)
values ('g', 's', 'order', '11', 'books', 'zoho:1', '', 'invoice', '{GUEST}zora.before@x.example', 1, 1, 'make_guest', '{{"contact_name": "zora.before@x.example"}}',
        '{{}}', '', 'answered', $1, $1, $1);
insert into flow.journal (at, step, sync, connection, entity, record, target_key, after)
values ($1, 'applied', 's', 'shop', 'order', '11', '{GUEST}zora.before@x.example', '{{"contact_name": "zora.before@x.example"}}')
"""


async def traces_of(owner: Pool, word: str) -> set[str]:
    """Where it stands anywhere, be it in the midst of bytes."""
    async with transaction(owner) as tx:
        columns = await tx.fetch(
            "select c.table_schema || '.' || c.table_name as t, c.column_name as n, c.data_type as k from information_schema.columns c "
            "join information_schema.tables b using (table_schema, table_name) where c.table_schema in ('core', 'flow') "
            "and b.table_type = 'BASE TABLE' and c.table_name not like 'journal_%' and c.data_type in ('text', 'jsonb', 'bytea', 'ARRAY')"
        )
        shown = {"bytea": "encode({}, 'escape')"}
        tests = [
            f"select '{one['t']}.{one['n']}' as at from {one['t']} where {shown.get(one['k'], '{}::text').format(one['n'])} like '%{word}%'"
            for one in columns
        ]
        return {row["at"] for row in await tx.fetch(" union ".join(tests))}


class World:
    def __init__(self, owner: Pool, pool: Pool) -> None:
        self.owner, self.clock = owner, FixedClock(NOW)
        self.job = Redaction(pool, self.clock)

    async def rows(self, statement: str) -> list[dict[str, Any]]:
        async with transaction(self.owner) as tx:
            return [dict(row) for row in await tx.fetch(statement)]

    async def traces(self, word: str) -> set[str]:
        return await traces_of(self.owner, word)

    async def run(self) -> None:
        """Everything that is due, and what is due a minute later."""
        for _ in range(3):
            while await self.job.step():
                pass
            self.clock.advance(60)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await open_pool(database.owner_url, name="owner", size=1)
    pool = await open_pool(database.url("service"), name="mapper", size=2)
    async with transaction(owner) as tx:
        for statement in (ROWS + ";\n" + GUESTS).split(";\n"):
            await tx.execute(statement.replace("$1", f"timestamptz '{NOW.isoformat()}'"))
    yield World(owner, pool)
    await close_pool(pool)
    await close_pool(owner)


class TestRedaction:
    async def test_person_is_in_no_table_any_more_and_nobody_else_is_touched(self, world: World) -> None:
        stays = await world.traces("stays")
        assert len(await world.traces("zora")) > 20
        await world.run()
        assert await world.traces("zora") == set()
        assert await world.traces("stays") == stays
        [asked] = await world.rows("select state, redacted, closed_by from flow.privacy_request")
        assert asked == {"state": "done", "redacted": 2, "closed_by": "millrace"}

    async def test_versions_ids_steps_and_links_stay(self, world: World) -> None:
        await world.run()
        [state] = await world.rows(
            "select told, sequence, redacted from flow.record_state where (connection, record) = ('shop', '1')"
        )
        assert state == {"told": {"email": "1"}, "sequence": "1", "redacted": "person"}
        items = await world.rows(
            "select entity, state, outcome, reason, revision from flow.work_item where record <> '2' order by entity"
        )
        assert items == [
            {"entity": one, "state": "done", "outcome": "skipped", "reason": "redacted", "revision": revision}
            # R8: beyond what any command on the topic says, by one in each round; nobody was ever told of the order.
            for one, revision in (("buyer", 6), ("order", 4))
        ]
        wanted = await world.rows("select record, revision from flow.wanted order by record")
        assert wanted == [{"record": "1", "revision": 6}, {"record": "2", "revision": 4}], (
            "what nobody was told of is wanted no more"
        )
        guests = await world.rows(
            "select target_id, key like 'redacted:%' as gone from flow.target_record where target_entity = 'invoice' order by 1"
        )
        assert [tuple(one.values()) for one in guests] == [("903", True), ("904", True), ("905", False)]
        [pair] = await world.rows("select right_id, state from flow.pair where left_id = '1'")
        assert pair == {"right_id": "901", "state": "linked"}
        [letter] = await world.rows("select state, close_reason from flow.dead_letter where err_offset = 1")
        assert letter == {"state": "discarded", "close_reason": "redacted"}
        steps = await world.rows("select step, details from flow.journal where record = '1' and entity = 'buyer'")
        assert steps == [{"step": "applied", "details": {"action": "create"}}]

    async def test_what_is_in_use_is_left_alone_until_it_is_not(self, world: World) -> None:
        """A writer has the customer in its hands, and its call is not answered."""
        await world.rows(
            "update flow.work_item set state = 'leased', lease_until = now() + interval '1 hour' where record = '1'"
        )
        await world.rows("update flow.write_intent set state = 'sent', closed_at = null")
        await world.run()
        [item] = await world.rows("select state, document from flow.work_item where record = '1'")
        assert item == {"state": "leased", "document": {"email": "zora@x.example"}}
        assert await world.rows("select state from flow.privacy_request") == [{"state": "open"}]
        await world.rows("update flow.work_item set state = 'done', lease_until = null where record = '1'")
        await world.rows("update flow.write_intent set state = 'answered', closed_at = now()")
        world.clock.advance(timedelta(minutes=2).total_seconds())
        await world.run()
        assert await world.traces("zora") == set()
        assert await world.rows("select state from flow.privacy_request") == [{"state": "done"}]


class TestReturned:
    async def test_shop_that_comes_back_is_linked_by_its_orders_keys_and_finds_its_customers_anew(
        self, world: World
    ) -> None:
        await world.rows("select core.set_gate('shop', 'needs_reauth', null, now(), 'C', 'm')")
        await world.rows("update flow.privacy_request set kind = 'redact_account', entities = '{}', records = '{}'")
        await world.run()
        # The books are the merchant's own: what was read of them stays, as long as they are connected.
        assert {one.partition(".")[2] for one in await world.traces("stays@")} == {"record_state.fields"}
        await world.rows("select core.clear_gate('shop', 'needs_reauth', now())")
        await world.run()
        pairs = await world.rows("select left_entity, left_id, right_key from flow.pair")
        assert pairs == [{"left_entity": "order", "left_id": "11", "right_key": "shop/11"}]
        states = await world.rows(
            "select distinct redacted, told::text, fields::text from flow.record_state where connection = 'shop'"
        )
        assert states == [{"redacted": "", "told": "{}", "fields": "{}"}]
