"""Whom somebody asks us to forget is forgotten with the persons that are kept inside, as the mapper and the writers have left them: customers of
Zoho Books and their contact persons, in step both ways with a CRM (decisions 60, 68 and 69)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Version, WriteCommand
from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from common.contracts.topics import changes
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.pool import Pool, close_pool, open_pool, transaction
from mapper.handlers import ChangeHandler
from mapper.mappings import Mappings
from mapper.match_index import hashed
from mapper.pair_settling import PairSettling
from mapper.publisher import Publisher
from mapper.redaction import Redaction
from mapper.remap import Remapper
from tests.integration.mapper.test_handlers import NOON, Mapper
from tests.integration.mapper.test_redaction import traces_of
from tests.support.database import Database
from vendors.acts import key_of_id

VENDORS = {"books": "zoho-books", "crm": "zoho-crm"}
ADDRESS: dict[str, Any] = {"left": "email", "right": "email", "unique": True}
OF_ITS_PERSONS = ADDRESS | {"through": {"entity": "person", "by": "customer_id"}}
LEGS: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("firm", "forward", "customer", "company", {"match": [ADDRESS, OF_ITS_PERSONS]}),
    ("firm-back", "back", "customer", "company", {}),
    ("person", "forward", "person", "email", {"match": [ADDRESS], "parent": {"leg": "firm", "by": "customer_id"}, "conflicts": {"first_name": "ask", "phone": "target"}}),
    ("person-back", "back", "person", "email", {}),
)  # fmt: skip
ROWS = {"customer": ("company", "email"), "person": ("email", "first_name", "phone")}
# What only the books know of whom they have to forget.
PLANTED = ("Zora", "5550199", "zora", hashed("zora@land.example"), hashed("dup@x.example"))
WRITTEN = """
insert into flow.target_owner (account, place, target_entity, key, sync, entity, record, standing, since, source_account)
values ('crm', '', 'customer', 'Zoraland', 's', 'firm', '1', 'left', $1, 'books'), ('crm', '', 'person', 'id:C1', 's', 'person', '1-7', 'live', $1, 'books'),
       ('crm', '', 'person', 'zora.new@land.example', 's', 'person', '1-6', 'live', $1, 'books'),
       ('books', '', 'person', 'id:1-7', 's', 'person-back', 'C1', 'live', $1, 'crm');
insert into flow.target_record (account, place, target_entity, key, target_id, seen, agreed, memory, changed_at)
select a, '', e, k, '', '{"n": "Zora"}', '{"n": "Zora"}', '{"n": "Zora"}', $1
  from (values ('crm', 'customer', 'Zoraland'), ('crm', 'person', 'id:C1'), ('crm', 'person', 'zora.new@land.example'), ('books', 'person', 'id:1-7'), ('books', 'customer', 'id:1')) as n(a, e, k);
insert into flow.work_item (sync, entity, record, source, connection, revision, wish, document, mapping_version, target_key, target_entity, lane, priority,
                            happened_at, state, due_at, received_at, changed_at)
select 's', w.entity, w.record, w.connection, case w.connection when 'books' then 'crm' else 'books' end, w.revision, 'present', w.document, 1,
       case w.record when '1' then 'Zoraland' when '1-6' then 'zora.new@land.example' else 'id:C1' end, case w.entity when 'firm' then 'customer' else 'person' end, 'live', 0, $1, 'done', $1, $1, $1
  from flow.wanted w where w.record = '1' or w.record like '1-%';
insert into flow.write_intent (attempt, sync, entity, record, connection, account, place, target_entity, target_key, revision, mapping_version, action, sent, before,
                               body_hash, state, sent_at, hold_until, closed_at)
select 'a' || r, 's', e, r, c, c, '', t, k, 1, 1, 'update', '{"n": "Zora"}', '{"phone": "5550199"}', '', 'answered', $1, $1, $1
  from (values ('firm', '1', 'crm', 'customer', 'Zoraland'), ('person', '1-7', 'crm', 'person', 'id:C1'), ('person-back', 'C1', 'books', 'person', 'id:1-7')) as n(e, r, c, t, k);
insert into flow.journal (at, step, sync, connection, entity, record, target_key, before, after, words)
values ($1, 'applied', 's', 'books', 'firm', '1', 'Zoraland', '{"n": "Zora"}', '{"n": "Zora"}', 'Zora'),
       ($1, 'applied', 's', 'crm', 'person-back', 'C1', 'id:1-7', '{"n": "Zora"}', '{"phone": "5550199"}', 'Zora');
update flow.pair set history = history || '[{"what": "moved", "from": "Zoraland"}]' where left_id = '1'
"""


def told(at: str, entity: str, record: str, second: int = 1, via: Any = "read", **fields: Any) -> ChangeEvent:
    version = Version(stamp=NOON + timedelta(seconds=second), settled=True)
    ids = (ConnectionId(at), Entity(entity), RecordId(record))
    return ChangeEvent(
        id=ChangeEvent.derive_id(*ids, version, "detail", fields), connection=ids[0], vendor=VendorName(VENDORS[at]), entity=ids[1], record=ids[2],
        kind="changed", version=version, coverage="detail", fields=fields, observed_at=version.stamp + timedelta(minutes=1), via=via,
    )  # fmt: skip


def person(customer: str, own: str, email: str, **fields: str) -> dict[str, str]:
    return {"id": f"{customer}-{own}", "email": email, **fields}


def firm(second: int, *more: dict[str, str]) -> ChangeEvent:
    """The one that is to be forgotten: one person who is in the CRM too, and two who cannot be told apart."""
    persons = [
        person("1", "7", "ida@x.example", first_name="Zoraida", phone="5550199"),
        *(person("1", own, "dup@x.example", first_name="Zoran") for own in ("8", "9")),
        *more,
    ]
    return told("books", "customer", "1", second, company="Zoraland", email="zora@land.example", persons=persons)


NEW = person("1", "6", "zora.new@land.example", first_name="Zoranne")
HEARD = (
    told("books", "customer", "2", company="Stays", email="s@stays.example", persons=[person("2", "7", "kim@stays.example", first_name="Kim")]),
    told("books", "customer", "11", company="Stays too", persons=[person("11", "7", "lee@stays.example", first_name="Lee")]),
    told("crm", "customer", "A1", company="Other name"), told("crm", "person", "C1", customer_id="A1", email="ida@x.example", first_name="Ida", phone="1"),
    told("crm", "customer", "A2", company="Stays", email="s@stays.example"),
)  # fmt: skip


class World(Mapper):
    """The mapper of both systems."""

    def __init__(self, pool: Pool, owner: Pool) -> None:
        super().__init__(pool)
        self.owner = owner
        configuration, mappings = ConfigurationReader(), Mappings()
        self.publisher = Publisher(pool, self.wire, configuration)
        self.handlers = {
            vendor: ChangeHandler(changes(vendor), clock=self.clock, configuration=configuration, mappings=mappings, publisher=self.publisher, settle=timedelta(seconds=3))
            for vendor in VENDORS.values()
        }  # fmt: skip
        self.remapper = Remapper(pool, self.clock, configuration, mappings, self.publisher)
        self.settling = PairSettling(pool, self.clock, configuration, mappings, self.publisher)
        self.redaction = Redaction(pool, self.clock)

    async def hear(self, *events: ChangeEvent) -> list[WriteCommand]:
        """Each in its own batch, and whatever comes of it."""
        before = len(self.wire.sent)
        for one in events:
            batch = [Delivered(one, RawRecord("changes", 0, 0, b"k", b"", (), 0))]
            async with transaction(self.pool) as tx:
                await self.handlers[one.vendor].store(batch, tx)
            await self.handlers[one.vendor].after(batch)
        await self.settle()
        return self.wire.sent[before:]

    async def settle(self) -> None:
        while await self.remapper.step():
            pass
        while await self.owners("select from flow.match_again union all select from flow.pair where owed"):
            await self.settling.step()

    async def owners(self, statement: str) -> list[Any]:
        async with transaction(self.owner) as tx:
            return list(await tx.fetch(statement))

    async def forget(self, *records: str) -> None:
        await self.owners(
            "insert into flow.privacy_request (id, connection, kind, entities, records, received_at, next_at) "
            f"select 'r', 'books', 'redact', array_fill('customer'::text, array[{len(records)}]), '{{{','.join(records)}}}', now(), '-infinity'"
        )
        for _ in range(3):
            while await self.redaction.step():
                pass
            self.clock.advance(60)
        assert [tuple(one) for one in await self.owners("select state, in_use from flow.privacy_request")] == [
            ("done", 0)
        ]

    async def traces(self, *words: str) -> set[str]:
        return {f"{word} in {at}" for word in words for at in await traces_of(self.owner, word)}


async def configure(owner: Pool) -> None:
    async with transaction(owner) as tx:
        for name, vendor in VENDORS.items():
            await tx.execute(
                "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ($1, $2, $1, 'active', $3, $3)",
                name, vendor, NOON,
            )  # fmt: skip
        await tx.execute(
            """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
               values ('s', 's', 't', 'books', 'crm', 'active', $1, $1)""",
            NOON,
        )
        for at, (name, direction, entity, key, options) in enumerate(LEGS):
            source, target = ("books", "crm") if direction == "forward" else ("crm", "books")
            await tx.execute(
                """insert into core.leg (sync, name, direction, source_connection, source_entity, target_connection, target_entity, target_place, position)
                   values ('s', $1, $2, $3, $4, $5, $4, '', $6)""",
                name, direction, source, entity, target, at,
            )  # fmt: skip
            rows = tuple(MappingRow(one, one, (Transform("trim"),)) for one in ROWS[entity])
            definition = MappingDefinition(1, rows, key=key, on_delete="leave", on_filtered="leave", options=options)
            await tx.execute(
                "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s', $1, 1, $2, now())",
                name, to_jsonb(definition),
            )  # fmt: skip
        await tx.execute("update core.leg set mapping_version = 1")
        await tx.execute(
            """insert into flow.feeding (connection, entity, place, wanted_at, ready_at)
               select c, e, '', now(), now() from (values ('books', 'customer'), ('crm', 'customer'), ('crm', 'person')) as n(c, e)"""
        )


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    await configure(owner)
    world = World(pool, owner)
    await world.hear(firm(1), *HEARD)
    # Somebody who was not there before both sides were read is made at the other one.
    await world.hear(firm(2, NEW))
    async with transaction(owner) as tx:
        for statement in WRITTEN.split(";\n"):
            await tx.execute(statement.replace("$1", f"timestamptz '{NOON.isoformat()}'"))
    yield world
    await close_pool(pool)
    await close_pool(owner)


class TestACustomerWhoIsForgotten:
    async def test_is_in_no_table_any_more_nor_is_anybody_inside_and_nobody_else_is_touched(self, world: World) -> None:
        assert key_of_id("1-7") == "id:1-7", "by which a linked record is written, as above"
        linked = await world.owners("select left_id, right_id from flow.pair where state = 'linked' order by left_id")
        asked = await world.owners(
            "select p.left_id, q.kind from flow.pair_question q join flow.pair p on p.id = q.pair order by 1, 2"
        )
        assert [tuple(one) for one in linked] == [("1", "A1"), ("1-7", "C1"), ("2", "A2")]
        assert {("1-7", "differs"), ("1-8", "match"), ("1-9", "match")} <= {tuple(one) for one in asked}
        there = {one.rpartition(" ")[2] for one in await world.traces(*PLANTED)}
        assert there >= {
            f"flow.{one}"
            for one in (
                "record_state.fields", "wanted.document", "work_item.document", "target_owner.key", "target_record.seen", "target_record.key",
                "write_intent.sent", "write_intent.before", "journal.after", "pair.seen", "pair.judgement", "pair.history", "pair_question.left_value",
                "match_value.value",
            )
        }  # fmt: skip
        stays = await world.traces("Stays", "stays.example", "Lee", hashed("lee@stays.example"))
        await world.forget("1")
        assert await world.traces(*PLANTED) == set()
        assert await world.traces("Stays", "stays.example", "Lee", hashed("lee@stays.example")) == stays
        states = await world.owners("select record from flow.record_state where redacted = 'person' order by 1")
        assert [one["record"] for one in states] == ["1", "1-6", "1-7", "1-8", "1-9"]
        assert (
            await world.owners("select left_id, right_id from flow.pair where state = 'linked' order by left_id")
            == linked
        )
        assert (
            await world.owners("select from flow.match_value where record like '1-%' or told_record like '1-%'") == []
        )

    async def test_is_told_by_no_replay_and_nothing_is_written_or_asked_for(self, world: World) -> None:
        await world.forget("1")
        assert await world.hear(firm(1), firm(2, NEW), *HEARD) == []
        newer = firm(9, person("1", "10", "zora@land.example", first_name="Zorana", phone="5550199"))
        assert await world.hear(newer, *HEARD) == []
        alone = told(
            "books",
            "person",
            "1-10",
            9,
            first_name="Zorana",
            phone="5550199",
            email="zora@land.example",
            customer_id="1",
        )
        assert await world.hear(alone) == []
        assert await world.owners("select from flow.read_request") == []
        assert await world.traces(*PLANTED) == set()

    async def test_is_written_to_by_no_link_and_writes_by_none(self, world: World) -> None:
        """That nothing is known of a record any more is no edit of it."""
        await world.forget("1")
        before = len(world.wire.sent)
        await world.owners("update flow.pair set owed = true where left_id in ('1', '1-7') returning 1")
        await world.owners("delete from flow.remap returning 1")
        await world.settle()
        assert world.wire.sent[before:] == []
        assert (
            await world.owners(
                "select from flow.pair where left_id in ('1', '1-7') and judgement -> 'planned' @? '$.*.parts.*'"
            )
            == []
        )

    async def test_is_forgotten_with_whom_only_a_link_knows(self, world: World) -> None:
        """The CRM has made a person in the books, and the books have not told of it yet."""
        await world.owners("delete from flow.record_state where record = '1-7' returning 1")
        await world.forget("1")
        assert await world.traces(*PLANTED) == set()
