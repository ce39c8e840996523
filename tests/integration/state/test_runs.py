"""The run ledger: what enters a run ends in it exactly once, whoever says so and however often, and is counted as it changes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from common.contracts.ids import Entity, RecordId, RunId, SyncId
from common.state import runs
from common.state.pool import Pool, close_pool, open_pool, transaction
from common.state.runs import Entering, LineKey, Run, Spoken
from tests.support.database import Database

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY, NEXT = RunId("s1.live.2026-05-04"), RunId("s1.live.2026-05-05")
POLL = RunId("s1.poll.7")


def key(record: str, revision: int = 1) -> LineKey:
    return LineKey(SyncId("s1"), Entity("customer"), RecordId(record), revision)


class Ledger:
    """As mapper and writers use it; counts are checked against the rows after every step."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.now, self.quiet = pool, NOON, Counter[tuple[str, str]]()

    async def enter(self, *lines: Entering, **counted: int) -> None:
        begun = [Run(one, SyncId("s1"), one.split(".")[1]) for one in (DAY, NEXT, POLL)]
        more = {(DAY, outcome): count for outcome, count in counted.items()}
        self.quiet.update({(run, outcome): count for (run, outcome), count in more.items()})
        async with transaction(self.pool) as tx:
            await runs.enter(tx, lines, self.now, runs=begun, counted=more)

    async def live(self, record: str, revision: int = 1) -> None:
        await self.enter(Entering(DAY, key(record, revision), otherwise=DAY))

    async def say(self, *said: tuple[LineKey, Spoken]) -> None:
        async with transaction(self.pool) as tx:
            await runs.speak(tx, dict(said), self.now)
        await self.check()

    async def counts(self, run: RunId = DAY) -> dict[str, int]:
        async with transaction(self.pool) as tx:
            rows = await tx.fetch(
                "select outcome, sum(records)::int as n from flow.run_count where run = $1 group by 1 having sum(records) <> 0",
                run,
            )
        return {row["outcome"]: row["n"] for row in rows}

    async def check(self) -> None:
        """The counts are those of the rows, and every run's books close."""
        async with transaction(self.pool) as tx:
            rows = await tx.fetch("select run, outcome, count(*) as n from flow.run_record group by 1, 2")
            counted = await tx.fetch(
                "select run, outcome, sum(records)::int as n from flow.run_count group by 1, 2 having sum(records) <> 0"
            )
        real = Counter({(row["run"], row["outcome"]): row["n"] for row in rows}) + self.quiet
        assert {(row["run"], row["outcome"]): row["n"] for row in counted if row["outcome"] != "entered"} == dict(real)
        entered = {row["run"]: row["n"] for row in counted if row["outcome"] == "entered"}
        sums = Counter[str]()
        for (run, _), n in real.items():
            sums[run] += n
        assert entered == dict(sums)


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    pool = await open_pool(database.url("service"), name="ledger", size=8)
    yield Ledger(pool)
    await close_pool(pool)


class TestEnding:
    async def test_four_written_updates_are_updated_four(self, ledger: Ledger) -> None:
        for revision in range(1, 6):
            await ledger.live("1", revision)
            await ledger.say((key("1", revision), Spoken("added" if revision == 1 else "updated", "unchanged")))
        assert await ledger.counts() == {"entered": 5, "added": 1, "updated": 4}

    async def test_what_was_written_is_its_end_also_when_it_is_skipped_then(self, ledger: Ledger) -> None:
        await ledger.live("1")
        await ledger.say((key("1"), Spoken("removed")))
        assert await ledger.counts() == {"entered": 1, "waiting": 1}
        await ledger.say((key("1"), Spoken(ended="skipped", reason="filtered")))
        assert await ledger.counts() == {"entered": 1, "removed": 1}

    async def test_a_new_address_is_one_record_whatever_is_written_for_it(self, ledger: Ledger) -> None:
        await ledger.live("1")
        await ledger.say((key("1"), Spoken("added")))
        await ledger.say((key("1"), Spoken("removed").and_then(Spoken("updated", "unchanged"))))
        assert await ledger.counts() == {"entered": 1, "added": 1}

    async def test_a_result_that_is_told_twice_counts_once(self, ledger: Ledger) -> None:
        await ledger.live("1")
        for _ in range(3):
            await ledger.say((key("1"), Spoken("updated", "unchanged")))
            ledger.now += timedelta(days=1)
            await ledger.say((key("1"), Spoken(ended="unchanged")), (key("1"), Spoken(ended="unchanged")))
        # What is *written* again is written: nobody's change asked for it, so it is a line of that day.
        assert (await ledger.counts())["updated"] == 1
        assert await ledger.counts(NEXT) == {"entered": 1, "updated": 1}

    async def test_older_wishes_that_were_passed_over_are_superseded_with_the_newest(self, ledger: Ledger) -> None:
        for revision in range(1, 51):
            await ledger.live("1", revision)
        await ledger.say((key("1", 1), Spoken("added", "unchanged")))
        await ledger.say((key("1", 50), Spoken("updated", "unchanged")))
        assert await ledger.counts() == {"entered": 50, "added": 1, "superseded": 48, "updated": 1}

    async def test_a_passed_one_never_ends_what_is_in_flight_before_it(self, ledger: Ledger) -> None:
        for revision in (1, 2, 3):
            await ledger.live("1", revision)
        await ledger.say((key("1", 2), Spoken(ended="superseded")))
        await ledger.say((key("1", 1), Spoken("added", "unchanged")))
        assert await ledger.counts() == {"entered": 3, "added": 1, "superseded": 1, "waiting": 1}

    async def test_an_older_write_that_a_look_found_is_over_with_the_newer_end(self, ledger: Ledger) -> None:
        await ledger.live("1", 1)
        await ledger.live("1", 2)
        await ledger.say((key("1", 1), Spoken("added")), (key("1", 2), Spoken(ended="failed", reason="MC_INVALID")))
        assert await ledger.counts() == {"entered": 2, "added": 1, "failed": 1}

    async def test_a_failure_stays_one_when_something_newer_comes(self, ledger: Ledger) -> None:
        await ledger.live("1")
        await ledger.say((key("1"), Spoken(ended="failed", reason="MC_INVALID")))
        await ledger.say((key("1"), Spoken(ended="superseded")))
        assert await ledger.counts() == {"entered": 1, "failed": 1}

    async def test_a_failure_that_is_tried_again_counts_where_it_failed(self, ledger: Ledger) -> None:
        await ledger.live("1")
        await ledger.say((key("1"), Spoken("added", "failed", "MC_INVALID")))
        assert await ledger.counts() == {"entered": 1, "failed": 1}
        async with transaction(ledger.pool) as tx:
            await runs.open_again(tx, [key("1")])
        await ledger.check()
        assert await ledger.counts() == {"entered": 1, "waiting": 1}
        ledger.now += timedelta(days=1)
        await ledger.say((key("1"), Spoken(ended="unchanged")))
        assert await ledger.counts() == {"entered": 1, "added": 1}

    @pytest.mark.parametrize(
        "ended", [Spoken(ended="failed", reason="ATTEMPTS_EXHAUSTED"), Spoken(ended="superseded"), Spoken(ended="unchanged")], ids=str
    )  # fmt: skip
    async def test_what_was_written_after_all_puts_right_what_was_said(self, ledger: Ledger, ended: Spoken) -> None:
        await ledger.live("1")
        await ledger.say((key("1"), ended))
        ledger.now += timedelta(days=1)
        await ledger.say((key("1"), Spoken("updated", late=True)))
        assert (await ledger.counts(), await ledger.counts(NEXT)) == ({"entered": 1, "updated": 1}, {})

    async def test_what_nobody_asked_for_is_a_line_of_its_day(self, ledger: Ledger) -> None:
        await ledger.live("1")
        await ledger.say((key("1"), Spoken(ended="skipped", reason="shares_target")))
        ledger.now += timedelta(days=1)
        # Its neighbour left, so it writes now; then the call for its tags fails, and is tried again.
        await ledger.say((key("1"), Spoken("added")))
        assert await ledger.counts(NEXT) == {"entered": 1, "waiting": 1}
        await ledger.say((key("1"), Spoken(ended="failed", reason="MC_INVALID")))
        await ledger.say((key("1"), Spoken("updated", "unchanged")))
        assert await ledger.counts(NEXT) == {"entered": 1, "added": 1}
        assert await ledger.counts() == {"entered": 1, "skipped": 1}

    async def test_an_end_of_what_never_entered_counts_only_what_was_done(self, ledger: Ledger) -> None:
        await ledger.say((key("1"), Spoken(ended="unchanged")), (key("2"), Spoken(ended="skipped", reason="no_email")))
        assert await ledger.counts() == {}
        await ledger.say((key("1"), Spoken("added", "unchanged")), (key("2"), Spoken(ended="failed", reason="X")))
        assert await ledger.counts() == {"entered": 2, "added": 1, "failed": 1}


class TestEntering:
    async def test_a_job_counts_a_record_once_and_what_changes_meanwhile_is_live(self, ledger: Ledger) -> None:
        await ledger.enter(
            Entering(POLL, key("1"), otherwise=DAY), Entering(POLL, key("2"), "unchanged", otherwise=DAY)
        )
        await ledger.say((key("1"), Spoken("added", "unchanged")))
        await ledger.enter(
            Entering(POLL, key("1", 2), otherwise=DAY), Entering(POLL, key("2"), "unchanged", otherwise=None)
        )
        await ledger.say((key("1", 2), Spoken("updated", "unchanged")))
        assert await ledger.counts(POLL) == {"entered": 2, "added": 1, "unchanged": 1}
        assert await ledger.counts() == {"entered": 1, "updated": 1}

    async def test_a_run_that_takes_everything_gives_an_ended_revision_a_new_line(self, ledger: Ledger) -> None:
        await ledger.live("1")
        await ledger.say((key("1"), Spoken("added", "unchanged")))
        await ledger.enter(Entering(POLL, key("1")))
        await ledger.say((key("1"), Spoken("removed")))
        await ledger.say((key("1"), Spoken(ended="skipped", reason="sync_disabled")))
        assert (await ledger.counts(), await ledger.counts(POLL)) == (
            {"entered": 1, "added": 1},
            {"entered": 1, "removed": 1},
        )

    async def test_what_needed_nothing_is_counted_without_a_row(self, ledger: Ledger) -> None:
        await ledger.enter(unchanged=40, superseded=2)
        await ledger.check()
        assert await ledger.counts() == {"entered": 42, "unchanged": 40, "superseded": 2}

    async def test_runs_begin_once_and_only_if_something_enters(self, ledger: Ledger) -> None:
        await ledger.live("1")
        ledger.now += timedelta(hours=1)
        await ledger.live("2")
        async with transaction(ledger.pool) as tx:
            rows = await tx.fetch("select id, kind, sync, started_at from flow.run")
        assert [tuple(row) for row in rows] == [(DAY, "live", "s1", NOON)]


class TestAtOnce:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    async def test_the_books_close_whoever_writes_at_once(self, ledger: Ledger, seed: int) -> None:
        luck = random.Random(seed)
        keys = [key(str(record), revision) for record in range(60) for revision in (1, 2)]
        await ledger.enter(*(Entering(DAY, one, otherwise=DAY) for one in keys))
        words = (Spoken("added", "unchanged"), Spoken("updated"), Spoken(ended="skipped", reason="filtered"), Spoken(ended="failed", reason="X"),
                 Spoken("updated", late=True), Spoken(ended="unchanged"))  # fmt: skip

        async def writer(mine: list[LineKey]) -> None:
            for _ in range(10):
                chosen = luck.sample(mine, 8)
                said: Mapping[LineKey, Spoken] = {one: luck.choice(words) for one in chosen}
                try:
                    async with transaction(ledger.pool) as tx:
                        await runs.speak(tx, said, NOON)
                        if luck.random() < 0.2:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    continue

        # Work items are locked by whoever speaks of them, so no two speak of one record at once.
        await asyncio.gather(*(writer([one for one in keys if int(one.record) % 6 == part]) for part in range(6)))
        await ledger.check()
