"""Invoices that name no deal, and the open deals of their accounts: through the mapper's own transactions on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Version
from common.contracts.syncs import MappingDefinition, MappingRow
from common.contracts.topics import changes
from common.state import feeding
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.polls import Polled
from common.state.pool import Pool, close_pool, open_pool, transaction
from ingest.channel_audit import heard_by
from ingest.poll_sources import judged_sources, wanted_sources
from mapper.deal_choosing import DealChoosing
from mapper.fact_clock import FactClock
from mapper.handlers import ChangeHandler
from mapper.mapping.fact_use import with_facts
from mapper.mappings import Mappings
from tests.integration.mapper.test_facts import INVOICES, change, invoice
from tests.integration.mapper.test_handlers import NOON, Mapper
from tests.support.database import Database

DEALS = Polled(ConnectionId("crm"), Entity("deal"))
ROWS = (
    MappingRow("key", "id", required=True),
    MappingRow("custom.Books_Invoiced", "facts.invoiced"),
    MappingRow("custom.Books_Linked_By", "join(', ', facts.named_by)"),
)
LEFT, RIGHT = "zoho-books:1", "zoho-crm:9"


@dataclass
class World:
    mapper: Mapper
    owner: Pool
    choosing: DealChoosing
    facts: FactClock
    crm: ChangeHandler

    async def tell(self, *events: ChangeEvent) -> None:
        """Whatever the two sides tell, each on its topic; then whatever is due is decided."""
        for event in events:
            if event.vendor == "zoho-books":
                await self.mapper.handle(event)
                continue
            item = Delivered(event, RawRecord("changes.zoho-crm", 0, 1, b"k", event.model_dump_json().encode(), (), 0))
            async with transaction(self.mapper.pool) as tx:
                await self.crm.store([item], tx)
            await self.crm.after([item])
        await self.decide()

    async def decide(self) -> None:
        while await self.choosing.step():
            pass

    async def link(self, customer: str, account: str, entity: str = "customer", state: str = "linked") -> None:
        async with transaction(self.mapper.pool) as tx:
            await tx.execute(
                """insert into flow.pair (left_account, left_entity, left_id, right_account, right_place, right_entity, right_id, exclusive, state, since, changed_at)
                   values ($1, 'customer', $2, $3, '9', $4, $5, true, $6, $7, $7)
                   on conflict (left_account, left_place, left_entity, left_id, right_account, right_place, right_entity)
                   where exclusive and left_id <> '' and state <> 'unlinked' do update set state = excluded.state""",
                LEFT, customer, RIGHT, entity, account, state, NOON,
            )  # fmt: skip
        await self.decide()

    async def read(self, *polled: Polled) -> None:
        """These were listed whole."""
        async with transaction(self.mapper.pool) as tx:
            for one in polled:
                await feeding.listed(tx, one, "full.1", NOON, 0)
        await self.facts.step()
        await self.decide()

    async def deals(self) -> dict[str, tuple[str | None, str | None]]:
        """What each deal is to have: what was invoiced, and how its invoices name it."""
        rows = await self.mapper.rows("select record, document from flow.wanted where entity = 'deal'")
        names = [row.target for row in ROWS[1:]]
        return {row["record"]: tuple(row["document"].get(name) for name in names) for row in rows}  # type: ignore[misc]

    async def said(self, record: str) -> Sequence[str]:
        """What the journal says of which deal the invoice is for."""
        rows = await self.mapper.rows(
            "select words from flow.journal where entity = 'invoice' and record = $1 and reason = 'open deal' order by id", record
        )  # fmt: skip
        return [row["words"] for row in rows]


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    await _configured(owner)
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    mapper, reader, mappings = Mapper(pool), ConfigurationReader(), Mappings()
    rest: tuple[Any, ...] = (pool, mapper.clock, reader, mappings, mapper.publisher)
    crm = ChangeHandler(
        changes("zoho-crm"), clock=mapper.clock, configuration=reader, mappings=mappings, publisher=mapper.publisher, settle=timedelta(seconds=3)
    )  # fmt: skip
    made = World(mapper, owner, DealChoosing(*rest), FactClock(*rest), crm)
    async with transaction(pool) as tx:
        await feeding.want(tx, [INVOICES, DEALS], NOON)
    yield made
    await close_pool(pool)
    await close_pool(owner)


async def _configured(owner: Pool) -> None:
    definition = with_facts(MappingDefinition(1, ROWS, key="key", options={"open_deal": {"percent": 5, "days": 90}}))
    async with transaction(owner) as tx:
        for name, vendor, account, details in (
            ("books", "zoho-books", LEFT, {"organization_id": "1"}),
            ("crm", "zoho-crm", RIGHT, {"org_id": "9", "currency_code": "EUR"}),
        ):
            await tx.execute(
                """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
                   values ($1, $2, $1, 'active', $3, $4, $5, $5)""",
                name, vendor, details, account, NOON,
            )  # fmt: skip
        await tx.execute(
            """insert into core.sync (id, name, template, source_connection, target_connection, state, mapping_version, created_at, updated_at)
               values ('s1', 's1', 't', 'books', 'crm', 'active', 1, $1, $1)""",
            NOON,
        )
        await tx.execute(
            """insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)
               values ('s1', 'deal', 'books', 'deal', 'crm', 'deal', '9', 1)"""
        )
        await tx.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', 'deal', 1, $1, $2)",
            to_jsonb(definition), NOON,
        )  # fmt: skip


def of_invoice(record: str, customer: str = "c", second: float = 1, total: str = "100.00", **fields: Any) -> ChangeEvent:  # fmt: skip
    return invoice(record, customer, second, total=total, balance=total, **fields)


def of_deal(record: str, account: str | None = "a", second: float = 1, kind: Any = "changed", **fields: Any) -> ChangeEvent:  # fmt: skip
    version = Version(stamp=NOON + timedelta(seconds=second), settled=kind == "deleted")
    usual = {"customer_id": account, "amount": "100", "stage": "Proposal", "closes_on": "2026-05-01"}
    told = {} if kind == "deleted" else usual | fields
    ids = (ConnectionId("crm"), Entity("deal"), RecordId(record))
    coverage: Any = {"changed": "list", "deleted": "gone"}[kind]
    return ChangeEvent(
        id=ChangeEvent.derive_id(*ids, version, coverage, told), connection=ids[0], vendor=VendorName("zoho-crm"), entity=ids[1],
        record=ids[2], kind=kind, version=version, coverage=coverage, fields=told, observed_at=version.stamp, via="read",
    )  # fmt: skip


RULE = ("100.00", "open deal")
HELD = ["For its account only: several open deals are within 5 % and 90 days: 7, 8."]


class TestAnInvoiceThatNamesNoDeal:
    @pytest.mark.parametrize("last", ["invoice", "deal", "link", "lists"])
    async def test_is_for_the_one_open_deal_of_its_account_whatever_is_known_last(
        self, world: World, last: str
    ) -> None:
        steps = {
            "lists": world.read(INVOICES, DEALS), "invoice": world.tell(of_invoice("i")), "deal": world.tell(of_deal("7")),
            "link": world.link("c", "a"),
        }  # fmt: skip
        final = steps.pop(last)
        for step in steps.values():
            await step
        assert await world.deals() == {}
        await final
        assert await world.deals() == {"7": RULE}
        assert (await world.said("i"))[-1] == "For deal 7: the one open deal within 5 % and 90 days."
        assert [command.record for command in world.mapper.wire.sent] == ["7"]

    async def test_is_for_a_contact_s_where_the_customer_is_one(self, world: World) -> None:
        await world.read(INVOICES, DEALS)
        await world.link("c", "p", "person")
        await world.tell(of_invoice("i"), of_deal("7", None, person_id="p"), of_deal("8", "other", person_id="p"))
        assert await world.deals() == {"7": RULE}

    async def test_stays_with_its_account_where_two_fit_and_says_so_once(self, world: World) -> None:
        await world.read(INVOICES, DEALS)
        await world.link("c", "a")
        await world.tell(of_deal("7"), of_deal("8"), of_invoice("i"))
        await world.tell(of_invoice("i", second=2, notes="again"), of_deal("8", second=3, next_step="call"))
        assert await world.deals() == {} and await world.said("i") == HELD
        await world.tell(of_deal("8", second=4, stage="Closed Lost"))
        assert await world.deals() == {"7": RULE}

    async def test_stays_with_it_when_it_is_paid_and_the_deal_is_won(self, world: World) -> None:
        await world.read(INVOICES, DEALS)
        await world.link("c", "a")
        await world.tell(of_deal("7"), of_invoice("i"))
        await world.tell(of_deal("7", second=2, stage="Closed Won", amount="180"))
        await world.tell(of_invoice("i", second=3, status="paid"), of_deal("8", second=3))
        assert await world.deals() == {"7": RULE}

    async def test_leaves_it_with_its_customer_its_link_or_the_deal(self, world: World) -> None:
        await world.read(INVOICES, DEALS)
        for customer, account in (("c", "a"), ("d", "b"), ("e", "f")):
            await world.link(customer, account)
        await world.tell(of_deal("7"), of_deal("8", "b"), of_deal("9", "f"))
        await world.tell(of_invoice("i"), of_invoice("j", "d"), of_invoice("k", "e"))
        assert await world.deals() == dict.fromkeys(("7", "8", "9"), RULE)
        await world.tell(of_invoice("i", "nobody", 2), of_deal("8", second=5, kind="deleted"))
        await world.link("e", "f", state="ended_right")
        assert await world.deals() == dict.fromkeys(("7", "8", "9"), ("0", None))
        assert (await world.said("k"))[-1] == "For its account only: its customer is linked to no account."

    async def test_that_names_one_at_last_is_for_that_one(self, world: World) -> None:
        await world.read(INVOICES, DEALS)
        await world.link("c", "a")
        await world.tell(of_deal("7"), of_invoice("i"))
        await world.tell(of_invoice("i", second=2, custom={"cf_crm_deal_id": "55"}))
        assert await world.deals() == {"7": ("0", None), "55": ("100.00", "custom field")}
        await world.tell(of_invoice("i", second=3, custom={"cf_crm_deal_id": None}))
        assert await world.deals() == {"7": RULE, "55": ("0", None)}

    async def test_is_for_none_while_it_is_a_draft_or_names_another(self, world: World) -> None:
        await world.read(INVOICES, DEALS)
        await world.link("c", "a")
        await world.tell(of_deal("7"), of_invoice("i", status="draft"))
        assert await world.deals() == {} and await world.said("i") == []
        await world.tell(of_invoice("n", custom={"cf_crm_deal_id": "7"}), of_invoice("i", second=2))
        assert await world.deals() == {"7": ("100.00", "custom field")}
        assert await world.said("i") == ["For its account only: deal 7, which fits, has another invoice."]


class TestDeals:
    async def test_are_read_and_heard_of_for_the_rule_and_judged_by_nobody(self, world: World) -> None:
        async with transaction(world.mapper.pool) as tx:
            configuration = await ConfigurationReader().read(tx)
        own, first = wanted_sources(configuration)
        assert (own, first) == (frozenset(), {INVOICES, DEALS})
        assert judged_sources(configuration) == {INVOICES, DEALS}
        heard = {(one.connection, one.subject) for one in heard_by(configuration)}
        assert ("crm", "deal") in heard

    async def test_a_crash_after_the_commit_leaves_a_wish_that_is_sent_by_itself(self, world: World) -> None:
        await world.read(INVOICES, DEALS)
        await world.link("c", "a")
        await world.tell(of_deal("7"))
        await world.mapper.handle(of_invoice("i"))
        world.mapper.wire.away = True
        with pytest.raises(Exception, match="away"):
            await world.choosing.step()
        world.mapper.wire.away = False
        # What was decided is committed, and its wish is sent by whoever sends what was not.
        assert await world.deals() == {"7": RULE} and await world.choosing.step() is False
        world.mapper.clock.advance(3_600)
        await world.mapper.publisher.republish()
        assert [command.record for command in world.mapper.wire.sent] == ["7"]


async def test_a_change_of_what_decides_nothing_makes_nobody_due(world: World) -> None:
    await world.read(INVOICES, DEALS)
    await world.tell(of_invoice("i"), of_deal("7"), change("customer", "c", 1, email="c@ex.org"))
    await world.mapper.handle(of_invoice("i", second=2, status="viewed", notes="x"))
    assert await world.mapper.rows("select 1 from flow.deal_due") == []
