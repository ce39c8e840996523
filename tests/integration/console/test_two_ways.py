"""The same records are kept in step both ways by one sync alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest

from common.api.refusal import Refusal
from common.contracts.ids import Entity
from tests.support.database import Database
from tests.support.two_legs import DESK, VENDOR, DeskTarget, TwoLegs, leg, two_legs
from vendors.target import Target

CUSTOMER = Entity("customer")


def there(place: str = "South", **more: Any) -> dict[str, Any]:
    return leg("customer", "customer", name="there", source_place="North", place=place, **more)


def back(place: str = "South", **more: Any) -> dict[str, Any]:
    return leg("customer", "customer", name="back", direction="back", source_place=place, place="North", **more)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[TwoLegs]:
    """Customers of either account are read and written; the console reads `left` in North and `right` in South."""
    async with two_legs(database) as world:
        targets = {CUSTOMER: cast(Target, DeskTarget("state"))}
        world.applying._drafting._vendors = {DESK: replace(VENDOR, targets=targets)}
        await world.apply(there(), back(), name="first")
        yield world


async def refused(world: TwoLegs, *legs: dict[str, Any], **more: Any) -> Refusal:
    for does in (world.applying.plan(world.body(*legs, **more).wish()), world.apply(*legs, **more)):
        with pytest.raises(Refusal) as told:
            await does
        assert (told.value.status, told.value.code.name) == (409, "SYNC_PAIR_TAKEN")
    return told.value


class TestASecondSync:
    async def test_of_the_same_records_is_refused_by_name(self, world: TwoLegs) -> None:
        told = await refused(world, there(), back(), name="second")
        assert told.detail == "customer of left in n and customer of right in s are kept in step both ways by first."
        assert [row["name"] for row in await world.rows("select name from core.sync")] == ["first"]

    async def test_that_is_turned_round_is_refused_too(self, world: TwoLegs) -> None:
        turned = {"source": "right", "target": "left"}
        one = leg("customer", "customer", name="there", source_place="South", place="North")
        other = leg("customer", "customer", name="back", direction="back", source_place="North", place="South")
        await refused(world, one, other, name="second", **turned)

    async def test_through_another_connection_of_the_account_is_refused_too(self, world: TwoLegs) -> None:
        await world.rows("update core.connection set account = 'a' where id = 'left' returning id")
        await world.rows(
            """insert into core.connection (id, vendor, name, state, account, created_at, updated_at)
               values ('again', 'desk', 'again', 'active', 'a', now(), now()) returning id"""
        )
        await refused(world, there(), back(), name="second", source="again")

    async def test_of_one_way_or_of_another_place_is_not(self, world: TwoLegs) -> None:
        assert (await world.apply(there(), name="one-way")).outcome == "created"
        assert (await world.apply(there("North"), back("North"), name="elsewhere")).outcome == "created"

    async def test_may_come_once_the_first_is_off_and_keeps_it_off(self, world: TwoLegs) -> None:
        await world.syncs.disable("first", "a person")
        assert (await world.apply(there(), back(), name="second")).outcome == "created"
        with pytest.raises(Refusal) as told:
            await world.syncs.resume("first", "a person")
        assert told.value.code.name == "SYNC_PAIR_TAKEN"
        assert (await world.syncs.show("first")).row.state == "disabled"


class TestTheSameSync:
    async def test_may_be_applied_again_and_resumed(self, world: TwoLegs) -> None:
        assert (await world.apply(there(), back(), name="first")).outcome == "unchanged"
        await world.syncs.pause("first")
        assert (await world.syncs.resume("first", "a person")).row.state == "active"

    async def test_has_no_second_pair_of_legs_between_the_same_records(self, world: TwoLegs) -> None:
        told = await refused(world, there(), back(), {**there(), "name": "twice"}, name="first")
        assert "first itself" in told.detail
