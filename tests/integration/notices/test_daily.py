"""Each day is told of once: by several processes, after one that was off, after a crash; and an empty one says that it is empty."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import pytest

from common import failpoints
from common.api.refusal import Refusal
from console.summaries.words import text
from tests.integration.notices.conftest import NOW, Told


class TestOnce:
    async def test_by_three_processes_at_the_hour(self, told: Told) -> None:
        await told.destination("email")
        await told.summaries.want("07:00", "Europe/Madrid")
        told.clock.set(datetime(2026, 6, 11, 4, 59, tzinfo=UTC))
        assert await told.summaries.make_due() == 0
        told.later(minutes=1)
        assert sum(await asyncio.gather(*(told.summaries.make_due() for _ in range(3)))) == 1
        assert await told.summaries.make_due() == 0
        assert await told.rows("select 1 from core.delivery") != []
        (row,) = await told.rows("select day, begins_at, ends_at from core.summary")
        assert tuple(row.values()) == (
            date(2026, 6, 10), datetime(2026, 6, 9, 22, tzinfo=UTC), datetime(2026, 6, 10, 22, tzinfo=UTC)
        )  # fmt: skip

    async def test_after_the_machine_was_off_for_three_mornings(self, told: Told) -> None:
        await told.destination("webhook")
        await told.summaries.want("07:00", "UTC")
        told.later(days=3)
        assert await told.summaries.make_due() == 3
        assert await told.summaries.make_due() == 0
        await told.sender().send_due()
        assert [told.hook.told(at)["data"]["day"] for at in range(3)] == ["2026-06-10", "2026-06-11", "2026-06-12"]

    async def test_after_a_crash_before_its_commit(self, told: Told) -> None:
        await told.destination("email")
        await told.summaries.want("07:00", "UTC")
        told.later(days=1)
        with failpoints.armed("console.summary.made=raise:RuntimeError"), pytest.raises(RuntimeError):
            await told.summaries.make_due()
        assert await told.rows("select 1 from core.summary union all select 1 from core.delivery") == []
        assert await told.summaries.make_due() == 1
        assert len(await told.deliveries()) == 1

    async def test_at_another_hour_from_today_on(self, told: Told) -> None:
        await told.summaries.want("07:00", "UTC")
        told.later(days=1)
        await told.summaries.make_due()
        await told.summaries.want("20:00", "UTC")
        told.clock.set(datetime(2026, 6, 11, 21, tzinfo=UTC))
        assert await told.summaries.make_due() == 0
        wanted, next_at = await told.summaries.wanted()
        assert wanted is not None and (wanted.at, next_at) == ("20:00", datetime(2026, 6, 12, 20, tzinfo=UTC))

    async def test_not_when_nobody_wants_it(self, told: Told) -> None:
        await told.summaries.want("07:00", "UTC")
        await told.summaries.want_none()
        told.later(days=2)
        assert await told.summaries.make_due() == 0


class TestShown:
    async def test_a_day_of_25_hours_that_was_empty_says_both(self, told: Told) -> None:
        told.clock.set(datetime(2026, 10, 25, 12, tzinfo=UTC))
        await told.summaries.want("07:00", "Europe/Madrid")
        told.later(days=1)
        await told.summaries.make_due()
        (only,) = await told.notices.newest(9, only_open=True)
        assert (only.kind, only.message) == ("summary", "Millrace, 2026-10-25: nothing happened")
        shown = await told.summaries.show(None)
        assert (shown.day.date, shown.day.hours, shown.figures.is_empty) == (date(2026, 10, 25), 25, True)

    async def test_a_day_that_was_not_told_of_is_shown_as_it_is_seen_now(self, told: Told) -> None:
        assert (await told.summaries.show(date(2026, 6, 1))).made_at is None
        assert (await told.summaries.show(None)).day.date == NOW.date()
        for day, words in ((date(2026, 6, 11), "has not begun"), (date.min, "is before all")):
            with pytest.raises(Refusal, match=words):
                await told.summaries.show(day)

    @pytest.mark.parametrize(
        ("at", "zone"), [("7:00", "UTC"), ("24:00", "UTC"), ("07:00:30", "UTC"), ("soon", "UTC"), ("07:00", "Atlantis")]
    )
    async def test_a_wrong_hour_or_zone_is_refused(self, told: Told, at: str, zone: str) -> None:
        with pytest.raises(Refusal):
            await told.summaries.want(at, zone)
        assert (await told.summaries.wanted()) == (None, None)


class TestFigures:
    """Of a pair without money, and of what is not known; that sums equal the books is in `tests/integration/books/test_day_summary.py`."""

    async def test_count_records_and_not_rows(self, told: Told) -> None:
        await self.sync(told, "mailchimp", "member")
        for record, step, revision, counts_as in (
            ("new", "mapped", 1, ""), ("new", "mapped", 2, ""), ("new", "applied", 2, "added"), ("new", "applied", 2, "changed"),
            ("old", "mapped", 9, ""), ("old", "applied", 9, "changed"), ("old", "applied", 9, "changed"),
            ("left", "filtered", 1, ""), ("bad", "dead", 3, ""), ("bad", "dead", 3, ""), ("bad", "attempt", 3, ""),
        ):  # fmt: skip
            await self.journal(told, record, step, revision, counts_as)
        told.later(hours=12)
        await self.journal(told, "tomorrow", "applied", 1, "added")
        (leg,) = (await told.summaries.show(NOW.date())).figures.legs
        assert (leg.sync, leg.leg, leg.becomes) == ("the sync", "customer", "member")
        assert (leg.arrived, leg.created, leg.updated, leg.failed, leg.amounts) == (2, 1, 1, 1, ())
        assert "the sync, customer: 2 new, 1 member created, 1 updated, 1 failed" in text(
            await told.summaries.show(NOW.date())
        )

    async def test_an_amount_that_is_not_known_is_in_no_sum(self, told: Told) -> None:
        await self.sync(told, "zoho-books", "invoice")
        await self.journal(told, "o1", "applied", 1, "added", "create")
        (leg,) = (await told.summaries.show(NOW.date())).figures.legs
        (amount,) = leg.amounts
        assert (amount.word, amount.amount, amount.count, amount.unknown) == ("invoiced", 0, 0, 1)
        assert "and 1 whose amount is not known" in text(await told.summaries.show(NOW.date()))

    async def sync(self, told: Told, vendor: str, becomes: str) -> None:
        for name in ("shop", vendor):
            await told.rows(
                """insert into core.connection (id, vendor, name, state, account, created_at, updated_at)
                   values ($1, $1, $1, 'active', $1, now(), now())""", name,
            )  # fmt: skip
        await told.rows(
            """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
               values ('s1', 'the sync', 't', 'shop', $1, 'active', now(), now())""", vendor,
        )  # fmt: skip
        await told.rows(
            """insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity)
               values ('s1', 'customer', 'shop', 'customer', $1, $2)""", vendor, becomes,
        )  # fmt: skip

    async def journal(
        self, told: Told, record: str, step: str, revision: int, counts_as: str, action: str = ""
    ) -> None:
        await told.rows(
            """insert into flow.journal (at, step, sync, connection, entity, record, revision, details, after)
               values ($1, $2, 's1', 'shop', 'customer', $3, $4, $5, '{}')""",
            told.clock.now(), step, record, revision, {"counts_as": counts_as, "action": action},
        )  # fmt: skip
