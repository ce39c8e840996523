"""Consent is never raised: what the audience tells of itself, and every way in which a write could override it."""

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Version
from common.contracts.topics import changes
from common.state.pool import transaction
from tests.support.members import known_of
from tests.support.writing import LIST, TRACE, World
from writing.target_events import TargetEventHandler

# Until then a test tells of what is held, however slow it is.
SOON = timedelta(seconds=30)


def told(
    world: World, email: str, *, at: datetime | None = None, place: str = LIST, connection: str = "chimp", **fields: Any
) -> Delivered[ChangeEvent]:
    stamp = (at or world.clock.now()).replace(microsecond=0)
    digest = hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
    ids = (ConnectionId(connection), Entity("subscription"), RecordId(f"{place}.{digest}"))
    carried = {"email": email, **fields}
    version = Version(stamp=stamp, settled=False)
    event = ChangeEvent(
        id=ChangeEvent.derive_id(*ids, version, "hook", carried), connection=ids[0], vendor=VendorName("mailchimp"), entity=ids[1],
        record=ids[2], kind="changed", version=version, coverage="hook", fields=carried, observed_at=stamp, via="webhook",
    )  # fmt: skip
    return Delivered(event, RawRecord("changes.mailchimp", 0, 0, b"k", b"", (("traceparent", TRACE.encode()),), 0))


def changed_at(world: World, email: str) -> datetime:
    """The vendor's stamp of the last change, which is what it tells of one."""
    return datetime.fromisoformat(world.member(email)["last_changed"])


async def hear(world: World, *events: Delivered[ChangeEvent]) -> bool:
    """Says whether the worker was woken."""
    woken = asyncio.Event()
    group, targets = "writer-mailchimp-events", world.vendor.targets
    handler = TargetEventHandler(changes("mailchimp"), group, targets, world.clock, wake=woken.set)
    async with transaction(world.pool) as tx:
        await handler.store(events, tx)
    await handler.after(events)
    return woken.is_set()


async def echoed(world: World, **fields: Any) -> None:
    """The vendor tells of what it has changed last."""
    await hear(world, told(world, "ana@ex.org", at=changed_at(world, "ana@ex.org"), **fields))


async def known(world: World, email: str) -> Any:
    (row,) = await world.rows("select * from flow.target_record where key = $1", email)
    return known_of(row)


async def event_steps(world: World) -> list[str]:
    return [
        row["step"]
        for row in await world.rows("select step from flow.journal where entity = 'subscription' order by id")
    ]


class TestEvents:
    async def test_say_who_left_when_and_why(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        world.advance(60)
        await hear(world, told(world, "ana@ex.org", status="unsubscribed", reason="abuse"))
        row = await known(world, "ana@ex.org")
        assert (row["standing"], row["standing_by"], row["standing_reason"]) == ("unsubscribed", "target", "abuse")
        (entry,) = await world.rows("select * from flow.journal where step = 'consent'")
        assert (entry["before"], entry["after"], entry["who"]) == ({"standing": "subscribed"}, {"standing": "unsubscribed"}, "mailchimp")  # fmt: skip
        assert entry["target_key"] == "ana@ex.org"

    async def test_the_same_again_is_a_duplicate(self, world: World) -> None:
        event = told(world, "ana@ex.org", status="unsubscribed")
        await hear(world, event, event)
        assert await event_steps(world) == ["consent", "duplicate"]

    async def test_an_older_one_raises_nothing(self, world: World) -> None:
        now = world.clock.now()
        await hear(world, told(world, "ana@ex.org", at=now, status="unsubscribed"))
        await hear(world, told(world, "ana@ex.org", at=now - timedelta(seconds=30), status="subscribed"))
        assert (await event_steps(world), (await known(world, "ana@ex.org"))["standing"]) == (["consent", "stale"], "unsubscribed")  # fmt: skip

    @pytest.mark.parametrize("order", [("subscribed", "unsubscribed"), ("unsubscribed", "subscribed")])
    async def test_of_one_second_the_lesser_counts(self, world: World, order: tuple[str, str]) -> None:
        now = world.clock.now()
        for status in order:
            await hear(world, told(world, "ana@ex.org", at=now, status=status))
        assert (await known(world, "ana@ex.org"))["standing"] == "unsubscribed"

    async def test_a_newer_subscription_is_the_persons_own(self, world: World) -> None:
        now = world.clock.now()
        await hear(world, told(world, "ana@ex.org", at=now, status="unsubscribed"))
        await hear(world, told(world, "ana@ex.org", at=now + timedelta(seconds=2), status="subscribed"))
        assert (await known(world, "ana@ex.org"))["standing"] == "subscribed"

    async def test_our_own_writes_come_back_as_echoes(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        await echoed(world, status="subscribed", custom={"merge.FNAME": "Ana", "merge.LNAME": ""})
        await world.want("1", "ana@ex.org", FNAME="Anna")
        await world.settled()
        await echoed(world, custom={"merge.FNAME": "Anna", "merge.LNAME": ""})
        await world.want("1", how="archive")
        await world.settled()
        await echoed(world, status="archived")
        assert await event_steps(world) == ["echo"] * 3
        assert (await known(world, "ana@ex.org"))["former"] == "subscribed"

    async def test_an_echo_before_the_answer_is_one_too(self, world: World) -> None:
        world.holds("POST /lists/{id}")
        await world.want("1", "ana@ex.org", FNAME="Ana")
        async with world.running():
            await world.until(lambda: _sent(world), "the call is under way")
            soon = world.clock.now() + SOON
            await hear(world, told(world, "ana@ex.org", at=soon, status="subscribed", custom={"merge.FNAME": "Ana"}))
            world.answers_at(soon)
            await world.quiet()
        assert await event_steps(world) == ["echo"]

    async def test_a_foreign_edit_is_none_and_is_looked_at_before_the_next_write(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        world.person("profile", "ana@ex.org", merge_fields={"FNAME": "Queen"})
        await hear(world, told(world, "ana@ex.org", custom={"merge.FNAME": "Queen"}))
        assert await event_steps(world) == ["received"]
        await world.want("1", "ana@ex.org", FNAME="Ana", LNAME="Lee")
        await world.settled()
        assert [world.member("ana@ex.org")["merge_fields"][tag] for tag in ("FNAME", "LNAME")] == ["Ana", "Lee"]

    async def test_of_other_audiences_and_campaigns_change_nothing(self, world: World) -> None:
        await hear(world, told(world, "ana@ex.org", place="0000000000", status="unsubscribed"))
        assert (await event_steps(world), await world.rows("select from flow.target_record")) == (["received"], [])


class TestWrites:
    async def test_an_edit_leaves_whoever_left_where_they_are(self, world: World) -> None:
        for action, status in (("unsubscribe", "unsubscribed"), ("cleaned", "cleaned")):
            email = f"{action}@ex.org"
            await world.want(action, email, FNAME="A")
            await world.settled()
            world.person(action, email)
            await world.want(action, email, FNAME="B", tags=["x"])
            await world.settled()
            assert (world.status(email), world.member(email)["merge_fields"]["FNAME"], world.tags(email)) == (
                status,
                "B",
                ["x"],
            )

    async def test_whoever_left_before_we_came_is_found_out_and_stays_out(self, world: World) -> None:
        world.person("subscribe", "ana@ex.org")
        world.person("unsubscribe", "ana@ex.org")
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        assert (world.status("ana@ex.org"), world.member("ana@ex.org")["merge_fields"]["FNAME"]) == (
            "unsubscribed",
            "Ana",
        )

    @pytest.mark.parametrize("action", ["unsubscribe", "cleaned", "abuse"])
    async def test_a_new_address_gets_no_more_than_the_old_one_had(self, world: World, action: str) -> None:
        await world.want("1", "old@ex.org")
        await world.settled()
        world.person(action, "old@ex.org")
        await world.want("1", "new@ex.org")
        await world.settled()
        assert (world.status("old@ex.org"), world.status("new@ex.org")) == ("archived", "unsubscribed")
        assert await world.told() == world.applied()

    async def test_whoever_leaves_while_the_address_changes_is_followed(self, world: World) -> None:
        await world.want("1", "old@ex.org")
        await world.settled()
        world.holds("POST /lists/{id}")
        await world.want("1", "new@ex.org")
        async with world.running():
            await world.until(lambda: _sent(world), "the create is under way")
            world.person("unsubscribe", "old@ex.org")
            world.answers()
            await world.quiet()
        assert world.status("new@ex.org") == "unsubscribed"
        assert await world.told() == world.applied()

    async def test_an_archived_member_comes_back_as_what_it_was(self, world: World) -> None:
        for name, action, status in (
            ("1", "", "subscribed"),
            ("2", "unsubscribe", "unsubscribed"),
            ("3", "cleaned", "archived"),
        ):
            email = f"m{name}@ex.org"
            await world.want(name, email, FNAME="A")
            await world.settled()
            if action:
                world.person(action, email)
            await world.want(name, how="archive")
            await world.settled()
            await world.want(name, email, FNAME="B")
            await world.settled()
            assert world.status(email) == status
        assert (await world.item("3"))["reason"] == "cleaned"
        assert await world.told() == world.applied()

    async def test_whom_somebody_else_archived_stays_archived(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="A")
        await world.settled()
        world.person("archive", "ana@ex.org", by="admin")
        await hear(world, told(world, "ana@ex.org", at=world.clock.now() + timedelta(seconds=1), status="archived"))
        await world.want("1", "ana@ex.org", FNAME="B")
        await world.settled()
        assert (world.status("ana@ex.org"), (await world.item("1"))["reason"]) == ("archived", "not_at_target")

    async def test_whoever_took_another_address_at_mailchimp_is_not_made_again(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="A")
        await world.settled()
        world.person("upemail", "ana@ex.org", new_email="queen@ex.org")
        await hear(world, told(world, "queen@ex.org", previous_email="ana@ex.org"))
        await world.want("1", "ana@ex.org", FNAME="B")
        await world.settled()
        assert (world.status("ana@ex.org"), world.status("queen@ex.org")) == ("none", "subscribed")
        assert (await world.item("1"))["reason"] == "not_at_target"

    async def test_the_forgotten_are_skipped_once_and_never_tried_again(self, world: World) -> None:
        world.call("POST", f"/lists/{LIST}/members", json={"email_address": "ana@ex.org", "status": "subscribed"})
        digest = world.member("ana@ex.org")["id"]
        world.call("POST", f"/lists/{LIST}/members/{digest}/actions/delete-permanent")
        await world.want("1", "ana@ex.org")
        await world.settled()
        item = await world.item("1")
        assert (item["state"], item["outcome"], item["reason"]) == ("done", "skipped", "forgotten")
        calls = len(world.calls())
        await world.want("1", "ana@ex.org", FNAME="B")
        await world.settled()
        assert (len(world.calls()), (await known(world, "ana@ex.org"))["barred"]) == (calls, "forgotten")

    async def test_a_person_who_subscribes_again_is_written_again(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="A")
        await world.settled()
        await world.execute(
            """update flow.target_record set memory = memory || '{"barred": "compliance"}', seen = seen || '{"standing": "unsubscribed"}'"""
        )
        await world.want("1", "ana@ex.org", FNAME="B")
        await world.settled()
        assert (await world.item("1"))["reason"] == "compliance"
        await hear(world, told(world, "ana@ex.org", at=world.clock.now() + timedelta(seconds=2), status="subscribed"))
        await world.settled()
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "B"


async def _sent(world: World) -> bool:
    return bool(await world.rows("select from flow.write_intent where state = 'sent'"))
