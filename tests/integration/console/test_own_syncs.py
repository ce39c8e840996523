"""A vendor's own sync with the other side, seen by its marks: ours is refused, and one that runs stops writing and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import pytest

from common.api.refusal import Refusal
from common.contracts.ids import Entity, RecordId, VendorName
from common.contracts.messages import Version
from tests.support.database import Database
from tests.support.two_legs import DESK, NOON, PEOPLE, VENDOR, DeskSource, TwoLegs, leg, told, two_legs
from vendors.own_sync import OwnSync
from vendors.registry import VENDORS
from vendors.vendor import Page, Source, State, Vendor
from vendors.zoho.own_sync import ZB_OWN_CRM_SYNC

# A code that is registered, as refusals look it up.
KEPT = ZB_OWN_CRM_SYNC
OWN = OwnSync(Entity("customer"), "kept", DESK, KEPT)


class ListedSource(DeskSource):
    """Its list has a page with one record."""

    kept = False

    async def pages(self, connection: object, entity: Entity, since: object, api: object) -> AsyncIterator[Page]:
        version = Version(stamp=NOON, settled=True)
        yield Page(
            [State(entity, RecordId("1"), "changed", version, "list", {"kept": self.kept}, NOON)], None, complete=True
        )


@pytest.fixture
def source() -> ListedSource:
    return ListedSource()


@pytest.fixture
async def world(database: Database, source: ListedSource) -> AsyncIterator[TwoLegs]:
    """Either desk may keep its people in step with the other's."""
    async with two_legs(database) as world:
        vendor = replace(VENDOR, own_syncs=(OWN,), source=cast(Source, source))
        cast(dict[VendorName, Vendor], VENDORS)[DESK] = vendor
        world.applying._drafting._vendors = {DESK: vendor}
        yield world


async def state(world: TwoLegs) -> str:
    return str((await world.syncs.show("both")).row.state)


async def notices(world: TwoLegs) -> list[str]:
    found = await world.rows(
        "select message from core.notification where kind = 'sync.own_sync' and resolved_at is null"
    )
    return [row["message"] for row in found]


class TestBeforeItStarts:
    async def test_it_is_refused_in_one_sentence_and_nothing_is_stored(self, world: TwoLegs) -> None:
        await world.apply(leg("invoice", "slip", place="South"), name="other")
        await world.handle(told("customer", 1, "1", number="A", kept=True), told("customer", 1, "2", number="B"))
        for does in (world.applying.plan(world.body(PEOPLE).wish()), world.apply(PEOPLE)):
            with pytest.raises(Refusal) as refused:
                await does
            assert refused.value.code is KEPT
            assert "Of 2 records of left it keeps 1." in str(refused.value.detail)
        assert [row["name"] for row in await world.rows("select name from core.sync")] == ["other"]

    async def test_of_an_account_that_nobody_has_read_its_list_is_asked(
        self, world: TwoLegs, source: ListedSource
    ) -> None:
        source.kept = True
        with pytest.raises(Refusal) as refused:
            await world.apply(PEOPLE)
        assert "Of 1 records of left it keeps 1." in str(refused.value.detail)
        source.kept = False
        assert (await world.apply(PEOPLE)).outcome == "created"

    async def test_a_person_who_has_switched_it_off_says_so(self, world: TwoLegs) -> None:
        await world.handle(told("customer", 1, number="A", kept=True))
        assert (await world.apply(PEOPLE | {"options": {"own_sync": "ended"}})).outcome == "created"
        await world.handle(told("customer", 2, number="B", kept=True))
        assert await state(world) == "active"

    async def test_records_that_it_does_not_keep_are_no_reason(self, world: TwoLegs) -> None:
        await world.handle(told("customer", 1, number="A", kept=False), told("invoice", 1, number="I", kept=True))
        assert (await world.apply()).outcome == "created"


class TestWhileItRuns:
    async def test_it_is_paused_with_the_change_that_shows_it_and_told_once(self, world: TwoLegs) -> None:
        await world.apply()
        await world.handle(told("customer", 1, number="A"))
        sent = await world.handle(told("customer", 2, number="B", kept=True), told("invoice", 2, number="I"))
        assert await state(world) == "paused" and len(await notices(world)) == 1
        assert (await notices(world))[0].startswith(f"both is paused. {KEPT.meaning}")
        # It goes on judging: nothing is missing when it is resumed.
        assert {one.entity for one in sent} == {"customer", "invoice"}
        await world.handle(told("customer", 3, number="C", kept=True))
        assert len(await notices(world)) == 1

    async def test_it_is_resumed_once_no_record_is_kept_any_more(self, world: TwoLegs) -> None:
        await world.apply()
        await world.handle(told("customer", 1, number="A", kept=True))
        with pytest.raises(Refusal) as refused:
            await world.syncs.resume("both", "a person")
        assert refused.value.code is KEPT
        await world.handle(told("customer", 2, number="A", kept=False))
        assert (await world.syncs.resume("both", "a person")).row.state == "active"
        assert await notices(world) == []
