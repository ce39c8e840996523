"""A vendor with two targets: each work item goes to the one of its target entity, whatever the other one does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.contracts.ids import Entity
from common.contracts.messages import ChangeEvent, WriteCommand
from common.failures import Failure, Rejected, Unknown
from common.http.call import Api, VendorAnswer
from tests.integration.writing.test_consent import hear
from tests.integration.writing.test_consent import told as member_told
from tests.support.writing import World
from vendors import mailchimp
from vendors.absorbing import Absorbed, Change, Doubted, Fact, Heard, TargetEvent
from vendors.acts import Act, Answered, Attempt, Done, Nothing, Sending, Step, Work
from vendors.mailchimp.target import MailchimpTarget
from vendors.target_record import TargetRecord

MEMBER, CARD = mailchimp.MEMBER, Entity("card")


class Cards(MailchimpTarget):
    """Cards in a box: another kind of record of the same vendor, under keys that members have too."""

    def __init__(self) -> None:
        self.box: dict[str, Mapping[str, Any]] = {}
        self.calls: list[tuple[str, ...]] = []
        self.looked: list[str] = []
        self.is_silent = False

    def plan(self, work: Work, facts: object | None) -> Step:
        known = work.known.get(work.key, TargetRecord())
        if known.exists and known.seen == work.document:
            return Nothing()
        return Act("create", work.key, dict(work.document), counts_as="added", batch="cards", most=100)

    async def apply(self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending) -> Answered:  # fmt: skip
        self.calls.append(tuple(act.key for act in acts))
        self.box |= {act.key: act.values for act in acts}
        if self.is_silent:
            raise Unknown("VENDOR_TIMEOUT", "no answer", complete=True)
        return Answered([Done() for _ in acts], VendorAnswer(200, {}, b"", datetime.now(UTC), "r", 0.0))

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        self.looked += keys
        return {key: TargetRecord(exists=key in self.box, seen=self.box.get(key, {})) for key in keys}

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        return Done() if seen.exists else None

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        return known.agreed != seen.seen

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        told = super().parsed(event)
        return replace(told, values={}) if told else None

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        if isinstance(fact, Heard):
            return replace(self.absorb(known, Doubted()), change=Change("received", "edited", fields=("email",)))
        return super().absorb(known, fact)


@pytest.fixture
def cards(world: World) -> Iterator[Cards]:
    made = Cards()
    world.vendor = replace(mailchimp.VENDOR, targets={MEMBER: MailchimpTarget(), CARD: made})
    world.lags(120)
    yield made


def as_a(entity: Entity, one: Delivered[WriteCommand]) -> Delivered[WriteCommand]:
    return Delivered(one.message.model_copy(update={"target_entity": entity}), one.record)


def member(world: World, record: str, email: str) -> Delivered[WriteCommand]:
    return as_a(MEMBER, world.command(record, email, sync="s1"))


def card(world: World, record: str, email: str, **merge: str) -> Delivered[WriteCommand]:
    return as_a(CARD, world.command(record, email, sync="s2", **merge))


async def known(world: World) -> dict[str, bool]:
    rows = await world.rows("select target_entity, present, key from flow.target_record order by target_entity")
    assert {row["key"] for row in rows} == {"ana@ex.org"}
    return {row["target_entity"]: row["present"] for row in rows}


class TestTwoTargets:
    async def test_one_key_is_two_records_and_each_is_written_by_its_own_target(
        self, world: World, cards: Cards
    ) -> None:
        await world.store(member(world, "1", "ana@ex.org"), card(world, "1", "ana@ex.org"))
        await world.settled()
        assert (world.status("ana@ex.org"), cards.calls) == ("subscribed", [("ana@ex.org",)])
        assert [(await world.item("1", sync))["outcome"] for sync in ("s1", "s2")] == ["added"] * 2
        assert await known(world) == {"card": True, "member": True}

    async def test_records_of_two_targets_never_share_a_call(self, world: World, cards: Cards) -> None:
        emails = [f"p{number}@ex.org" for number in range(20)]
        both = [one for email in emails for one in (member(world, email, email), card(world, email, email))]
        await world.store(*both)
        await world.settled()
        assert sorted(key for call in cards.calls for key in call) == sorted(emails)
        assert {email for email in emails if world.status(email) == "subscribed"} == set(emails)

    async def test_what_nobody_saw_is_looked_at_by_its_own_target_and_once_more_hours_later(
        self, world: World, cards: Cards
    ) -> None:
        cards.is_silent = True
        await world.store(card(world, "1", "ana@ex.org"))
        async with world.running():
            await world.until(lambda: _has(world, "flow.audit"), "an audit is owed")
            world.advance(600)
            await world.quiet()
            (row,) = await world.rows("select state, verdict from flow.write_intent")
            assert (row["state"], row["verdict"], cards.looked) == ("settled", "applied", ["ana@ex.org"])
            # Somebody has changed the card meanwhile.
            cards.box["ana@ex.org"], cards.is_silent = {"email": "other@ex.org"}, False
            world.advance(5 * 3600)
            await world.until(lambda: _has_not(world, "flow.audit"), "the audit was made")
            await world.quiet()
        assert cards.box["ana@ex.org"] == {"email": "ana@ex.org"}
        assert [route for route in world.routes() if "members" in route] == []

    async def test_an_event_is_heard_by_every_target_it_is_about(self, world: World, cards: Cards) -> None:
        await world.store(member(world, "1", "ana@ex.org"), card(world, "1", "ana@ex.org"))
        await world.settled()
        world.advance(3600)
        await hear(world, member_told(world, "ana@ex.org", status="unsubscribed"))
        rows = await world.rows(
            "select target_entity, coalesce(seen ->> 'standing', '') as standing, doubtful from flow.target_record order by target_entity"
        )
        assert [tuple(row) for row in rows] == [("card", "", True), ("member", "unsubscribed", False)]

    async def test_an_event_waits_for_the_writes_of_each_target(self, world: World, cards: Cards) -> None:
        cards.is_silent = True
        world.fault("half_commit", "POST /lists/{list_id}", share=1.0)
        await world.store(member(world, "1", "ana@ex.org"), card(world, "1", "ana@ex.org"))
        async with world.running():
            await world.until(
                lambda: _has(world, "flow.work_item having count(*) filter (where state = 'hold') = 2"),
                "both are on hold",
            )
            event = member_told(world, "ana@ex.org", custom={"merge.FNAME": "Zoe"})
            # Told twice: it is kept once by each.
            await hear(world, event, event)
            kept = await world.rows("select target_entity from flow.target_event order by target_entity")
            assert [row["target_entity"] for row in kept] == ["card", "member"]
            world.advance(600)
            await world.until(lambda: _has_not(world, "flow.target_event"), "both are judged")
        rows = await world.rows("select step, reason from flow.journal where entity = 'subscription'")
        assert [(row["step"], row["reason"]) for row in rows] == [("received", "edited")] * 2


class TestIntake:
    async def test_an_older_command_means_the_only_target(self, world: World) -> None:
        await world.store(world.command("1", "ana@ex.org"))
        assert (await world.item("1"))["target_entity"] == "member"

    @pytest.mark.parametrize(
        ("entity", "words"), [("invoice", "'invoice'"), ("", "no entity")], ids=["unknown", "unnamed"]
    )
    async def test_what_no_target_writes_is_refused_in_words(
        self, world: World, cards: Cards, entity: str, words: str
    ) -> None:
        command = as_a(Entity(entity), world.command("1", "ana@ex.org"))
        handler = world.intake()
        record = command.record._replace(value=command.message.model_dump_json().encode())
        with pytest.raises(Rejected) as caught:
            handler.parse(record)
        assert caught.value.code == "TARGET_ENTITY_UNKNOWN"
        assert caught.value.message == (
            f"The command names {words} as what to write to mailchimp, which has: member, card."
        )


async def _has(world: World, table: str) -> bool:
    return bool(await world.rows(f"select from {table} limit 1"))


async def _has_not(world: World, table: str) -> bool:
    return not await _has(world, table)
