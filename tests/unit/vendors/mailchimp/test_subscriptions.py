"""What is done about the webhooks of an audience, by what it has: made before anything goes that still tells."""

from __future__ import annotations

from typing import Any

import pytest

from common.secret import Secret
from vendors.mailchimp.subscriptions import EVENTS, KINDS, PEOPLE, SOURCES, WITHDRAWALS, HookKind, planned, strays

BASE, FORMER = "https://ours.example/hooks/mailchimp/chimp", "https://before.example/hooks/mailchimp/chimp"
KEY, UNSIGNED, UNTOLD = Secret("mc-key"), Secret("path:s3cr3t"), Secret("untold:x")


def hook(id: str, url: str, kind: HookKind = PEOPLE, **switches: Any) -> dict[str, Any]:
    return {"id": id, "url": url, **kind.switches, **switches}


OLD = hook("old", BASE, events=dict.fromkeys(EVENTS, True), sources=dict.fromkeys(SOURCES, True))


class TestKinds:
    def test_hear_no_source_together_and_all_of_them_withdrawals(self) -> None:
        assert not PEOPLE.sources & WITHDRAWALS.sources
        assert PEOPLE.sources | WITHDRAWALS.sources == set(SOURCES)
        assert {"unsubscribe", "cleaned", "upemail"} <= PEOPLE.events & WITHDRAWALS.events
        assert "campaign" not in WITHDRAWALS.events, "it knows no source: it would come twice"

    def test_say_every_switch(self) -> None:
        for kind in KINDS:
            assert set(kind.switches["events"]) == set(EVENTS) and set(kind.switches["sources"]) == set(SOURCES)

    def test_have_keys_of_their_own_however_long_an_audience_is_called(self) -> None:
        slots = [kind.slot("a" * 80) for kind in KINDS]
        assert len(set(slots)) == 2 and all(len(slot) <= 64 for slot in slots)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestAPlan:
    def test_is_empty_where_all_is_well(self, kind: HookKind) -> None:
        for secret in (KEY, UNSIGNED):
            plan = planned(kind, [hook("a", kind.address(BASE, secret), kind)], BASE, secret)
            assert (plan.lack, plan.before, plan.after) == ("", (), [])

    def test_leaves_the_one_of_before_until_both_are_there(self, kind: HookKind) -> None:
        plan = planned(kind, [OLD], BASE, None)
        assert (plan.lack, plan.before, plan.after) == (f"webhook of the audience for {kind.words}", [], [])
        assert strays([OLD, *(hook(one.name, one.address(BASE), one) for one in KINDS)]) == [OLD]

    @pytest.mark.parametrize("secret", [None, UNTOLD])
    def test_clears_the_address_of_one_whose_key_is_lost(self, kind: HookKind, secret: Secret | None) -> None:
        lost = hook("a", kind.address(BASE), kind)
        plan = planned(kind, [lost], BASE, secret)
        assert (plan.lack, plan.before, plan.after) == (
            f"key of the audience's webhook for {kind.words}", [lost], [],
        )  # fmt: skip

    def test_makes_one_before_that_of_a_former_address_goes(self, kind: HookKind) -> None:
        there = hook("a", kind.address(FORMER), kind)
        plan = planned(kind, [there], BASE, KEY)
        assert (plan.lack, plan.before, plan.after) == (
            f"address of the audience's webhook for {kind.words}", [], [there],
        )  # fmt: skip

    def test_knows_the_one_at_the_right_address_among_two(self, kind: HookKind) -> None:
        former, right = hook("a", kind.address(FORMER), kind), hook("b", kind.address(BASE), kind)
        plan = planned(kind, [former, right], BASE, KEY)
        assert (plan.lack, plan.before, plan.after) == ("", (), [former])

    @pytest.mark.parametrize("name", ["events", "sources"])
    def test_mends_what_hears_something_else(self, kind: HookKind, name: str) -> None:
        found = hook("a", kind.address(BASE), kind, **{name: dict.fromkeys(kind.switches[name], True)})
        plan = planned(kind, [found], BASE, KEY)
        lack = f"events of the audience's webhook for {kind.words}" if found[name] != kind.switches[name] else ""
        assert (plan.lack, list(plan.before)) == (lack, [found] if lack else [])

    def test_is_about_its_own_kind(self, kind: HookKind) -> None:
        (other,) = [one for one in KINDS if one is not kind]
        plan = planned(kind, [hook("a", other.address(BASE), other)], BASE, KEY)
        assert (plan.lack, plan.before, plan.after) == (f"webhook of the audience for {kind.words}", [], [])
