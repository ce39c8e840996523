"""What a shop's webhooks tell of the shop itself, and what they tell twice: on a real database, with the topic in hand."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.bus.producer import Outgoing
from common.bus.record import RawRecord
from common.clock import FixedClock
from common.contracts.ids import ConnectionId, Entity, VendorName
from common.contracts.messages import Receipt
from common.state import channels, privacy
from common.state.channels import HeardSubject
from common.state.pool import Pool, close_pool, open_pool, transaction
from ingest import notices
from ingest.normaliser import ReceiptHandler
from ingest.receipt_message import keeping
from tests.support.database import Database
from vendors.registry import vendor_named
from vendors.vendor import HookRequest

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SHOP, VERSION = "demo.myshopify.com", "2026-04"
VENDOR = vendor_named(VendorName("shopify"))
ORDER = {
    "id": 7, "name": "#7", "currency": "EUR", "presentment_currency": "EUR", "line_items": [], "shipping_lines": [], "financial_status": "paid",
    "total_price_set": {"shop_money": {"amount": "5.00"}, "presentment_money": {"amount": "5.00"}}, "updated_at": "2026-11-28T11:00:00+00:00",
}  # fmt: skip
ASKED = {
    "shop_id": 5, "shop_domain": SHOP, "customer": {"id": 9, "email": "ada@shop.example", "phone": None}, "orders_requested": [7],
    "data_request": {"id": 3},
}  # fmt: skip


@dataclass
class Ingest:
    pool: Pool
    owner: Pool
    clock: FixedClock
    sent: list[Outgoing] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        assert VENDOR.source is not None
        self.handler = ReceiptHandler(VENDOR, VENDOR.source, self, self, self.clock)

    async def send_all(self, messages: Sequence[Outgoing]) -> Sequence[Any]:
        self.sent += messages
        return ()

    def wake(self) -> None:
        """Nobody reads here."""

    async def hear(self, topic: str, body: Mapping[str, Any], webhook: str = "", event: str = "e", version: str = VERSION) -> None:  # fmt: skip
        """One webhook, from the gateway's message to the database and the topic."""
        assert VENDOR.inbox is not None
        headers = {
            "x-shopify-topic": topic, "x-shopify-shop-domain": SHOP, "x-shopify-api-version": version, "x-shopify-event-id": event,
            "x-shopify-webhook-id": webhook or f"w{next(self.numbers)}",
        }  # fmt: skip
        request = HookRequest("POST", "/hooks/shopify/shop", "", headers, json.dumps(body).encode(), "")
        kept = keeping(request, VENDOR.name, ConnectionId("shop"), VENDOR.inbox, "signature", self.clock.now())
        record = RawRecord("receipts.shopify", 0, 0, kept.key.encode(), kept.value, (), 0)
        batch = [Delivered(Receipt.model_validate_json(kept.value), record)]
        if self.handler.stores(batch):
            async with transaction(self.pool) as tx:
                await self.handler.store(batch, tx)
        assert batch[0].failure is None
        await self.handler.after(batch)

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        async with transaction(self.owner) as tx:
            return [dict(row) for row in await tx.fetch(statement, *values)]


@pytest.fixture
async def ingest(database: Database) -> AsyncIterator[Ingest]:
    owner = await open_pool(database.owner_url, name="owner", size=1)
    pool = await open_pool(database.url("service"), name="ingest", size=2)
    made = Ingest(pool, owner, FixedClock(NOW))
    await made.rows(
        "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ('shop', 'shopify', 'shop', 'active', $1, $1)",
        NOW,
    )
    yield made
    await close_pool(pool)
    await close_pool(owner)


class TestUninstalled:
    async def test_makes_the_next_audit_due_and_decides_nothing(self, ingest: Ingest) -> None:
        async with transaction(ingest.pool) as tx:
            await channels.want(tx, [HeardSubject(ConnectionId("shop"), "order")], NOW + timedelta(hours=1))
        await ingest.hear("app/uninstalled", {"id": 5, "myshopify_domain": SHOP})
        [row] = await ingest.rows("select next_at from flow.channel")
        assert row["next_at"] == NOW
        assert await ingest.rows("select * from core.gate") == []


class TestVersions:
    async def test_another_version_is_told_once_however_many_webhooks_carry_it(self, ingest: Ingest) -> None:
        await ingest.hear("orders/updated", ORDER)
        assert await ingest.rows("select * from core.notification") == []
        for number in range(3):
            await ingest.hear("orders/updated", ORDER | {"note": f"{number}"}, version="2026-10")
        # A process that has just started knows nothing of it.
        ingest.__post_init__()
        await ingest.hear("orders/updated", ORDER | {"note": "again"}, version="2026-10")
        [told] = await ingest.rows("select connection, code, message, resolved_at from core.notification")
        assert (told["connection"], told["code"], "2026-10" in told["message"]) == ("shop", "SH_VERSION_OTHER", True)
        async with transaction(ingest.pool) as tx:
            await notices.untell(tx, ConnectionId("shop"), ["version.webhooks"], NOW)
        [told] = await ingest.rows("select resolved_at from core.notification")
        assert told["resolved_at"] == NOW


class TestRepeats:
    async def test_cost_no_read_and_tell_nothing(self, ingest: Ingest) -> None:
        await ingest.hear("orders/paid", ORDER, webhook="one", event="paid")
        asked = await ingest.rows("select entity, record, asked from flow.read_request")
        assert asked == [{"entity": "order", "record": "7", "asked": 1}]
        # The vendor has read no answer; and a second subscription tells of the same event.
        await ingest.hear("orders/paid", ORDER, webhook="one", event="paid")
        await ingest.hear("orders/paid", ORDER, webhook="two", event="paid")
        assert await ingest.rows("select entity, record, asked from flow.read_request") == asked
        await ingest.hear(
            "orders/updated", ORDER | {"updated_at": "2026-11-28T11:00:05+00:00"}, webhook="three", event="more"
        )
        assert [one["asked"] for one in await ingest.rows("select asked from flow.read_request")] == [2]

    async def test_whole_ones_are_told_once(self, ingest: Ingest) -> None:
        whole = ORDER | {"financial_status": "pending"}
        for webhook in ("one", "one", "two"):
            await ingest.hear("orders/create", whole, webhook=webhook, event="placed")
        assert len(ingest.sent) == 1


class TestPrivacy:
    async def test_export_is_asked_for_once_with_one_notice_and_no_name(self, ingest: Ingest) -> None:
        for _ in range(2):
            await ingest.hear("customers/data_request", ASKED)
        [row] = await ingest.rows("select * from flow.privacy_request")
        assert (row["kind"], row["entities"], row["records"], row["reference"]) == (
            "export",
            ["customer", "order"],
            ["9", "7"],
            "3",
        )
        [notice] = await ingest.rows("select kind, message from core.notification")
        assert notice["kind"] == "privacy.export" and row["id"] in notice["message"]
        assert "ada@" not in f"{row}{notice}"

    async def test_shop_that_is_connected_is_not_emptied_by_a_message_that_came_late(self, ingest: Ingest) -> None:
        await ingest.rows(
            "insert into flow.record_state (connection, entity, record, fields, first_at, changed_at) values ('shop', 'customer', '9', '{\"email\": \"a\"}', $1, $1)",
            NOW,
        )
        await ingest.hear("shop/redact", {"shop_id": 5, "shop_domain": SHOP})
        await run(ingest)
        [row] = await ingest.rows("select state from flow.privacy_request")
        [state] = await ingest.rows("select fields, redacted from flow.record_state")
        assert (row["state"], state) == ("refused", {"fields": {"email": "a"}, "redacted": ""})

    async def test_shop_that_left_is_emptied_and_starts_anew_when_it_comes_back(self, ingest: Ingest) -> None:
        await ingest.rows(
            "insert into flow.record_state (connection, entity, record, fields, told, sequence, first_at, changed_at) select 'shop', 'customer', n::text, '{\"email\": \"a\"}', '{\"email\": \"1\"}', '1', $1, $1 from generate_series(1, 450) as n",
            NOW,
        )
        await ingest.rows(
            "insert into flow.poll (connection, entity, cursor, next_at, whole_at) values ('shop', 'customer', 'c', $1, $1)",
            NOW + timedelta(days=1),
        )
        await ingest.rows("select core.set_gate('shop', 'needs_reauth', null, $1, 'C', 'm')", NOW)
        await ingest.hear("shop/redact", {"shop_id": 5, "shop_domain": SHOP})
        await run(ingest)
        counted = "select count(*) filter (where fields = '{}' and redacted = 'account') as gone, count(*) as all from flow.record_state"
        assert await ingest.rows(counted) == [{"gone": 450, "all": 450}]
        [row] = await ingest.rows("select state, redacted from flow.privacy_request")
        assert row == {"state": "done", "redacted": 450}
        await ingest.rows("select core.clear_gate('shop', 'needs_reauth', $1)", NOW)
        await run(ingest)
        assert await ingest.rows("select count(*) from flow.record_state where redacted = '' and told = '{}'") == [
            {"count": 450}
        ]
        [poll] = await ingest.rows("select cursor, whole_at from flow.poll")
        assert poll == {"cursor": "", "whole_at": None}


def nothing_inside(_: VendorName) -> Mapping[Entity, Entity]:
    """A shop keeps no records inside others."""
    return {}


async def run(ingest: Ingest) -> None:
    """The job until it has nothing to do for an hour; a batch that is rolled back in its midst is taken again."""
    async with ingest.pool.acquire() as link:
        with pytest.raises(ZeroDivisionError):
            async with link.transaction():
                await privacy.step(link, ingest.clock.now(), nothing_inside)
                raise ZeroDivisionError
    for _ in range(60):
        working = True
        while working:
            async with transaction(ingest.pool) as tx:
                working = await privacy.step(tx, ingest.clock.now(), nothing_inside)
        ingest.clock.advance(60)
