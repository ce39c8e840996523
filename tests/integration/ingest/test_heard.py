"""Webhooks that tell of a record, but not all there is: one read completes all of one version, and none is made of what is known (decision 57)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import Receipt, Version
from common.state import read_requests
from common.state.pool import transaction
from common.state.read_requests import UNCOVERED, ReadRequest
from ingest.normaliser import ReceiptHandler
from ingest.reader import LEASE
from tests.integration.ingest.test_normaliser import NOW, Ingest, ingest, receipt
from vendors.registry import vendor_named
from vendors.vendor import Announcement, ReceiptReading, Source, Subject

__all__ = ["ingest"]
ORDER, SHOP = Entity("order"), ConnectionId("books")


class Telling:
    """A source whose webhooks have everything but the payments."""

    def receipt(self, receipt: Receipt) -> ReceiptReading:
        told = json.loads(receipt.body)
        heard = Announcement(_version(told["second"]), {"note": told["note"]})
        return ReceiptReading(thin=[Subject(ORDER, RecordId("1"), heard)])


def _version(second: int) -> Version:
    return Version(stamp=NOW + timedelta(seconds=second), settled=False)


def webhook(second: int, note: str = "") -> Delivered[Receipt]:
    return receipt(json.dumps({"second": second, "note": note}).encode())


@pytest.fixture(autouse=True)
def telling(ingest: Ingest) -> None:
    source: Any = Telling()
    typed: Source = source
    ingest.handler = ReceiptHandler(vendor_named("zoho-books"), typed, ingest.wire, ingest.wire, ingest.clock)


async def request(ingest: Ingest) -> tuple[int, datetime, dict[str, Any] | None]:
    """How often it was asked for, the version and what was heard of it."""
    (row,) = await ingest.open_requests()
    return row["asked"], Version.of_sequence(row["version"]).stamp, row["heard"]


async def told_in_detail(ingest: Ingest, second: int) -> None:
    async with transaction(ingest.pool) as tx:
        await tx.execute(
            """insert into flow.record_state (connection, entity, record, fields, told, sequence, detail, first_at, changed_at)
               values ($1, $2, '1', '{}', '{}', $3, $3, $4, $4)""",
            SHOP, ORDER, _version(second).sequence, NOW,
        )  # fmt: skip


class TestWebhooksOfOneVersion:
    async def test_are_one_read_also_while_it_is_under_way(self, ingest: Ingest) -> None:
        await ingest.handle(webhook(1), webhook(1))
        async with transaction(ingest.pool) as tx:
            token, (taken,) = await read_requests.lease(tx, ingest.clock.now(), count=5, within=LEASE)
        assert taken.heard == {"note": ""}
        await ingest.handle(webhook(1))
        async with transaction(ingest.pool) as tx:
            assert await read_requests.answered(tx, token, [taken]) == [taken]
        assert ingest.wire.sent == []

    async def test_of_a_newer_one_are_read_after_a_read_that_was_under_way(self, ingest: Ingest) -> None:
        await ingest.handle(webhook(1))
        async with transaction(ingest.pool) as tx:
            token, (taken,) = await read_requests.lease(tx, ingest.clock.now(), count=5, within=LEASE)
        await ingest.handle(webhook(2, "wrap it"))
        async with transaction(ingest.pool) as tx:
            assert await read_requests.answered(tx, token, [taken]) == []
        assert await request(ingest) == (2, NOW + timedelta(seconds=2), {"note": "wrap it"})

    @pytest.mark.parametrize("together", [True, False])
    async def test_leave_what_the_newest_has_told_in_whatever_order_they_come(
        self, ingest: Ingest, together: bool
    ) -> None:
        told = [webhook(2, "b"), webhook(3, "c"), webhook(1, "a")]
        for some in [told] if together else [[one] for one in told]:
            await ingest.handle(*some)
        asked, *heard = await request(ingest)
        assert heard == [NOW + timedelta(seconds=3), {"note": "c"}]
        assert asked == (1 if together else 2)

    @pytest.mark.parametrize("together", [True, False])
    async def test_that_differ_have_the_record_read_as_a_whole(self, ingest: Ingest, together: bool) -> None:
        for some in [[webhook(1), webhook(1, "b")]] if together else [[webhook(1)], [webhook(1, "b")]]:
            await ingest.handle(*some)
        assert (await request(ingest))[2] is None

    async def test_leave_nothing_where_somebody_wants_the_whole_record(self, ingest: Ingest) -> None:
        whole = ReadRequest(SHOP, ORDER, RecordId("1"), "unsettled", NOW)
        async with transaction(ingest.pool) as tx:
            await read_requests.ask(tx, [whole], NOW)
        await ingest.handle(webhook(1))
        assert (await request(ingest))[2] is None

    @pytest.mark.parametrize(("second", "stays"), [(1, True), (2, False)])
    async def test_and_a_listing_are_one_read_of_the_newer(self, ingest: Ingest, second: int, stays: bool) -> None:
        """What was heard of an older version is nothing of the newer one."""
        await ingest.handle(webhook(1))
        listed = ReadRequest(SHOP, ORDER, RecordId("1"), UNCOVERED, NOW, version=_version(second).sequence)
        async with transaction(ingest.pool) as tx:
            await read_requests.ask(tx, [listed], NOW)
        assert await request(ingest) == (
            1 if stays else 2, NOW + timedelta(seconds=second), {"note": ""} if stays else None,
        )  # fmt: skip


class TestWebhooksOfWhatIsKnown:
    @pytest.mark.parametrize("known", [1, 2])
    async def test_cost_no_read_and_are_told_as_they_are(self, ingest: Ingest, known: int) -> None:
        """Whether they tell something else of the same second is the mapper's to see (R10)."""
        await told_in_detail(ingest, known)
        (event,) = await ingest.handle(webhook(1, "b"))
        assert (event.vendor, event.coverage, event.fields) == (VendorName("zoho-books"), "hook", {"note": "b"})
        assert (await ingest.open_requests(), ingest.wire.woken) == ([], 0)

    async def test_in_an_older_version_are_read(self, ingest: Ingest) -> None:
        await told_in_detail(ingest, 0)
        assert await ingest.handle(webhook(1)) == []
        assert (await request(ingest))[0] == 1 and ingest.wire.woken == 1

    async def test_but_was_deleted_are_read(self, ingest: Ingest) -> None:
        await told_in_detail(ingest, 1)
        async with transaction(ingest.pool) as tx:
            await tx.execute("update flow.record_state set deleted = true")
        assert await ingest.handle(webhook(1)) == []
        assert (await request(ingest))[0] == 1
