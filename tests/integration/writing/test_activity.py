"""What the audience tells of a member is told once of each of its customers, whenever and however often it comes; our own writes are not."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.contracts.messages import ChangeEvent
from tests.integration.writing.test_consent import changed_at, echoed, hear, known, told
from tests.support.writing import World

EMAIL = "ana@ex.org"


async def rows(world: World) -> list[Any]:
    return await world.rows("select * from flow.activity order by at, event_id, record")


async def kinds(world: World) -> list[tuple[str, str]]:
    return [(row["kind"], row["source"]) for row in await rows(world)]


def read(world: World, *, at: datetime | None = None, **fields: Any) -> Delivered[ChangeEvent]:
    """The same as a row of the audience's list tells it."""
    delivered = told(world, EMAIL, at=at, **fields)
    event = delivered.message
    again = ChangeEvent.derive_id(event.connection, event.entity, event.record, event.version, "list", event.fields)
    listed = event.model_copy(update={"id": again, "coverage": "list", "via": "poll"})
    return Delivered(listed, delivered.record)


async def is_member(world: World, *records: str, **more: Any) -> None:
    await world.store(*(world.command(record, EMAIL, FNAME="Ana") for record in records or ("1",)))
    await world.settled()
    world.advance(60)


class TestEvents:
    async def test_doubled_shuffled_and_late_are_a_row_each(self, world: World) -> None:
        await is_member(world)
        began = world.clock.now()
        words: list[dict[str, Any]] = [
            {"status": "unsubscribed", "reason": "manual"}, {"status": "subscribed"}, {"custom": {"merge.FNAME": "Queen"}},
            {"status": "archived"}, {"status": "subscribed"}, {"status": "cleaned", "reason": "hard"}, {"custom": {"merge.PHONE": "1"}},
        ]  # fmt: skip
        events = [told(world, EMAIL, at=began + timedelta(seconds=40 * n), **one) for n, one in enumerate(words)]
        late = [*events, *events]
        random.Random(3).shuffle(late)
        for batch in (late[:5], late[5:6], late[6:]):
            await hear(world, *batch)
        found = await rows(world)
        assert [row["event_id"] for row in found] == [event.message.id for event in events]
        assert [row["kind"] for row in found] == [
            "unsubscribed", "subscribed", "profile", "archived", "subscribed", "cleaned", "profile",
        ]  # fmt: skip
        assert (found[0]["reason"], found[2]["fields"], found[6]["fields"]) == ("manual", ["FNAME"], [])
        assert "Queen" not in str([dict(row) for row in found]), (
            "fields are named, and their values are nobody's business"
        )
        assert {(row["connection"], row["entity"], row["record"], row["told_by"]) for row in found} == {
            ("books", "customer", "1", "chimp")
        }
        assert (await known(world, EMAIL))["standing"] == "cleaned", "what is told of it raises no consent"

    async def test_of_our_own_writes_make_no_row(self, world: World) -> None:
        await is_member(world)
        await echoed(world, status="subscribed", custom={"merge.FNAME": "Ana", "merge.LNAME": ""})
        await world.want("1", EMAIL, FNAME="Anna")
        await world.settled()
        await echoed(world, custom={"merge.FNAME": "Anna", "merge.LNAME": ""})
        await world.want("1", how="archive")
        await world.settled()
        await echoed(world, status="archived")
        assert await rows(world) == []

    async def test_of_strangers_make_no_row(self, world: World) -> None:
        await is_member(world)
        await hear(world, told(world, "eva@ex.org", status="unsubscribed"))
        assert await rows(world) == []


class TestWhoIsToldOf:
    @pytest.mark.parametrize("people", [10, 11])
    async def test_is_everybody_under_the_address_or_of_more_than_ten_the_leader(self, world: World, people: int) -> None:  # fmt: skip
        everybody = [f"c{n:02}" for n in range(people)]
        ranks = dict.fromkeys(everybody, 1) | {"c07": 0}
        await world.store(*(world.command(one, EMAIL, FNAME="Ana", rank=ranks[one]) for one in everybody))
        # The same customer by another sync is the same customer.
        await world.store(world.command("c00", EMAIL, FNAME="Ana", sync="s2", rank=2))
        await world.settled()
        world.advance(60)
        await hear(world, told(world, EMAIL, status="unsubscribed"))
        assert [row["record"] for row in await rows(world)] == (everybody if people == 10 else ["c07"])

    async def test_is_who_had_the_address_where_the_audience_has_changed_it(self, world: World) -> None:
        await is_member(world)
        now = world.clock.now()
        await hear(world, told(world, "new@ex.org", at=now, previous_email=EMAIL))
        await hear(world, told(world, "new@ex.org", at=now + timedelta(seconds=30), status="unsubscribed"))
        assert [(row["record"], row["kind"], row["key"]) for row in await rows(world)] == [
            ("1", "address_changed", "new@ex.org"), ("1", "unsubscribed", "new@ex.org"),
        ]  # fmt: skip


class TestReads:
    async def test_tell_what_no_webhook_told_and_the_webhook_that_comes_late_tells_it_no_more(self, world: World) -> None:  # fmt: skip
        await is_member(world)
        left = world.clock.now().replace(microsecond=0)
        seen = read(world, at=left, status="unsubscribed", reason="manual", custom={"merge.FNAME": "Ana"})
        await hear(world, seen, seen)
        await hear(world, told(world, EMAIL, at=left - timedelta(seconds=1), status="unsubscribed"))
        assert await kinds(world) == [("unsubscribed", "read")]

    async def test_that_agree_or_show_our_own_write_tell_nothing(self, world: World) -> None:
        await is_member(world)
        at = changed_at(world, EMAIL)
        await hear(world, read(world, at=at, status="subscribed", custom={"merge.FNAME": "Ana"}))
        await hear(world, read(world, at=at + timedelta(seconds=40), status="subscribed", custom={"merge.FNAME": "Ana"}))  # fmt: skip
        assert await rows(world) == []

    async def test_name_the_fields_that_nobody_told_of_and_say_once_that_somebody_is_back(self, world: World) -> None:
        await is_member(world)
        now = world.clock.now().replace(microsecond=0)
        await hear(world, told(world, EMAIL, at=now, custom={"merge.FNAME": "Eva"}))
        same = {"status": "subscribed", "custom": {"merge.FNAME": "Eva"}}
        await hear(world, read(world, at=now, **same))
        assert await kinds(world) == [("profile", "event")]
        await hear(world, told(world, EMAIL, at=now + timedelta(seconds=20), status="unsubscribed"))
        for later in (40, 60):
            await hear(world, read(world, at=now + timedelta(seconds=later), **same))
        # A list does not say since when: nothing is raised by it, and so each read shows it again.
        assert await kinds(world) == [("profile", "event"), ("unsubscribed", "event"), ("subscribed", "read")]
        assert (await known(world, EMAIL))["standing"] == "unsubscribed"
