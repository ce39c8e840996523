"""What is owed is sent once, by mail and by signed webhook; what dies between sending and marking goes once more and is known by its id."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from common import failpoints
from console.notify.sender import WAITS, NoticeSender
from tests.integration.notices.conftest import SECRET, Told
from tests.support.hook_receiver import is_genuine

GONE = timedelta(0)
"""A lease that runs out at once: whoever held it has died."""


async def a_summary(told: Told) -> None:
    """One day is told of."""
    await told.summaries.want("07:00", "UTC")
    told.later(days=1)
    assert await told.summaries.make_due() == 1


async def dies(sender: NoticeSender, point: str) -> None:
    with failpoints.armed(f"{point}=raise:RuntimeError"), pytest.raises(RuntimeError):
        await sender.send_due()


class TestSummary:
    async def test_goes_to_everybody_who_asked_once(self, told: Told) -> None:
        await told.destination("email")
        await told.destination("webhook")
        await told.destination("email", "nobody@example.org", summaries=False, alerts=True)
        await a_summary(told)
        senders = [told.sender() for _ in range(3)]
        assert sum(await asyncio.gather(*(one.send_due() for one in senders))) == 2
        assert await senders[0].send_due() == 0
        assert await told.deliveries() == [("sent", 1, 0), ("sent", 1, 0)]
        ((to, mail),) = told.mail.taken
        assert (to, mail["Subject"]) == ("finance@example.org", "Millrace, 2026-06-10: nothing happened")
        assert "no record came, none was written, none failed" in mail.get_content()
        (headers, body), secret = told.hook.came[0], SECRET
        now = told.clock.now().timestamp()
        assert is_genuine(secret, headers, body, now)
        assert not is_genuine(secret, headers, body + b" ", now) and not is_genuine(secret, headers, body, now + 600)
        assert told.hook.told()["data"]["day"] == "2026-06-10" and told.hook.told()["data"]["is_empty"] is True
        assert "Millrace" not in str(headers) and SECRET not in str(told.hook.came)

    async def test_a_sender_that_dies_after_sending_repeats_it_once_under_the_same_id(self, told: Told) -> None:
        await told.destination("email")
        await told.destination("webhook")
        await a_summary(told)
        for _ in range(2):
            await dies(told.sender(), "console.delivery.sent")
        assert await told.sender().send_due() == 0
        await told.rows("update core.delivery set lease_until = clock_timestamp()")
        await told.sender().send_due()
        assert len(told.mail.taken) == 2 and len(set(told.mail.ids)) == 1
        assert len(told.hook.came) == 2 and len(set(told.hook.ids)) == 1
        assert await told.deliveries() == [("sent", 2, 1), ("sent", 2, 1)]
        assert await told.sender().send_due() == 0

    async def test_one_that_dies_before_sending_loses_nothing(self, told: Told) -> None:
        await told.destination("email")
        await a_summary(told)
        await dies(told.sender(GONE), "console.delivery.taken")
        await told.sender().send_due()
        assert len(told.mail.taken) == 1 and await told.deliveries() == [("sent", 2, 1)]

    async def test_a_mail_is_repeated_once_at_most(self, told: Told) -> None:
        await told.destination("email")
        await a_summary(told)
        told.mail.drops = 9
        for _ in range(4):
            await told.sender(GONE).send_due()
            told.later(days=1)
        assert len(told.mail.taken) == 2 and await told.deliveries() == [("failed", 3, 2)]
        (row,) = await told.rows("select words from core.delivery")
        assert row["words"].startswith("Nobody saw whether it was taken")

    async def test_what_is_not_taken_is_tried_again_until_its_end(self, told: Told) -> None:
        await told.destination("webhook")
        await a_summary(told)
        told.hook.answers = [500, 302, 0] + [503] * 20
        for wait in WAITS:
            assert await told.sender().send_due() == 1 and await told.sender().send_due() == 0
            told.later(seconds=wait.total_seconds())
        await told.sender().send_due()
        assert await told.deliveries() == [("failed", len(WAITS) + 1, 1)]
        assert len(told.hook.came) == len(WAITS) + 1 and len(set(told.hook.ids)) == 1

    async def test_a_receiver_that_comes_back_gets_it(self, told: Told) -> None:
        await told.destination("email")
        await a_summary(told)
        told.mail.refuses["RCPT"] = ["451 later", "550 not here"]
        for _ in range(3):
            await told.sender().send_due()
            told.later(hours=1)
        assert len(told.mail.taken) == 1 and await told.deliveries() == [("sent", 3, 0)]

    async def test_without_its_secret_a_webhook_is_not_sent(self, told: Told) -> None:
        await told.destination("webhook")
        await a_summary(told)
        told.secret = None
        await told.sender().send_due()
        (row,) = await told.rows("select state, words from core.delivery")
        assert row["state"] == "waiting" and "add it again" in row["words"] and told.hook.came == []


class TestAlert:
    async def test_of_a_closed_gate_is_told_at_once_and_once(self, told: Told) -> None:
        await told.destination("email", alerts=True, summaries=False)
        await told.destination("webhook", summaries=True)
        await self.connection(told)
        await told.rows(
            "select core.set_gate('books', 'needs_reauth', null, $1, 'GRANT_REVOKED', 'The grant is over.')",
            told.clock.now(),
        )
        await told.rows("select core.set_gate('books', 'throttled', null, $1, '', 'A limit.')", told.clock.now())
        for _ in range(2):
            await told.notices.look()
            await told.sender().send_due()
        ((_, mail),) = told.mail.taken
        assert mail["Subject"] == "Millrace: the books needs your consent again" and told.hook.came == []
        assert (
            "The grant is over." in mail.get_content()
            and "millrace connection reconnect 'the books'" in mail.get_content()
        )

    async def test_of_records_that_wait_for_a_person_comes_once_until_none_does(self, told: Told) -> None:
        await told.destination("webhook", alerts=True, summaries=False)
        for count in (1, 2, 1):
            await self.letters(told, count)
            await told.notices.look()
        await told.sender().send_due()
        assert [told.hook.told(at)["type"] for at in range(len(told.hook.came))] == ["letters.open"]
        await told.rows("update flow.dead_letter set state = 'discarded', closed_at = now()")
        await told.notices.look()
        assert await told.notices.newest(9, only_open=True) == []
        await self.letters(told, 1)
        await told.notices.look()
        await told.sender().send_due()
        assert len(told.hook.came) == 2 and len(set(told.hook.ids)) == 2

    async def test_of_a_destination_that_takes_nothing_goes_to_the_others_until_it_does(self, told: Told) -> None:
        await told.destination("webhook")
        await told.destination("email", alerts=True, summaries=False)
        await a_summary(told)
        told.hook.answers = [410] * (len(WAITS) + 1)
        for wait in (*WAITS, WAITS[0]):
            await told.sender().send_due()
            told.later(seconds=wait.total_seconds())
        await told.summaries.want_none()
        for _ in range(2):
            await told.notices.look()
            await told.sender().send_due()
        assert [mail["Subject"] for _, mail in told.mail.taken] == ["Millrace: something could not be sent"]
        assert [one.kind for one in await told.notices.newest(9, only_open=True)] == ["destination.failed", "summary"]
        await told.summaries.want("07:00", "UTC")
        told.later(days=1)
        await told.notices.look()
        await told.sender().send_due()
        await told.notices.look()
        assert [one.kind for one in await told.notices.newest(9, only_open=True)] == ["summary"]

    async def test_of_yesterday_is_no_news_for_a_new_destination(self, told: Told) -> None:
        await self.letters(told, 1)
        await told.notices.look()
        told.later(days=2)
        await told.destination("email", alerts=True)
        await told.notices.look()
        assert await told.deliveries() == []

    async def connection(self, told: Told) -> None:
        await told.rows(
            """insert into core.connection (id, vendor, name, state, created_at, updated_at)
               values ('books', 'zoho-books', 'the books', 'active', now(), now())"""
        )

    async def letters(self, told: Told, count: int) -> None:
        await told.rows(
            """insert into flow.dead_letter (err_group, err_topic, err_partition, err_offset, recorded_at, header_names, header_values, err_service,
                   err_version, err_stage, err_code, err_class, err_message, err_first_at, err_last_at)
               select 'g', 't', 0, (select count(*) from flow.dead_letter) + n, $1, '{}', '{}', 'mapper', '1', 'map', 'X', 'BUG', 'm', $1, $1
                 from generate_series(1, $2::integer) n""",
            told.clock.now(), count,
        )  # fmt: skip
