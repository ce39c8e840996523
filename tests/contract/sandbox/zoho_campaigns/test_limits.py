"""Limits by method, and the locks of whoever breaks them."""

from __future__ import annotations

import json

import httpx
import pytest

from sandbox.simulator import Answer
from tests.contract.sandbox.zoho_campaigns.campaigns import SILENCE, SUBSCRIBE, UNSUBSCRIBE, Campaigns, code_of

LISTS, BULK = ("GET", "getmailinglists"), ("POST", "addlistsubscribersinbulk")
START = 1_800_000_000.0  # a whole hour


@pytest.fixture
def paced(campaigns: Campaigns) -> Campaigns:
    """Its token is good for whatever moment is named."""
    for access in campaigns.core.zoho._access.values():
        access.expires_at = START * 2
    return campaigns


def many(paced: Campaigns, call: tuple[str, str], at: float, calls: int) -> int:
    """How many of these calls at one moment are let in."""
    return sum(paced.admitted(*call, at) for _ in range(calls))


class TestNumbers:
    def test_are_the_sheets(self, operator: Campaigns) -> None:
        numbers = operator.switch()["demo"]
        names = (
            "subscribe_minute",
            "subscribe_hour",
            "subscribe_day",
            "bulk_minute",
            "five_minutes",
            "fields_five_minutes",
        )
        assert [numbers[name] for name in names] == [500, 12_500, 75_000, 2_000, 500, 100]
        assert (numbers["lock_s"], numbers["bulk_lock_s"]) == (1_800, 600)

    @pytest.mark.parametrize(
        ("call", "seconds", "allowed"),
        [
            (("POST", SUBSCRIBE), 60, 500),
            (BULK, 60, 2_000),
            (LISTS, 300, 500),
            (("GET", "getlistsubscribers"), 300, 500),
            (("GET", "listsubscriberscount"), 300, 500),
            (("POST", "addlistandcontacts"), 300, 500),
            (("POST", UNSUBSCRIBE), 300, 500),
            (("POST", SILENCE), 300, 500),
            (("GET", "contact/allfields"), 300, 100),
            (("POST", "custom/add"), 300, 100),
            (("GET", "topics"), 300, 500),
            (("POST", "topics"), 300, 500),
            (("GET", "tag/add"), 300, 500),
            (("GET", "tag/associate"), 300, 500),
        ],
    )
    def test_count_in_a_window(self, paced: Campaigns, call: tuple[str, str], seconds: int, allowed: int) -> None:
        assert many(paced, call, START, allowed) == allowed
        assert many(paced, call, START + seconds, allowed) == allowed
        assert many(paced, call, START + 2 * seconds - 0.5, 1) == 0

    def test_subscribing_has_three_windows(self, paced: Campaigns) -> None:
        paced.switch(subscribe_minute=3, subscribe_hour=5, subscribe_day=7, lock_s=1)
        subscribe = ("POST", SUBSCRIBE)
        assert many(paced, subscribe, START, 3) == 3
        assert many(paced, subscribe, START + 60, 2) == 2
        assert many(paced, subscribe, START + 120, 1) == 0
        assert many(paced, subscribe, START + 3_700, 2) == 2
        assert many(paced, subscribe, START + 7_400, 1) == 0
        assert many(paced, subscribe, START + 86_400, 1) == 1

    def test_roll_or_go_by_the_clock(self, paced: Campaigns) -> None:
        paced.switch(five_minutes=2, lock_s=1)
        assert many(paced, LISTS, START + 299, 2) == 2
        assert many(paced, LISTS, START + 301, 1) == 0
        paced.switch(window="fixed")
        assert many(paced, LISTS, START + 303, 2) == 2


class TestLocks:
    def test_close_one_method_and_leave_the_others_open(self, paced: Campaigns) -> None:
        paced.switch(five_minutes=2)
        assert many(paced, LISTS, START, 3) == 2
        assert many(paced, ("GET", "getlistsubscribers"), START, 2) == 2
        assert many(paced, ("GET", "topics"), START, 1) == 1
        assert many(paced, ("POST", "topics"), START, 1) == 1

    def test_hold_for_half_an_hour_though_the_window_is_empty(self, paced: Campaigns) -> None:
        paced.switch(five_minutes=1, lock_prolongs=False)
        many(paced, LISTS, START, 2)
        assert many(paced, LISTS, START + 1_799, 1) == 0
        assert many(paced, LISTS, START + 1_800, 1) == 1

    def test_of_addresses_alone_hold_for_ten_minutes(self, paced: Campaigns) -> None:
        paced.switch(bulk_minute=1)
        many(paced, BULK, START, 2)
        assert many(paced, BULK, START + 600, 1) == 1

    def test_begin_anew_with_each_call_to_a_closed_method(self, paced: Campaigns) -> None:
        paced.switch(five_minutes=1)
        many(paced, LISTS, START, 2)
        assert many(paced, LISTS, START + 1_700, 1) == 0
        assert many(paced, LISTS, START + 1_900, 1) == 0
        assert many(paced, LISTS, START + 1_900 + 1_800, 1) == 1
        assert paced.state["methods"]["GET getmailinglists"] | {"calls": 0, "locked_for_s": 0} == {
            "calls": 0, "locked_for_s": 0, "breaches": 1, "refused_while_locked": 2,
        }  # fmt: skip

    def test_are_of_one_account(self, paced: Campaigns) -> None:
        paced.switch(five_minutes=1)
        many(paced, LISTS, START, 2)
        other = paced.at("demo-eu").connected()
        assert other.admitted(*LISTS, other.core.clock.time())

    @pytest.mark.parametrize(
        ("how", "status", "code"), [("limit", 200, "2008"), ("trouble", 200, "500"), ("too_many", 429, "")]
    )
    async def test_answer_in_one_of_three_ways(self, campaigns: Campaigns, how: str, status: int, code: str) -> None:
        campaigns.switch(five_minutes=1, locked_answer=how)
        await campaigns.ok("GET", "getmailinglists")
        for _ in range(2):
            answer = await campaigns.send("GET", "getmailinglists", resfmt="JSON")
            assert answer.status_code == status
            assert not {"retry-after", "x-ratelimit-limit", "x-ratelimit-remaining"} & set(answer.headers)
            if code:
                assert code_of(answer.json()) == code
        assert campaigns.app.log.counts()[0]["429s"] == (2 if how == "too_many" else 0)

    async def test_are_closed_by_others_too(self, campaigns: Campaigns) -> None:
        campaigns.act("lock", method="POST listsubscribe", seconds=60)
        assert await campaigns.not_subscribed("ida@alder.example") == "2008"
        await campaigns.ok("GET", "getmailinglists")
        assert campaigns.state["contacts"] == {}

    async def test_a_storm_says_the_same_and_closes_nothing(self, campaigns: Campaigns) -> None:
        campaigns.core.faults.add({"vendor": "zoho-campaigns", "kind": "storm_429", "count": 1})
        assert await campaigns.refused("GET", "getmailinglists") == "2008"
        await campaigns.ok("GET", "getmailinglists")

    def test_are_remembered(self, paced: Campaigns) -> None:
        paced.switch(five_minutes=1)
        many(paced, LISTS, START, 2)
        paced.simulator.load(paced.simulator.dump())
        assert isinstance(paced.admit(*LISTS, START + 10), Answer)
        paced.simulator.reset()
        assert not isinstance(paced.admit(*LISTS, START + 10), Answer)


async def test_one_contact_can_be_one_that_the_vendor_cannot_stand(campaigns: Campaigns) -> None:
    """By its address, wherever the parameters are sent."""
    campaigns.core.faults.add(
        {"vendor": "zoho-campaigns", "kind": "status", "status": 503, "contains": "ida@alder.example"}
    )
    asked = {"listkey": campaigns.key(), "contactinfo": campaigns.contact("ida@alder.example")}
    assert (await campaigns.send("POST", SUBSCRIBE, None, **asked)).status_code == 503
    assert (await campaigns.send("POST", SUBSCRIBE, asked)).status_code == 503
    await campaigns.subscribe("b@alder.example")
    assert list(campaigns.state["contacts"]) == ["b@alder.example"]


async def test_a_success_can_be_a_lie(campaigns: Campaigns) -> None:
    """A ghost of either kind is a fault on demand: told and not done, done and not told."""
    body = json.dumps({"message": "User successfully subscribed.", "status": "success", "code": "0"})
    campaigns.core.faults.add({"vendor": "zoho-campaigns", "kind": "status", "status": 200, "body": body, "count": 1})
    assert await campaigns.subscribe("ida@alder.example") == "User successfully subscribed."
    assert campaigns.state["contacts"] == {}
    campaigns.core.faults.add({"vendor": "zoho-campaigns", "kind": "half_commit", "count": 1})
    contact = {"listkey": campaigns.key(), "contactinfo": campaigns.contact("ida@alder.example")}
    answer: httpx.Response = await campaigns.send("POST", SUBSCRIBE, None, **contact)
    assert answer.status_code == 500
    assert campaigns.status("ida@alder.example") == "active"
