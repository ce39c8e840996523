"""What audiences tell of a customer, in words that people read, and without any value of a field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.state.activity import Activity, TargetMember, ToldCustomer
from mapper.activity_facts import facts_of

CHIMP = ConnectionId("c1")


def row(kind: Any, fields: tuple[str, ...] = (), reason: str = "") -> Activity:
    return Activity(
        ToldCustomer(ConnectionId("q"), Entity("customer"), RecordId("12")), EventId("e"), kind, "event", datetime(2026, 5, 4, tzinfo=UTC),
        CHIMP, "a", "list", "ada@example.org", fields, reason,
    )  # fmt: skip


def member(standing: str, opens: str | None = None, clicks: str | None = None) -> TargetMember:
    return TargetMember("a", "list", "ada@example.org", standing, opens, clicks)


class TestWords:
    @pytest.mark.parametrize(
        ("told", "words"),
        [
            (row("unsubscribed", reason="manual"), "News: unsubscribed (manual)"),
            (row("cleaned"), "News: mail came back"),
            (row("profile", ("merge.FNAME", "merge.PHONE")), "News: changed FNAME, PHONE"),
        ],
    )
    def test_name_the_audience_and_what_happened(self, told: Activity, words: str) -> None:
        (line,) = facts_of([told], [], {CHIMP: "News"})["activity"]
        assert line == {"id": "e", "at": "2026-05-04T00:00:00+00:00", "text": words}


class TestStanding:
    def test_is_a_word_and_rates_are_those_of_one_member(self) -> None:
        found = facts_of([row("cleaned")], [member("cleaned", "0.31", "0.05")], {})
        assert (found["standing"], found["open_rate"], found["click_rate"]) == ("bounced", "0.31", "0.05")

    def test_of_several_members_names_each_way_once_and_has_no_rates(self) -> None:
        found = facts_of(
            [row("seen")], [member("subscribed", "0.3"), member("unsubscribed", "0.1"), member("subscribed")], {}
        )
        assert (found["standing"], found["open_rate"]) == ("subscribed, unsubscribed", None)

    def test_that_nobody_knows_is_not_said(self) -> None:
        assert facts_of([row("seen")], [member("")], {})["standing"] is None
