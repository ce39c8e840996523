"""A month in which channels of the CRM cannot be renewed for a while: people are told a day ahead, it is polled by itself, nothing is missed, and
webhooks are taken up again.

CRM_DAYS says how many days.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.chaos.sides.judge import problems
from tests.chaos.sides.people import People
from tests.chaos.sides.records import BOOKS, COMPANY, CRM
from tests.chaos.sides.storm import A_POLL_S, settled
from tests.contract.sandbox.zoho_crm.crm import Crm, account_of
from tests.e2e.road import Road

DAYS = int(os.environ.get("CRM_DAYS", "30"))
DAY_S = 86_400.0
# Longer than a channel lives that was renewed a moment before: some days are left on which there is none.
FAILS, MENDED = 4, 13
RENEWED_BY = ("POST", "PUT", "PATCH")
AN_AUDIT_S = 600.0
POLLED_WITHIN_S = 60.0
ALARM = "select count(*) from core.notification where code = 'ZC_CHANNEL_ENDS' and resolved_at is null"


class Month:
    """The account, whose channels are looked at by the vendor's own pages, and who works there."""

    def __init__(self, road: Road) -> None:
        self.road, self.people = road, People(road, seed=97)
        account = account_of(road.sandbox, "demo")
        self.crm = Crm(account["base_url"], account["operator_token"])

    def channels(self) -> int:
        answer = self.crm.send("GET", "/actions/watch")
        return 0 if answer.status_code == 204 else len(answer.json()["watch"])

    def alarmed(self) -> bool:
        return bool(self.road.sql.value(ALARM))

    def edited(self, within_s: float) -> None:
        """An edit in the CRM is in Books when this time has passed; at once, where a webhook tells of it."""
        self.people.look()
        self.people.edit(next(one for one in self.people.on_both() if one.kind == COMPANY), CRM, "website")
        if within_s:
            self.road.advance(within_s)
        settled(self.road)
        there = self.people.look()
        assert problems(there[BOOKS], there[CRM], self.people.edits, self.people.under) == []


@contextmanager
def nobody_renews(road: Road) -> Iterator[None]:
    with ExitStack() as faults:
        for method in RENEWED_BY:
            faults.enter_context(road.fault("zoho-crm", "status", route=f"{method} /actions/watch", status=500))
        yield


@pytest.mark.timeout(600 + 60 * DAYS)
class TestAMonth:
    def test_in_which_renewal_fails_for_days_misses_nothing(self, road: Road) -> None:
        month = Month(road)
        for _ in range(3):
            month.people.enter(COMPANY, BOOKS)
        road.advance(A_POLL_S)
        settled(road)
        road.until(lambda: month.channels() == 3, "its channels")
        for _ in range(FAILS):
            self._a_day(month)
        with nobody_renews(road):
            alarm, none = self._failing(month)
        assert none - alarm >= 1, "told at least a day before"
        road.until(
            lambda: road.advance(AN_AUDIT_S) or month.channels() == 3, "its channels again", within=120, every=1.0
        )
        road.until(lambda: road.advance(AN_AUDIT_S) or not month.alarmed(), "the alarm is over", within=120, every=1.0)
        settled(road)
        for _ in range(DAYS - MENDED):
            self._a_day(month)
            month.edited(0)

    def _a_day(self, month: Month) -> None:
        month.road.advance(DAY_S)
        settled(month.road)
        month.road.until(lambda: month.channels() == 3, "no channel lapses")
        assert not month.alarmed()

    def _failing(self, month: Month) -> tuple[int, int]:
        """On which day people were told, and on which there was no channel any more."""
        alarm = none = 0
        for day in range(FAILS, MENDED):
            # An audit looks a few times a day; people are told when it has.
            for _ in range(4):
                month.road.advance(DAY_S / 4)
                settled(month.road)
            left = month.channels()
            alarm = alarm or (day if month.alarmed() else 0)
            none = none or (day if not left else 0)
            assert left or alarm, "nobody was told"
            month.edited(0 if left else A_POLL_S)
            if not left:
                month.edited(POLLED_WITHIN_S)
        assert none, "the channels have lapsed"
        return alarm, none
