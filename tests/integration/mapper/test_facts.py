"""What invoices and payments tell of their customers, through the mapper's own transaction on a real database."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.contracts.ids import ConnectionId, Entity, RecordId, RunId, VendorName
from common.contracts.messages import ChangeEvent, Version, WriteCommand
from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from common.state import feeding
from common.state.configuration import ConfigurationReader
from common.state.polls import Polled
from common.state.pool import Pool, close_pool, open_pool, transaction
from mapper import feed_rows
from mapper.fact_clock import FactClock
from mapper.mapping.fact_use import with_facts
from mapper.mappings import Mappings
from mapper.preview import preview
from tests.integration.mapper.test_handlers import EMAIL, NOON, Mapper, configure
from tests.support.database import Database
from tests.support.statements import CountedPool

INVOICES = Polled(ConnectionId("books"), Entity("invoice"))
PAYMENTS = Polled(ConnectionId("books"), Entity("payment"))
NAMES = ("invoice_count", "last_invoice_on", "outstanding_in", "overdue_in", "payment_status", "currencies")
ROWS = (EMAIL, *(MappingRow(f"merge.F{n}", f"facts.{name}") for n, name in enumerate(NAMES)))


def named(*rows: MappingRow, version: int = 1, **more: Any) -> MappingDefinition:
    return with_facts(MappingDefinition(version, rows, key="email", **more))


def change(entity: str, record: str, second: float, *, kind: Any = "changed", via: Any = "webhook", run: str | None = None, **fields: Any) -> ChangeEvent:  # fmt: skip
    version = Version(stamp=NOON + timedelta(seconds=second), settled=via == "read")
    coverage: Any = {"changed": "list", "deleted": "gone"}[kind]
    ids = (ConnectionId("books"), Entity(entity), RecordId(record))
    return ChangeEvent(
        id=ChangeEvent.derive_id(*ids, version, coverage, fields), connection=ids[0], vendor=VendorName("zoho-books"), entity=ids[1],
        record=ids[2], kind=kind, version=version, coverage=coverage, fields=fields, observed_at=version.stamp, via=via,
        run=RunId(run) if run else None,
    )  # fmt: skip


def customer(record: str, second: float = 1, **fields: Any) -> ChangeEvent:
    return change(
        "customer", record, second, email=f"{record}@ex.org", created_at="2025-01-01T00:00:00+00:00", **fields
    )


def invoice(record: str, of: str, second: float = 1, *, kind: Any = "changed", via: Any = "webhook", run: str | None = None, **fields: Any) -> ChangeEvent:  # fmt: skip
    usual = {"status": "sent", "currency": "EUR", "balance": "10.00", "issued_on": "2026-04-20", "due_on": "2026-05-20"}
    told = {} if kind == "deleted" else {"customer_id": of, **usual, **fields}
    return change("invoice", record, second, kind=kind, via=via, run=run, **told)


@dataclass
class World:
    mapper: Mapper
    owner: Pool
    clock: FactClock

    async def handle(self, *events: ChangeEvent) -> list[WriteCommand]:
        return await self.mapper.handle(*events)

    async def ready(self, *polled: Polled) -> None:
        """These were listed whole, and told of nobody."""
        async with transaction(self.mapper.pool) as tx:
            await feeding.want(tx, polled or (INVOICES,), NOON)
            for one in polled or (INVOICES,):
                await feeding.listed(tx, one, "full.1", NOON, 0)
            await feeding.arrive(tx, NOON)

    async def day(self, days: float) -> list[WriteCommand]:
        """So many days go by."""
        before = len(self.mapper.wire.sent)
        self.mapper.clock.advance(days * 86_400)
        while await self.clock.step():
            pass
        return self.mapper.wire.sent[before:]

    async def documents(self) -> dict[str, Any]:
        rows = await self.mapper.rows("select record, document from flow.wanted where entity = 'customer'")
        return {row["record"]: row["document"] for row in rows}

    async def facts(self, record: str) -> dict[str, Any]:
        document = (await self.documents())[record]
        return {name: document.get(f"merge.F{n}") for n, name in enumerate(NAMES)}


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    await configure(owner, named(*ROWS))
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    mapper = Mapper(pool)
    yield World(mapper, owner, FactClock(pool, mapper.clock, ConfigurationReader(), Mappings(), mapper.publisher))
    await close_pool(pool)
    await close_pool(owner)


class TestAnInvoice:
    async def test_changes_its_customer_in_the_same_transaction(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("c"))
        (command,) = await world.handle(invoice("i", "c"))
        assert (command.record, command.entity, command.revision) == ("c", "customer", 2)
        assert await world.facts("c") == {
            "invoice_count": 1, "last_invoice_on": "2026-04-20", "outstanding_in": {"EUR": "10.00"}, "overdue_in": None,
            "payment_status": "open", "currencies": ["EUR"],
        }  # fmt: skip

    async def test_that_changes_no_fact_is_no_command(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("c"), invoice("i", "c", number="A"))
        assert await world.handle(invoice("i", "c", 2, number="B")) == []

    async def test_may_come_before_its_customer(self, world: World) -> None:
        await world.ready()
        assert await world.handle(invoice("i", "c")) == []
        await world.handle(customer("c"))
        assert (await world.facts("c"))["invoice_count"] == 1

    async def test_that_moves_changes_both(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("a"), customer("b"), invoice("i", "a"))
        assert sorted(c.record for c in await world.handle(invoice("i", "b", 2))) == ["a", "b"]
        found = [(await world.facts(one))["invoice_count"] for one in ("a", "b")]
        assert found == [0, 1]

    async def test_that_is_deleted_or_void_is_not_counted(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("c"), invoice("i", "c"), invoice("v", "c"))
        await world.handle(invoice("i", "c", 9, kind="deleted", via="read"), invoice("v", "c", 9, status="void"))
        assert (await world.facts("c"))["payment_status"] == "none"
        # What was told before it was deleted changes nothing any more.
        assert await world.handle(invoice("i", "c", 5)) == []

    async def test_counts_nobody_twice_when_a_topic_is_read_again(self, world: World) -> None:
        await world.ready()
        events = [customer("c"), *(invoice(str(n), "c") for n in range(5))]
        await world.handle(*events)
        assert await world.handle(*events, *events) == []
        assert (await world.facts("c"))["invoice_count"] == 5

    async def test_tells_of_no_run_but_the_days(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("c"))
        await world.handle(invoice("i", "c", run="poll.7"))
        runs = await world.mapper.rows("select run, outcome from flow.run_record order by entered_at, revision")
        assert {row["run"] for row in runs} == {"s1.live.2026-05-04"}

    async def test_is_said_to_be_why(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("c"))
        event = invoice("i", "c", due_on="2026-05-01")
        await world.handle(event)
        (row,) = await world.mapper.rows(
            "select event_id, details from flow.journal where step = 'mapped' and revision = 2"
        )
        assert row["event_id"] == event.id
        assert row["details"]["made_of"] == {"on": "2026-05-04", "invoices": ["i"], "open": ["i"], "late": ["i"]}
        assert row["details"]["facts"]["payment_status"] == "overdue"


class TestABill:
    async def test_changes_its_supplier_where_a_leg_starts_from_suppliers(self, world: World) -> None:
        """Off by default: a customer's facts know of no bill."""
        async with transaction(world.owner) as tx:
            await tx.execute("update core.leg set source_entity = 'supplier'")
        supplier = change("supplier", "v", 1, email="v@ex.org", created_at="2025-01-01T00:00:00+00:00")
        told = {"supplier_id": "v", "status": "open", "currency": "EUR", "balance": "7.50", "issued_on": "2026-04-20"}
        assert await world.handle(supplier) == [], "nothing is written before all bills have been read"
        await world.ready(Polled(ConnectionId("books"), Entity("bill")))
        (command,) = await world.handle(change("bill", "b", 2, **told, due_on="2026-05-01"))
        assert (command.record, command.document["merge.F4"]) == ("v", "overdue")
        assert command.document["merge.F3"] == {"EUR": "7.50"}


class TestBatchesAtOnce:
    async def test_of_each_others_customers_never_wait_crosswise(self, world: World) -> None:
        """Each changes one customer, and an invoice of the customer that the other one changes."""
        await world.ready()
        await world.handle(customer("a"), customer("b"))

        async def work(own: str, other: str) -> None:
            for n in range(15):
                second, record = 2 + n, f"{own}{n}"
                # A customer that sorts before the invoice, in a batch that locks both.
                await world.handle(customer(own, second, first_name=str(n)), invoice(record, other, second))

        await asyncio.gather(work("a", "b"), work("b", "a"))
        assert [(await world.facts(one))["invoice_count"] for one in ("a", "b")] == [15, 15]

    async def test_of_one_customer_lose_none_of_its_invoices(self, world: World) -> None:
        await world.ready()
        await asyncio.gather(world.handle(customer("c")), *(world.handle(invoice(str(n), "c")) for n in range(12)))
        assert (await world.facts("c"))["invoice_count"] == 12


class TestUntilAllWasRead:
    async def test_nobody_has_facts(self, world: World) -> None:
        async with transaction(world.mapper.pool) as tx:
            await feeding.want(tx, [INVOICES], NOON)
        assert await world.handle(customer("c"), invoice("1", "c", run="full.3")) == []
        (line,) = await world.mapper.rows("select outcome, reason from flow.run_record")
        assert tuple(line) == ("skipped", "facts_unread")

    async def test_those_who_waited_are_judged_once_all_have_arrived(self, world: World) -> None:
        async with transaction(world.mapper.pool) as tx:
            await feeding.want(tx, [INVOICES], NOON)
        await world.handle(customer("c"), customer("d"), invoice("1", "c", run="full.3"))
        async with transaction(world.mapper.pool) as tx:
            await feeding.listed(tx, INVOICES, "full.3", NOON, 2)
        assert await world.day(0) == []
        await world.handle(invoice("2", "c", run="full.3"))
        assert sorted(c.record for c in await world.day(0)) == ["c", "d"]
        assert (await world.facts("c"))["invoice_count"] == 2
        assert await world.mapper.rows("select from flow.feed_met") == []

    async def test_a_listing_from_before_the_wish_proves_nothing_and_is_made_once_more_at_once(
        self, world: World
    ) -> None:
        later = NOON + timedelta(minutes=5)
        async with transaction(world.mapper.pool) as tx:
            await tx.execute(
                "insert into flow.poll (connection, entity, place, next_at, ended_at, whole_at) values ($1, $2, $3, $4, $5, $5)",
                *INVOICES, later, NOON,
            )  # fmt: skip
            await feeding.want(tx, [INVOICES], NOON)
            # Whoever listed meanwhile says when it looks again.
            await tx.execute("update flow.poll set next_at = $1, whole_at = $2", later, NOON)
            await feeding.listed(tx, INVOICES, "full.2", NOON - timedelta(seconds=1), 0)
            assert await feeding.arrive(tx, NOON) == []
            assert tuple(await tx.fetchrow("select next_at, whole_at from flow.poll")) == (NOON, None)

    async def test_a_version_that_names_facts_waits(self, world: World) -> None:
        await configure(world.owner, MappingDefinition(2, (EMAIL,), key="email"))
        await world.handle(customer("c"))
        while await world.mapper.remapper.step():
            pass
        await configure(world.owner, named(*ROWS, version=3))
        assert not await world.mapper.remapper.step()
        await world.ready()
        assert await world.mapper.remapper.step()
        assert (await world.facts("c"))["invoice_count"] == 0

    async def test_what_is_gone_leaves_all_the_same(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("c"))
        await world.mapper.rows("update flow.feeding set ready_at = null")
        (command,) = await world.handle(change("customer", "c", 9, kind="deleted", via="read"))
        assert command.wish == "absent"


class TestTheCalendar:
    async def test_makes_an_invoice_late(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("c"), customer("d"), invoice("i", "c", due_on="2026-05-06"))
        assert await world.day(2) == []
        (command,) = await world.day(1)
        assert (command.record, (await world.facts("c"))["overdue_in"]) == ("c", {"EUR": "10.00"})
        assert await world.mapper.rows("select from flow.fact_due") == []

    async def test_begins_a_day_where_the_account_is(self, world: World) -> None:
        await world.mapper.rows("select 1")
        async with transaction(world.owner) as tx:
            await tx.execute(
                """update core.connection set details = '{"time_zone": "America/New_York"}' where id = 'books'"""
            )
        await world.ready()
        await world.handle(customer("c"), invoice("i", "c", due_on="2026-05-04"))
        (row,) = await world.mapper.rows("select next_at from flow.fact_due")
        assert row["next_at"] == datetime(2026, 5, 5, 4, tzinfo=UTC)

    async def test_looks_at_nobody_else(self, world: World) -> None:
        async with transaction(world.owner) as tx:
            await tx.execute(
                "insert into flow.fact_due select 'books', 'customer', n::text, $1::timestamptz + n * interval '1 minute' from generate_series(1, 20000) n",
                NOON,
            )
            await tx.execute("analyze flow.fact_due")
            found = await feed_rows.due(tx, NOON + timedelta(minutes=3), 500)
            plan = await tx.fetch(f"explain {feed_rows.DUE}", NOON + timedelta(minutes=3), 500)
        assert [key.record for key in found] == ["1", "2", "3"]
        assert "Index Scan using fact_due_next" in " ".join(row[0] for row in plan)

    async def test_of_a_mapping_that_names_no_facts_any_more_nothing_is_due(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("c"), invoice("i", "c", due_on="2026-05-06"))
        await configure(world.owner, MappingDefinition(2, (EMAIL,), key="email"))
        while await world.mapper.remapper.step():
            pass
        assert await world.day(5) == []
        assert await world.mapper.rows("select from flow.fact_due") == []


CHURN = MappingRow("tags", "facts.inactive", (Transform("tag_if", {"equals": True, "tag": "inactive"}),))


class TestInactive:
    async def test_is_a_tag_on_its_day_and_none_after_the_next_invoice(self, world: World) -> None:
        await configure(world.owner, named(EMAIL, CHURN, version=2, options={"inactive_after": 30}))
        await world.ready()
        await world.handle(customer("c"), invoice("i", "c", issued_on="2026-04-20"))
        assert (await world.documents())["c"]["tags"] == []
        (command,) = await world.day(16)
        assert command.document["tags"] == ["inactive"]
        (command,) = await world.handle(invoice("j", "c", issued_on="2026-05-20"))
        assert command.document["tags"] == []

    async def test_may_be_archived_and_comes_back(self, world: World) -> None:
        await configure(world.owner, named(EMAIL, version=2, on_inactive="archive"))
        await world.ready()
        (command,) = await world.handle(customer("c"))
        assert (command.wish, command.skip, command.document["how"]) == ("absent", "inactive", "archive")
        (command,) = await world.handle(invoice("j", "c", issued_on="2026-05-01"))
        assert (command.wish, command.skip) == ("present", "")


class TestPreview:
    async def test_says_what_the_run_says(self, world: World) -> None:
        await world.ready()
        await world.handle(customer("c"), customer("d"), invoice("i", "c"))
        async with transaction(world.mapper.pool) as tx:
            (leg,) = (await ConfigurationReader().read(tx)).legs()
        found = await preview(world.mapper.pool, leg, now=NOON)
        assert (found.total, found.counts["unchanged"], found.unread_facts) == (2, 2, False)
        await world.mapper.rows("update flow.feeding set ready_at = null")
        assert (await preview(world.mapper.pool, leg, now=NOON)).unread_facts


class TestStatements:
    async def test_a_batch_costs_the_same_whatever_its_size(self, world: World) -> None:
        await world.ready()
        counts = []
        for number, many in enumerate((1, 100)):
            await world.handle(*(customer(f"{number}-{n}") for n in range(many)))
            counted = CountedPool(world.mapper.pool)
            async with transaction(counted) as tx:  # type: ignore[arg-type]
                events = [invoice(f"{number}-{n}", f"{number}-{n}") for n in range(many)]
                await world.mapper.handler.store([_delivered(n, event) for n, event in enumerate(events)], tx)
            counts.append(len(counted.statements))
        assert counts[0] == counts[1] <= 22, counted.statements


def _delivered(offset: int, event: ChangeEvent) -> Any:
    from common.bus.handler import Delivered
    from tests.integration.mapper.test_handlers import _record

    return Delivered(event, _record(offset, event))


# --- any order, against somebody who only looks at how it ended


def history(seed: int) -> tuple[list[ChangeEvent], dict[str, dict[str, Any]]]:
    """What happened to a few invoices of a few customers, and how each of them ended; told by nobody's rules but the vendor's."""
    dice = random.Random(seed)
    customers = [f"{seed}-{n}" for n in range(3)]
    told: list[ChangeEvent] = [customer(one, dice.randint(1, 99)) for one in customers]
    ended: dict[str, dict[str, Any]] = {}
    for number in range(dice.randint(1, 8)):
        name, last = f"{seed}-i{number}", dice.randint(1, 5)
        for step in range(1, last + 1):
            of = dice.choice(customers)
            fields = {
                "status": dice.choice(["sent", "paid", "void", "draft", "overdue", "partially_paid"]),
                "currency": dice.choice(["EUR", "USD", "JPY"]), "balance": dice.choice(["0.00", "0.10", "19.99", "7"]),
                "issued_on": f"2026-0{dice.randint(1, 4)}-11", "due_on": f"2026-05-0{dice.randint(1, 9)}",
            }  # fmt: skip
            # What came last is read by id in the end, whatever webhooks were lost before.
            told.append(invoice(name, of, 100 + step, via="read" if step == last else "webhook", **fields))
            ended[name] = {**fields, "of": of}
        if dice.random() < 0.25:
            told.append(invoice(name, "", 200, kind="deleted", via="read"))
            del ended[name]
    return told, ended


def shuffled(told: Sequence[ChangeEvent], seed: int) -> list[list[ChangeEvent]]:
    """Twice, lost in parts, in any order, in batches of any size; but nothing is lost that was read by id, nor a customer."""
    dice = random.Random(seed + 1)
    kept = [one for one in told if one.via == "read" or one.entity == "customer" or dice.random() < 0.8]
    events = kept + [one for one in kept if dice.random() < 0.4]
    dice.shuffle(events)
    batches = []
    while events:
        size = dice.randint(1, 6)
        batches.append(events[:size])
        events = events[size:]
    return batches


def counted(invoices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The same by hand."""
    real = [one for one in invoices if one["status"] not in ("draft", "void")]
    owing = [one for one in real if Decimal(one["balance"]) > 0]
    late = [one for one in owing if one["due_on"] < "2026-05-04"]
    per = [{}, {}]  # type: list[dict[str, Decimal]]
    for sums, listed in zip(per, (owing, late), strict=True):
        for one in listed:
            sums[one["currency"]] = sums.get(one["currency"], Decimal(0)) + Decimal(one["balance"])
    shown = [{currency: str(amount) for currency, amount in sums.items()} or None for sums in per]
    status = "overdue" if late else "open" if owing else "paid" if real else "none"
    return {
        "invoice_count": len(real), "last_invoice_on": max((one["issued_on"] for one in real), default=None), "outstanding_in": shown[0],
        "overdue_in": shown[1], "payment_status": status, "currencies": sorted({one["currency"] for one in real}) or None,
    }  # fmt: skip


class TestAnyOrder:
    @pytest.mark.parametrize("first", range(0, 40, 10))
    async def test_ends_as_what_happened_last_says(self, world: World, first: int) -> None:
        await world.ready()
        for seed in range(first, first + 10):
            told, ended = history(seed)
            for batch in shuffled(told, seed):
                await world.handle(*batch)
            for one in {event.record for event in told if event.entity == "customer"}:
                wanted = counted([fields for fields in ended.values() if fields["of"] == one])
                assert await world.facts(one) == wanted, (seed, one)
