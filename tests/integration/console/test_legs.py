"""Files with legs: what they come to, and every way a leg can be wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from common.api.refusal import Refusal
from console.api.sync_documents import sync_detail
from tests.support.database import Database
from tests.support.two_legs import BILLS, PEOPLE, TwoLegs, leg, two_legs


@pytest.fixture
async def world(database: Database) -> AsyncIterator[TwoLegs]:
    async with two_legs(database) as world:
        yield world


class TestFile:
    async def test_becomes_a_sync_and_the_same_file_changes_nothing(self, world: TwoLegs) -> None:
        first, again = await world.apply(), await world.apply()
        assert (first.outcome, first.version, again.outcome, again.version) == ("created", 1, "unchanged", 1)
        legs = await world.rows(
            "select name, source_connection, target_entity, target_place, mode, mapping_version from core.leg"
        )
        assert sorted(tuple(row) for row in legs) == [
            ("customer", "left", "card", "n", "state", 1),
            ("invoice", "left", "slip", "s", "once", 1),
        ]

    async def test_is_shown_leg_by_leg(self, world: TwoLegs) -> None:
        await world.apply()
        shown = sync_detail(await world.syncs.show("both"))
        assert (shown.entity, shown.place, shown.mapping_version) == ("customer", "n", 1)
        assert [(one.name, one.target_entity, one.mapping and one.mapping.key) for one in shown.legs] == [
            ("customer", "card", "code"),
            ("invoice", "slip", "code"),
        ]

    async def test_is_planned_without_a_write(self, world: TwoLegs) -> None:
        told = await world.applying.plan(world.body(PEOPLE, BILLS).wish())
        assert [(one.leg.name, one.outcome) for one in told.legs] == [("customer", "created"), ("invoice", "created")]
        assert not await world.rows("select from core.sync")

    async def test_names_a_version_by_the_legs_that_it_changed(self, world: TwoLegs) -> None:
        await world.apply()
        await world.apply(PEOPLE, {**BILLS, "filter": "name == 'x'"})
        assert [(one.version, one.legs) for one in await world.syncs.versions("both")] == [
            (2, ("invoice",)),
            (1, ("customer", "invoice")),
        ]


# What is wrong with the legs, the code, where it stands, and words that the person needs.
WRONG: dict[str, tuple[Sequence[dict[str, Any]], str, str, str]] = {
    "an unknown entity of the source": ([PEOPLE, leg("order", "slip")], "SYNC_ENTITY_UNKNOWN", "legs[order].source.entity", "customer, invoice"),
    "an unknown entity of the target": ([PEOPLE, leg("invoice", "bill")], "SYNC_ENTITY_UNKNOWN", "legs[invoice].target.entity", "card, slip"),
    "an unknown mode": ([leg("customer", "card", mode="always")], "SYNC_MODE_REFUSED", "legs[customer].mode", "state, once, rendered"),
    "a mode that the target does not do": ([leg("customer", "card", mode="once")], "SYNC_MODE_REFUSED", "legs[customer].mode", "as `state`"),
    "an unknown direction": ([leg("customer", "card", direction="both")], "SYNC_LEG_INVALID", "legs[customer].direction", "two legs"),
    "an unknown place of the target": ([leg("customer", "card", place="West")], "SYNC_PLACE_UNKNOWN", "legs[customer].place", "North (n)"),
    "an unknown place of the source": ([leg("customer", "card", source_place="West")], "SYNC_PLACE_UNKNOWN", "legs[customer].source.place", "South (s)"),
    "no key": ([leg("customer", "card", key="")], "SYNC_LEG_INVALID", "legs[customer].key", "found there"),
    "two of one name": ([PEOPLE, PEOPLE], "SYNC_LEG_INVALID", "legs", "'customer'"),
    "no leg": ([], "SYNC_LEG_INVALID", "legs", "no leg"),
    "an unknown option": ([leg("customer", "card", options={"on_delte": "tag"})], "SYNC_OPTION_UNKNOWN", "legs[customer].options", "on_delete"),
    "an option that is neither": ([leg("customer", "card", options={"clear_empty": "no"})], "MAPPING_ROW_INVALID", "legs[customer].clear_empty", "true or false"),
    "a wrong path": ([leg("customer", "card", more_rows=[{"target": "title", "from": "nmae"}])], "MAPPING_PATH_UNKNOWN", "legs[customer].title", "name"),
}  # fmt: skip


class TestWrong:
    @pytest.mark.parametrize("what", WRONG)
    async def test_is_said_with_where_and_what_to_do(self, world: TwoLegs, what: str) -> None:
        legs, code, where, words = WRONG[what]
        with pytest.raises(Refusal) as refused:
            await world.applying.apply(world.body(*legs).wish(), "a person")
        (problem,) = refused.value.more["problems"]
        assert (refused.value.code.name, problem["code"], problem["field"]) == (code, code, where)
        assert words in problem["words"] and problem["remedy"]
        assert not await world.rows("select from core.sync")

    async def test_in_two_legs_is_said_at_once(self, world: TwoLegs) -> None:
        with pytest.raises(Refusal) as refused:
            await world.apply(leg("order", "card"), leg("invoice", "slip", place="West"))
        assert {one["field"] for one in refused.value.more["problems"]} == {
            "legs[order].source.entity",
            "legs[invoice].place",
        }

    async def test_at_the_top_of_a_file_with_legs_belongs_into_them(self, world: TwoLegs) -> None:
        with pytest.raises(Refusal) as refused:
            await world.apply(PEOPLE, filter="name == 'x'", place="North")
        assert {one["field"] for one in refused.value.more["problems"]} == {"filter", "place"}

    async def test_a_leg_stays_and_stays_where_it_is(self, world: TwoLegs) -> None:
        await world.apply()
        for legs in (
            [PEOPLE],
            [PEOPLE, leg("invoice", "slip", place="North")],
            [leg("customer", "card", source_place="North"), BILLS],
        ):
            with pytest.raises(Refusal) as refused:
                await world.apply(*legs)
            assert refused.value.code.name == "SYNC_MOVED"
        assert (await world.apply()).outcome == "unchanged"

    async def test_a_source_that_nobody_listens_to_is_refused(self, world: TwoLegs) -> None:
        world.applying._drafting._heard = ["zoho-books"]
        with pytest.raises(Refusal) as refused:
            await world.apply()
        assert {one["code"] for one in refused.value.more["problems"]} == {"SYNC_ENTITY_UNKNOWN"}
