"""What the console tells of the road, on a real database and as the console's own role: previews, records, dead letters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from common.api.refusal import Refusal
from common.failures import FailureClass, Transient
from common.journal import Step
from common.state.dead_letters import DeadLetter, DeadLetters, LetterFilter, StoredLetter
from common.state.pool import transaction
from common.state.stuck_items import StuckItem
from console.masking import masked_address, masked_patch, masked_value
from console.state.records import RecordKey
from console.use_cases.drafting import Drafting
from console.use_cases.hooks import Hooks
from console.use_cases.letter_choice import LetterWish
from console.use_cases.letters import Letters
from console.use_cases.previews import Previews
from console.use_cases.records import Records
from console.use_cases.syncs import Syncs
from mapper.preview import preview
from tests.support.database import Database
from tests.support.judged import NOON, TRACE, Judged, judged_world


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Judged]:
    async with judged_world(database) as made:
        yield made


def syncs_of(world: Judged) -> Syncs:
    """Reading needs neither vendors nor the broker."""
    return Syncs(world.pool, cast("Drafting", None), cast("Hooks", None), world.clock)


class TestPreview:
    async def test_counts_what_is_stored_and_hides_who_it_is(self, world: Judged) -> None:
        await world.known("1", "ana@example.org")
        await world.known("2", "bo@example.org")
        await world.execute("update flow.record_state set fields = fields || '{\"email\": null}' where record = '2'")
        await world.execute("delete from flow.wanted")
        told = await Previews(world.pool, syncs_of(world), cast("Drafting", None), world.clock).of_sync(
            "s1", 10, unmask=False
        )
        assert (told["total"], told["add"], told["skipped"], told["skipped_by_reason"]) == (2, 1, 1, {"no_email": 1})
        assert "ana@" not in str(told) and "Name 1" not in str(told) and "currency: EUR" in str(told)
        shown = await Previews(world.pool, syncs_of(world), cast("Drafting", None), world.clock).of_sync(
            "s1", 10, unmask=True
        )
        assert "ana@example.org" in str(shown)
        assert told["complete"]

    async def test_of_very_many_records_the_first_are_judged_and_it_is_said(self, world: Judged) -> None:
        await world.execute(
            """insert into flow.record_state (connection, entity, record, fields, sequence, first_at, changed_at)
               select 'books', 'customer', n::text, '{"email": "p@example.org"}', '1', now(), now() from generate_series(1, 2500) n"""
        )
        (leg,) = (await syncs_of(world).row("s1")).legs
        told = await preview(world.pool, leg, most=2000, now=NOON)
        assert (told.total, told.complete) == (2000, False)
        assert (await preview(world.pool, leg, now=NOON)).total == 2500


class TestRecords:
    async def test_is_found_by_whatever_one_has(self, world: Judged) -> None:
        await world.known("4600001", "Ana@Example.org")
        await world.tell(
            Step.APPLIED, "4600001", revision=1, target_key="old@example.org", details={"action": "create"}
        )
        await world.execute(
            """insert into flow.pair (left_account, left_entity, left_id, right_account, right_place, right_entity, right_key, right_id, state, since, changed_at)
               values ('books', 'customer', '4600001', 'chimp', 'list', 'member', 'ana@example.org', 'T1', 'linked', $1, $1)""",
            NOON,
        )
        records = Records(world.pool)
        hashed = "8691b2d4a4ec89f7b8a4f5dbeb6c7a9f"
        (row,) = await world.rows("select md5('ana@example.org') as hash")
        for text in ("ANA@example.org", " ana@example.org ", "4600001", "T1", row["hash"], TRACE, "old@example.org"):
            assert [one.key.record for one in await records.find(text)] == ["4600001"], text
        for text in ("bo@example.org", "460000", hashed, "%", "'"):
            assert not await records.find(text), text

    async def test_a_timeline_is_read_from_its_end(self, world: Judged) -> None:
        await world.known("1")
        for number in range(5):
            await world.tell(Step.RECEIVED, "1", event_id=f"e{number}")
        await world.tell(Step.RECEIVED, "2")
        records, key = Records(world.pool), RecordKey("books", "customer", "1")
        _, last, earlier, _ = await records.timeline(key, None, 2)
        assert [row["event_id"] for row in last] == ["e3", "e4"]
        _, before, earlier, _ = await records.timeline(key, earlier, 10)
        assert ([row["event_id"] for row in before], earlier) == (["e0", "e1", "e2"], None)
        with pytest.raises(Refusal):
            await records.timeline(RecordKey("books", "customer", "nobody"), None, 2)


class TestMasking:
    def test_shows_what_says_nothing_about_anybody(self) -> None:
        assert masked_value("tags", ["currency: EUR"]) == ["currency: EUR"]
        assert masked_value("merge.FNAME", "Ana") == masked_value("email", "a@b.c") == "***"
        assert masked_value("merge.ADDRESS", {"city": "Bonn"}) == {"city": "***"}
        assert masked_address("ana@example.org") == "a***@example.org" and masked_address("") == ""
        patch = [
            {"op": "replace", "path": "/merge.FNAME", "value": "Ana"},
            {"op": "add", "path": "/tags/0", "value": "vip"},
        ]
        assert masked_patch(patch) == [patch[0] | {"value": "***"}, patch[1]]


@dataclass
class Topics:
    """Where letters are sent again, as far as the use case sees it."""

    sent: list[StoredLetter] = field(default_factory=list)
    away: bool = False
    after: int | None = None
    """Goes away after so many."""

    async def send(self, stored: StoredLetter) -> None:
        if self.away or (self.after is not None and len(self.sent) >= self.after):
            raise Transient("BROKER_UNAVAILABLE", "away")
        self.sent.append(stored)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Topics]:
        yield self


LETTER = DeadLetter(
    group="mapper", topic="changes.zoho-books", partition=3, offset=77, recorded_at=NOON, key=b"books:customer:9", value=b"\x00\xff",
    headers=(("ce_id", b"1"), ("ce_sequence", b"1")), service="mapper", version="1", stage="map", code="HANDLER_BUG",
    kind=FailureClass.BUG, message="words", at=NOON, trace_id=TRACE,
)  # fmt: skip


class TestLetters:
    async def two(self, world: Judged) -> int:
        """A message and a work item that wait; the message's id."""
        await world.known("7")
        await world.work("7", "dead", outcome="failed", code="MC_INVALID")
        async with transaction(world.owner) as tx:
            await DeadLetters(tx).write([LETTER])
            (stored,) = await DeadLetters(tx).find(LetterFilter())
        return stored.id

    async def test_rows_on_hold_are_shown_with_the_time_of_their_next_look(self, world: Judged) -> None:
        await world.known("7")
        await world.known("8")
        await world.work("7", "hold", code="VENDOR_TIMEOUT")
        await world.work("8", "dead", outcome="failed", code="MC_INVALID")
        await world.execute("update flow.work_item set hold_until = $1, looks = 3 where state = 'hold'", NOON)
        page = await Letters(world.pool, Topics().opened, world.clock).held(LetterWish(), 10)
        shown = [(one.id, cast("StuckItem", one).next_look_at, cast("StuckItem", one).looks) for one in page.items]
        assert (shown, page.total) == ([("s1/customer/7", NOON, 3)], 1)

    async def test_both_kinds_are_in_one_list_and_one_count(self, world: Judged) -> None:
        id = await self.two(world)
        letters = Letters(world.pool, Topics().opened, world.clock)
        page = await letters.list(LetterWish(), 10)
        assert ({str(one.id) for one in page.items}, page.total, page.after) == ({str(id), "s1/customer/7"}, 2, None)
        assert {one.code: one.records for one in await letters.groups()} == {"HANDLER_BUG": 1, "MC_INVALID": 1}
        assert (await letters.list(LetterWish(sync="s1"), 10)).total == 1
        assert (await letters.list(LetterWish(code="HANDLER_BUG"), 10)).total == 1

    async def test_a_message_goes_to_its_topic_once_and_is_closed(self, world: Judged) -> None:
        id, topics = await self.two(world), Topics()
        letters = Letters(world.pool, topics.opened, world.clock)
        plan = await letters.retry(LetterWish(ids=[str(id)]), "ana")
        assert (plan.total, [one.letter for one in topics.sent]) == (1, [LETTER])
        with pytest.raises(Refusal, match="LETTER_UNKNOWN"):
            await letters.retry(LetterWish(ids=[str(id)]), "ana")
        (row,) = await world.rows("select step, who, record, connection from flow.journal")
        assert tuple(row) == ("replayed", "ana", "9", "books")
        assert len(topics.sent) == 1

    async def test_a_topic_that_is_away_leaves_it_open(self, world: Judged) -> None:
        id = await self.two(world)
        letters = Letters(world.pool, Topics(away=True).opened, world.clock)
        with pytest.raises(Refusal, match="BROKER_UNAVAILABLE"):
            await letters.retry(LetterWish(ids=[str(id)]), "ana")
        assert (await letters.list(LetterWish(code="HANDLER_BUG"), 10)).total == 1
        assert not await world.rows("select from flow.journal")

    async def test_what_is_outdated_is_said_before(self, world: Judged) -> None:
        id = await self.two(world)
        await world.known("9")
        await world.execute("update flow.record_state set sequence = '2' where record = '9'")
        assert (await Letters(world.pool, Topics().opened, world.clock).plan(LetterWish(ids=[str(id)]))).superseded == 1

    async def test_a_work_item_is_opened_with_its_newest_wish(self, world: Judged) -> None:
        await self.two(world)
        letters = Letters(world.pool, Topics().opened, world.clock)
        await letters.retry(LetterWish(code="MC_INVALID"), "ana")
        (row,) = await world.rows("select state, attempts, revision from flow.work_item where record = '7'")
        assert tuple(row) == ("ready", 0, 1)
        assert (await letters.list(LetterWish(sync="s1"), 10)).total == 0

    async def test_giving_up_needs_a_reason_that_stands_in_the_timeline(self, world: Judged) -> None:
        await self.two(world)
        letters = Letters(world.pool, Topics().opened, world.clock)
        with pytest.raises(Refusal, match="REASON_MISSING"):
            await letters.discard(LetterWish(sync="s1"), "ana", " ")
        for wish in (LetterWish(sync="s1"), LetterWish(code="HANDLER_BUG")):
            await letters.discard(wish, "ana", "test records")
        assert (await letters.list(LetterWish(), 10)).total == 0
        rows = await world.rows("select step, reason, who from flow.journal order by id")
        assert [tuple(row) for row in rows] == [("discarded", "test records", "ana")] * 2

    async def test_nobody_acts_on_everything_by_accident(self, world: Judged) -> None:
        letters = Letters(world.pool, Topics().opened, world.clock)
        for act in (letters.retry(LetterWish(), "ana"), letters.discard(LetterWish(), "ana", "why")):
            with pytest.raises(Refusal, match="LETTERS_NOT_NAMED"):
                await act

    async def test_pages_go_on_where_they_ended_in_one_order_over_both_kinds(self, world: Judged) -> None:
        await many(world, work=7, messages=7)
        letters = Letters(world.pool, Topics().opened, world.clock)
        whole = [str(one.id) for one in (await letters.list(LetterWish(), 100)).items]
        assert len(set(whole)) == 14
        for size in (1, 3, 5):
            told: list[str] = []
            after: tuple[str, ...] | None = None
            while True:
                page = await letters.list(LetterWish(), size, after)
                told += [str(one.id) for one in page.items]
                if (after := page.after) is None:
                    break
            assert told == whole, size

    async def test_many_are_tried_again_in_steps_with_an_outcome_for_each(self, world: Judged) -> None:
        await many(world, work=7, messages=5)
        topics = Topics()
        letters = Letters(world.pool, topics.opened, world.clock)
        steps, after = [], None
        while True:
            steps.append(await letters.retry(LetterWish(code="MC_INVALID"), "ana", after, 3))
            if (after := steps[-1].after) is None:
                break
            # What fails again meanwhile is not met a second time, and what came later is not meant.
            await world.execute("update flow.work_item set state = 'dead', outcome = 'failed' where record = '1'")
            await late(world, len(steps))
        ended = [one for step in steps for one in step.outcomes]
        assert [one.outcome for one in ended] == ["retried"] * 12
        assert len({one.id for one in ended}) == 12
        assert max(len(step.outcomes) for step in steps) <= 3
        assert (sum(step.messages for step in steps), sum(step.work for step in steps), len(topics.sent)) == (5, 7, 5)

    async def test_ten_thousand_and_more_are_neither_cut_nor_miscounted(self, world: Judged) -> None:
        await world.execute(
            """insert into flow.work_item (sync, entity, record, source, connection, place, revision, wish, document, mapping_version,
                   target_key, target_entity, lane, priority, happened_at, state, due_at, code, received_at, changed_at)
               select 's1', 'customer', n::text, 'books', 'list', 'p', 1, 'present', '{}', 1, n::text, 'member', 'live', 0, now(), 'dead',
                      now(), 'MC_INVALID', now(), now() from generate_series(1, 10500) n"""
        )
        letters = Letters(world.pool, Topics().opened, world.clock)
        wish = LetterWish(sync="s1")
        assert ((await letters.plan(wish)).total, (await letters.list(wish, 1)).total) == (10_500, 10_000)
        after, done = None, 0
        while True:
            step = await letters.discard(wish, "ana", "test records", after, 1000)
            done += len(step.outcomes)
            if (after := step.after) is None:
                break
        assert done == 10_500
        assert (await letters.plan(wish)).total == 0

    async def test_a_step_that_broke_off_is_repeated_for_the_rest(self, world: Judged) -> None:
        await many(world, work=0, messages=4)
        topics = Topics(after=2)
        letters = Letters(world.pool, topics.opened, world.clock)
        with pytest.raises(Refusal, match="BROKER_UNAVAILABLE"):
            await letters.retry(LetterWish(code="MC_INVALID"), "ana")
        topics.after = None
        step = await letters.retry(LetterWish(code="MC_INVALID"), "ana")
        assert ([one.outcome for one in step.outcomes], len(topics.sent)) == (["retried"] * 2, 4)

    async def test_a_key_of_any_bytes_does_not_break_the_plan(self, world: Judged) -> None:
        async with transaction(world.owner) as tx:
            await DeadLetters(tx).write([replace(LETTER, key=b"\xff\xfe:\x00", headers=(("ce_sequence", b"\xff"),))])
        plan = await Letters(world.pool, Topics().opened, world.clock).plan(LetterWish(code="HANDLER_BUG"))
        assert (plan.total, plan.superseded) == (1, 0)

    @pytest.mark.parametrize(
        "cursor",
        [("x", "", "", "", ""), ("2026-01-01", "1", "", "", ""), ("2026-01-01T00:00:00+00:00", "x", "", "", "")],
    )
    async def test_a_cursor_that_no_page_gave(self, world: Judged, cursor: tuple[str, ...]) -> None:
        with pytest.raises(Refusal, match="CURSOR_INVALID"):
            await Letters(world.pool, Topics().opened, world.clock).list(LetterWish(), 5, cursor)


async def many(world: Judged, *, work: int, messages: int) -> None:
    """Work and messages that wait for the same reason, some of them since the same moment."""
    for number in range(work):
        await world.known(str(number))
        await world.work(str(number), "dead", outcome="failed", code="MC_INVALID")
    await world.execute(
        "update flow.work_item set failed_last_at = case when record::integer % 3 = 0 then null else $1::timestamptz + record::integer / 2 * interval '1 s' end",
        NOON,
    )
    async with transaction(world.owner) as tx:
        made = [
            replace(LETTER, offset=100 + n, code="MC_INVALID", at=NOON + timedelta(seconds=n // 2))
            for n in range(messages)
        ]
        await DeadLetters(tx).write(made)


async def late(world: Judged, number: int) -> None:
    """A message that fails anew, at another place of its topic."""
    async with transaction(world.owner) as tx:
        await DeadLetters(tx).write([replace(LETTER, offset=900 + number, code="MC_INVALID")])
