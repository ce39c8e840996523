"""The preview of a sync that leads both ways: links, creates and questions of both sides, before it is applied and while nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest

from common.contracts.ids import Entity, VendorName
from tests.support.database import Database
from tests.support.two_legs import DESK, VENDOR, DeskTarget, TwoLegs, leg, told, two_legs
from vendors.registry import VENDORS
from vendors.target import Target
from vendors.vendor import Vendor

RULES = [{"left": "email", "right": "email", "unique": True}]


@pytest.fixture
async def world(database: Database) -> AsyncIterator[TwoLegs]:
    """Customers of either account are read and written."""
    async with two_legs(database) as world:
        vendor = replace(VENDOR, targets={Entity("customer"): cast(Target, DeskTarget("state"))})
        cast(dict[VendorName, Vendor], VENDORS)[DESK] = vendor
        world.applying._drafting._vendors = {DESK: vendor}
        await world.handle(
            # One on both sides; two who share an address; one for each side alone; one of whom nothing can be compared.
            told("customer", 1, "1", number="A", email="ida@x.example"), told("customer", 1, "7", number="A", email="IDA@x.example", at="right"),
            told("customer", 1, "2", number="B", email="info@x.example"), told("customer", 1, "3", number="C", email="info@x.example"),
            told("customer", 1, "8", number="B", email="info@x.example", at="right"),
            told("customer", 1, "4", number="D", email="new@x.example"), told("customer", 1, "9", number="E", email="there@x.example", at="right"),
            told("customer", 1, "5", number="F"),
        )  # fmt: skip
        yield world


async def preview(world: TwoLegs) -> dict[str, dict[str, Any]]:
    there = leg("customer", "customer", name="there", source_place="North", place="South", options={"match": RULES})
    back = leg("customer", "customer", name="back", direction="back", source_place="South", place="North")
    found = await world.previews.of_wish(world.body(there, back).wish(), 20, unmask=False)
    return {one["leg"]: one for one in found["legs"]}


class TestBothSides:
    async def test_are_counted_before_the_first_write(self, world: TwoLegs) -> None:
        legs = await preview(world)
        assert legs["there"]["matching"] == {
            "linked": 0, "matched": 1, "asked_left": 3, "asked_right": 1, "new_right": 1, "new_left": 1,
        }  # fmt: skip
        counts = {name: {word: one[word] for word in ("add", "unchanged", "skipped")} for name, one in legs.items()}
        assert counts == {
            "there": {"add": 1, "unchanged": 1, "skipped": 3}, "back": {"add": 1, "unchanged": 1, "skipped": 1},
        }  # fmt: skip
        assert legs["there"]["skipped_by_reason"] == {"match_asked": 3}
        assert (
            await world.rows(
                "select from flow.pair union all select from flow.match_value union all select from core.sync"
            )
            == []
        )
