"""Runs as the console tells them, on a real database and as its own role: books that close, those that do not, lists, and switching."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from common.api.refusal import Refusal
from common.clock import FixedClock
from common.contracts.ids import ConnectionId, Entity, RecordId, RunId, SyncId
from common.http.profile import Limit
from common.state import runs
from common.state.pool import transaction
from common.state.runs import Entering, LineKey, Run, Spoken
from console.api.run_documents import RunDetails, run_document
from console.state.run_waits import WaitsFor
from console.use_cases.drafting import Drafting
from console.use_cases.hooks import Hooks
from console.use_cases.letter_choice import LetterWish
from console.use_cases.letters import Letters
from console.use_cases.missing import Missing, MissingAnswer
from console.use_cases.runs import Runs, ShownRun
from console.use_cases.syncs import Syncs
from tests.support.database import Database
from tests.support.judged import NOON, Judged, judged_world

DAY = RunId("s1.live.2026-05-04")


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Judged]:
    async with judged_world(database) as made:
        yield made


def line(record: str, revision: int = 1) -> LineKey:
    return LineKey(SyncId("s1"), Entity("customer"), RecordId(record), revision)


def runs_of(world: Judged) -> Runs:
    return Runs(world.pool, syncs_of(world), world.clock)


def syncs_of(world: Judged) -> Syncs:
    """Reading and switching need neither vendors nor the broker."""
    return Syncs(world.pool, cast("Drafting", None), cast("Hooks", None), world.clock)


class Foretold:
    """What the meters say of any calls."""

    def __init__(self, seconds: float) -> None:
        self.told, self.asked = seconds, list[int]()

    async def seconds(self, limits: Sequence[Limit], calls: int) -> float | None:
        self.asked.append(calls)
        return self.told


class Ledger:
    """What mapper and writers store."""

    def __init__(self, world: Judged) -> None:
        self.world = world

    async def changed(self, record: str, revision: int = 1, *, known: bool = True, run: RunId = DAY) -> None:
        if known:
            await self.world.known(record, revision=revision)
        async with transaction(self.world.owner) as tx:
            begun = [Run(run, SyncId("s1"), run.split(".")[1], "webhook")]
            await runs.enter(
                tx, [Entering(run, line(record, revision), otherwise=run)], self.world.clock.now(), runs=begun
            )

    async def ended(self, record: str, revision: int = 1, **said: Any) -> None:
        async with transaction(self.world.owner) as tx:
            await runs.speak(tx, {line(record, revision): Spoken(**said)}, self.world.clock.now())

    async def was(self, record: str, **said: Any) -> None:
        await self.changed(record)
        await self.ended(record, **said)


async def one_day(world: Judged) -> ShownRun:
    (run,) = (await runs_of(world).of_sync("s1", 10)).items
    assert run.closes == (run.total == sum(run.counts.values()) and not run.unaccounted)
    return run


class TestBooks:
    async def test_close_over_every_outcome(self, world: Judged) -> None:
        ledger = Ledger(world)
        await ledger.was("added", did="added", ended="unchanged")
        await ledger.was("updated", did="updated", ended="unchanged")
        await ledger.was("removed", did="removed", ended="unchanged")
        await ledger.was("unchanged", ended="unchanged")
        await ledger.was("skipped", ended="skipped", reason="no_email")
        await ledger.was("dead", ended="failed", reason="MC_INVALID")
        await ledger.changed("waits")
        await world.work("waits", "waiting")
        await ledger.was("newer", ended="superseded")
        run = await one_day(world)
        assert (run.total, run.closes, run.state, run.finished_at) == (8, True, "Reading", None)
        assert run.counts == {
            "added": 1, "updated": 1, "removed": 1, "unchanged": 1, "skipped": 1, "failed": 1, "superseded": 1, "waiting": 1,
        }  # fmt: skip
        shown = run_document(run)
        assert (shown.skipped_by_reason, shown.failed_by_code) == ({"no_email": 1}, {"MC_INVALID": 1})
        assert [(one.outcome, one.reason, one.records) for one in shown.reasons] == [
            ("skipped", "no_email", 1), ("failed", "MC_INVALID", 1),
        ]  # fmt: skip
        assert all(one.meaning.endswith(".") and one.next_step.endswith(".") for one in shown.reasons)

    async def test_one_record_that_was_dropped_makes_them_not_close(self, world: Judged) -> None:
        ledger = Ledger(world)
        await ledger.was("added", did="added", ended="unchanged")
        await ledger.changed("dropped")
        assert (await one_day(world)).closes  # it may still be on its topic
        world.clock = type(world.clock)(NOON + timedelta(minutes=6))
        run = await one_day(world)
        assert (run.closes, run.total, run.unaccounted, run.counts["waiting"]) == (False, 2, 1, 0)

    async def test_one_that_was_let_in_and_has_no_line_makes_them_not_close(self, world: Judged) -> None:
        await Ledger(world).was("added", did="added", ended="unchanged")
        async with transaction(world.owner) as tx:
            await tx.execute(
                "select flow.count_runs(array[$1], array['entered'], array[''], array[1::bigint], now())", DAY
            )
        run = await one_day(world)
        assert (run.closes, run.total, run.unaccounted) == (False, 2, 1)

    async def test_one_whose_work_is_over_and_was_not_told_makes_them_not_close(self, world: Judged) -> None:
        await Ledger(world).changed("forgotten")
        await world.work("forgotten", "done", outcome="updated")
        world.clock = type(world.clock)(NOON + timedelta(minutes=6))
        assert (await one_day(world)).unaccounted == 1

    @pytest.mark.parametrize("state", ["ready", "leased", "hold", "waiting"])
    async def test_what_is_worked_on_for_a_week_is_waiting(self, world: Judged, state: str) -> None:
        await Ledger(world).changed("slow")
        await world.work("slow", state)
        world.clock = type(world.clock)(NOON + timedelta(days=7))
        run = await one_day(world)
        assert (run.closes, run.counts["waiting"], run.state) == (True, 1, "Writing")

    async def test_fifty_edits_of_one_record_are_fifty_changes(self, world: Judged) -> None:
        ledger = Ledger(world)
        for revision in range(1, 51):
            await ledger.changed("busy", revision, known=revision == 1)
        await ledger.ended("busy", 1, did="added", ended="unchanged")
        await ledger.ended("busy", 50, did="updated", ended="unchanged")
        run = await one_day(world)
        assert (run.total, run.counts["added"], run.counts["updated"], run.counts["superseded"], run.closes) == (50, 1, 1, 48, True)  # fmt: skip

    @pytest.mark.parametrize(("read", "closes"), [(2, True), (3, False), (1, True), (None, True)])
    async def test_close_only_if_all_that_was_read_was_let_in(
        self, world: Judged, read: int | None, closes: bool
    ) -> None:
        ledger, run = Ledger(world), RunId("s1.backfill.1")
        for record in ("1", "2"):
            await ledger.changed(record, run=run)
            await ledger.ended(record, did="added", ended="unchanged")
        async with transaction(world.owner) as tx:
            await tx.execute(
                "insert into flow.run_source (run, connection, entity, records_read) values ($1, 'books', 'customer', $2)",
                run, read,
            )  # fmt: skip
        # Until the mapper has judged everything, nothing is missing.
        assert (await one_day(world)).closes
        async with transaction(world.owner) as tx:
            await runs.close(tx, run, world.clock.now())
        shown = await one_day(world)
        assert (shown.closes, shown.unaccounted, shown.state) == (closes, 0 if closes else 1, "Completed")
        assert run_document(shown).read == read

    async def test_a_day_is_over_when_the_next_one_has_begun(self, world: Judged) -> None:
        await Ledger(world).was("1", did="added", ended="unchanged")
        world.clock = type(world.clock)(NOON + timedelta(hours=13))
        run = await one_day(world)
        assert (run.state, run.finished_at) == ("Completed", NOON)
        assert run_document(run).seconds == 0.0

    async def test_a_failure_that_is_tried_again_is_waiting_in_its_run(self, world: Judged) -> None:
        await Ledger(world).was("1", ended="failed", reason="MC_INVALID")
        await world.work("1", "dead", outcome="failed", code="MC_INVALID")
        letters = Letters(world.pool, cast(Any, None), world.clock)
        await letters.retry(LetterWish(code="MC_INVALID"), "ana")
        assert (await one_day(world)).counts["waiting"] == 1
        await Ledger(world).ended("1", did="added", ended="unchanged")
        assert (await one_day(world)).counts["added"] == 1

    async def test_a_failure_that_is_given_up_stays_one(self, world: Judged) -> None:
        await Ledger(world).was("1", ended="failed", reason="MC_INVALID")
        await world.work("1", "dead", outcome="failed", code="MC_INVALID")
        await Letters(world.pool, cast(Any, None), world.clock).discard(LetterWish(sync="s1"), "ana", "a test record")
        run = await one_day(world)
        assert (run.counts["failed"], run.closes) == (1, True)


class TestWhatIsNotOver:
    async def begun(self, world: Judged, *, read: int | None = None) -> RunId:
        ledger, run = Ledger(world), RunId("s1.backfill.1")
        for number in range(4):
            await ledger.changed(str(number), run=run)
        await ledger.ended("0", did="added", ended="unchanged")
        await world.execute(
            "insert into flow.run_source (run, connection, entity, records_read, ended_at, calls) values ($1, 'books', 'customer', $2, $3, 2)",
            run, read, NOON if read else None,
        )  # fmt: skip
        return run

    async def test_tells_how_long_it_will_take(self, world: Judged) -> None:
        run = await self.begun(world, read=5)
        world.clock = FixedClock(NOON + timedelta(seconds=10))
        assert (await runs_of(world).show(run)).seconds_left == 40.0

    async def test_the_first_few_tell_nothing_of_the_pace(self, world: Judged) -> None:
        run = await self.begun(world, read=11)
        world.clock = FixedClock(NOON + timedelta(seconds=10))
        assert (await runs_of(world).show(run)).seconds_left is None

    async def test_a_pause_is_added_and_says_nothing_of_the_pace(self, world: Judged) -> None:
        ledger, run = Ledger(world), await self.begun(world, read=5)
        world.clock = FixedClock(NOON + timedelta(seconds=10))
        await ledger.ended("1", did="added", ended="unchanged")
        # Two in ten seconds; then everything stands still for a minute, of which half is over.
        world.clock = FixedClock(NOON + timedelta(seconds=40))
        await world.execute(
            "insert into core.gate (connection, reason, until, set_at) values ('chimp', 'throttled', $1, $2)",
            NOON + timedelta(seconds=70), NOON + timedelta(seconds=10),
        )  # fmt: skip
        shown = await runs_of(world).show(run)
        assert (shown.wait is not None, shown.seconds_left) == (True, 15.0 + 30.0)

    async def test_does_not_guess_while_its_source_is_listed(self, world: Judged) -> None:
        run = await self.begun(world)
        assert (await runs_of(world).show(run)).seconds_left is None

    async def listed(self, world: Judged, *, about: int | None) -> RunId:
        """The listing of a run has told of four in two pages, and has about so many."""
        run = await self.begun(world)
        await world.execute(
            """insert into flow.poll (connection, entity, job, pages, about, next_at) values ('books', 'customer', 'backfill.1', 2, $1, $2)""",
            about, NOON,
        )  # fmt: skip
        await world.execute(
            "insert into flow.poll_seen (connection, entity, record, told) select 'books', 'customer', n::text, true from generate_series(0, 3) n"
        )
        world.clock = FixedClock(NOON + timedelta(seconds=10))
        return run

    async def test_tells_it_while_its_source_is_listed_once_the_listing_s_length_is_known(self, world: Judged) -> None:
        run = await self.listed(world, about=9)
        shown = await runs_of(world).show(run)
        assert (shown.expected, shown.seconds_left, shown.read) == (9, 80.0, None)

    async def test_at_a_limit_tells_when_that_lets_the_listing_end(self, world: Judged) -> None:
        """Three pages more, and those that wait go as fast as the others went; at the pace so far it would take far longer, or far less."""
        run, forecasts = await self.listed(world, about=9), Foretold(120.0)
        ledger = Ledger(world)
        for record in ("1", "2", "3"):
            await ledger.ended(record, did="added", ended="unchanged")
        shown = await Runs(world.pool, syncs_of(world), world.clock, forecasts).show(run)
        assert (forecasts.asked, shown.seconds_left) == ([3], 120.0)

    async def test_tells_which_of_its_records_are_still_read_one_by_one(self, world: Judged) -> None:
        run = await self.begun(world, read=4)
        assert run_document(await runs_of(world).show(run)).details is None
        job, vendor = run.removeprefix("s1."), {"organization_id": "o", "plan_name": "free"}
        await world.execute("update core.connection set details = $1 where id = 'books'", vendor)
        await world.execute(
            """insert into flow.read_request (connection, entity, record, reason, not_before, asked_at, lane, version, job)
               select 'books', 'customer', n::text, 'uncovered', $1, $1, 'backfill', '1.1', $2 from generate_series(1, 700) n""",
            NOON, job,
        )  # fmt: skip
        document = run_document(await runs_of(world).show(run))
        assert document.details == RunDetails(awaited=700, a_day=300, seconds_left=2 * 86_400.0)

    async def test_tells_what_its_records_have_cost(self, world: Judged) -> None:
        run = await self.begun(world, read=4)
        async with transaction(world.owner) as tx:
            day = RunId("s1.live.2026-05-04")
            await runs.called(tx, {(run, ConnectionId("chimp")): 3, (day, ConnectionId("chimp")): 9}, NOON)
        shown = await runs_of(world).show(run)
        assert (shown.calls, shown.closes) == ({"mailchimp": 3, "zoho-books": 2}, True)

    @pytest.mark.parametrize(
        ("what", "reason", "until"),
        [
            ("update core.sync set state = 'paused'", "paused", None),
            ("select core.set_gate('chimp', 'throttled', {at}, {now}, 'X', 'no', '')", "throttled", 6),
            ("update flow.poll set words = 'busy', next_at = {at}", "source", 6),
            ("update flow.poll set words = 'QUOTA_EXHAUSTED: wait', next_at = {at}", "quota", 6),
            ("update flow.work_item set state = 'waiting', due_at = {at}", "retry", 6),
            ("update flow.work_item set state = 'waiting', due_at = {at}, code = 'QUOTA_EXHAUSTED'", "quota", 6),
            ("update flow.work_item set state = 'hold', hold_until = {at}", "retry", 6),
        ],
    )  # fmt: skip
    async def test_says_what_it_waits_for(self, world: Judged, what: str, reason: str, until: int | None) -> None:
        run = await self.begun(world)
        for number in range(1, 4):
            await world.work(str(number), "ready")
        await world.execute(
            "insert into flow.poll (connection, entity, next_at) values ('books', 'customer', $1)", NOON
        )
        assert (await runs_of(world).show(run)).wait is None
        at, now = (f"'{moment.isoformat()}'::timestamptz" for moment in (NOON + timedelta(seconds=6), NOON))
        await world.execute(what.format(at=at, now=now))
        wait = (await runs_of(world).show(run)).wait
        assert wait == WaitsFor(reason, NOON + timedelta(seconds=until) if until else None)
        (listed,) = (await runs_of(world).of_sync("s1", 5)).items
        assert run_document(listed).waits_for is not None


class TestMissing:
    async def asked(self, world: Judged) -> None:
        await world.execute(
            "insert into flow.poll (connection, entity, next_at, missing) values ('books', 'customer', $1, 2)", NOON
        )
        await world.execute(
            "insert into flow.poll_missing (connection, entity, record) values ('books', 'customer', '1'), ('books', 'customer', '2')"
        )

    @pytest.mark.parametrize(("answer", "read"), [("read", ["1", "2"]), ("keep", [])])
    async def test_an_answer_ends_the_question(self, world: Judged, answer: MissingAnswer, read: list[str]) -> None:
        await self.asked(world)
        syncs = syncs_of(world)
        shown = await syncs.show("s1")
        assert (shown.queued.missing, shown.standing) == (2, "Needs attention")
        shown = await Missing(world.pool, syncs, world.clock).answer("s1", answer)
        assert (shown.queued.missing, shown.standing) == (0, "Healthy")
        rows = await world.rows("select record, reason from flow.read_request order by record")
        assert [tuple(row) for row in rows] == [(record, "missing") for record in read]
        with pytest.raises(Refusal, match="SYNC_NOTHING_MISSING"):
            await Missing(world.pool, syncs, world.clock).answer("s1", answer)

    async def test_of_a_sync_that_is_none(self, world: Judged) -> None:
        with pytest.raises(Refusal, match="SYNC_UNKNOWN"):
            await Missing(world.pool, syncs_of(world), world.clock).answer("nobody", "keep")


class TestLists:
    async def test_runs_come_newest_first_and_page_by_page(self, world: Judged) -> None:
        ledger = Ledger(world)
        for day in range(7):
            world.clock = FixedClock(NOON + timedelta(days=day))
            await ledger.changed("busy", day + 1, known=day == 0, run=RunId(f"s1.live.2026-05-{day + 4:02}"))
        reader = runs_of(world)
        whole = await reader.of_sync("s1", 100)
        assert [run.name for run in whole.items] == [f"live.2026-05-{day:02}" for day in range(10, 3, -1)]
        assert (whole.since, whole.after) == (NOON, None)
        told, after = list[str](), None
        while True:
            page = await reader.page(3, after)
            told += [run.row.id for run in page.items]
            if (after := page.after) is None:
                break
        assert told == [run.row.id for run in whole.items]

    async def test_records_of_a_run_by_their_ends(self, world: Judged) -> None:
        ledger = Ledger(world)
        for number in range(5):
            await ledger.was(f"a{number}", did="added", ended="unchanged")
            await ledger.was(f"s{number}", ended="skipped", reason="no_email")
        await ledger.was("f", ended="failed", reason="MC_INVALID")
        reader, told, after = runs_of(world), list[tuple[str, str, str]](), None
        while True:
            found, after = await reader.records(DAY, ["skipped", "failed"], 2, after)
            told += [(one.place.outcome, one.place.record, one.reason) for one in found]
            if after is None:
                break
        assert told == [("failed", "f", "MC_INVALID"), *(("skipped", f"s{n}", "no_email") for n in range(5))]
        everybody, _ = await reader.records(DAY, [], 100)
        assert len(everybody) == 11

    async def test_a_run_that_is_none(self, world: Judged) -> None:
        for asked in (runs_of(world).show("s1.live.1999-01-01"), runs_of(world).records("nothing", [], 5)):
            with pytest.raises(Refusal, match="RUN_UNKNOWN"):
                await asked

    @pytest.mark.parametrize("cursor", [("yesterday", "s1.v1"), ("2026-05-04T12:00:00", "s1.v1")])
    async def test_a_cursor_that_no_page_gave(self, world: Judged, cursor: tuple[str, ...]) -> None:
        with pytest.raises(Refusal, match="CURSOR_INVALID"):
            await runs_of(world).page(5, cursor)

    @pytest.mark.parametrize("cursor", [("added", "customer", "1", "x", "0"), ("added", "customer", "1", "1", "-1")])
    async def test_a_cursor_of_records_that_no_page_gave(self, world: Judged, cursor: tuple[str, ...]) -> None:
        await Ledger(world).changed("1")
        with pytest.raises(Refusal, match="CURSOR_INVALID"):
            await runs_of(world).records(DAY, [], 5, cursor)


class TestSwitching:
    async def test_what_a_person_does_is_a_run_by_that_person(self, world: Judged) -> None:
        syncs = syncs_of(world)
        await syncs.disable("s1", "ana")
        await syncs.disable("s1", "ana")  # nothing new
        await syncs.disable("s1", "bo", "archive")
        found = {run.row.kind: run for run in (await runs_of(world).of_sync("s1", 10)).items}
        assert {kind: run.row.started_by for kind, run in found.items()} == {"disable": "ana", "archive": "bo"}
        assert (found["disable"].state, found["disable"].total, found["archive"].state) == ("Completed", 0, "Reading")

    async def test_a_sync_that_is_disabled_in_the_midst_of_a_run_ends_it(self, world: Judged) -> None:
        ledger, run = Ledger(world), RunId("s1.backfill.1")
        await ledger.changed("1", run=run)
        await ledger.changed("2", run=run)
        await ledger.ended("1", did="added", ended="unchanged")
        await world.execute(
            "insert into flow.run_source (run, connection, entity, records_read) values ($1, 'books', 'customer', 9)",
            run,
        )
        await world.execute(
            "insert into flow.run (id, sync, kind, started_at) values ('s1.full.2', 's1', 'full', $1)", NOON
        )
        await world.execute(
            "insert into flow.poll (connection, entity, asked, asked_by, next_at) values ('books', 'customer', 'full.2', 'ana', $1)",
            NOON,
        )
        await syncs_of(world).disable("s1", "ana")
        # As the writer ends what it does not write any more.
        await ledger.ended("2", ended="skipped", reason="sync_disabled")
        shown = await runs_of(world).show(run)
        assert (shown.state, shown.closes, shown.read, shown.total) == ("Stopped", True, None, 2)
        assert shown.finished_at is not None
        (row,) = await world.rows("select asked from flow.poll")
        assert row["asked"] == ""

    async def test_nothing_is_kept_of_what_could_not_be_done(self, world: Judged) -> None:
        with pytest.raises(Refusal):
            await syncs_of(world).disable("nobody", "ana")
        assert (await runs_of(world).of_sync("s1", 10)).items == []
