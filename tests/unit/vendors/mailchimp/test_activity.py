"""What an event of an audience tells of a customer: whatever somebody did, in whatever order it is heard, and nothing that we did."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.members import member
from tests.unit.vendors.mailchimp.test_echoes import S1, S2, TWICE, knows, said, wrote
from vendors.absorbing import Happened, Heard, TargetEvent
from vendors.mailchimp import wire
from vendors.mailchimp.knowledge import absorb
from vendors.target_record import TargetRecord

LATER = S2 + timedelta(hours=1)


def told(known: TargetRecord, event: TargetEvent, written: object = ()) -> Happened | None:
    return absorb(known, Heard(event, written)).happened  # type: ignore[arg-type]


def read(event: TargetEvent) -> TargetEvent:
    return replace(event, shows_a_moment=True)


class TestAnEvent:
    @pytest.mark.parametrize("standing", ["subscribed", "unsubscribed", "cleaned", "archived"])
    @pytest.mark.parametrize("known", ["subscribed", "unsubscribed", "cleaned", "archived"])
    @pytest.mark.parametrize("at", [S1, LATER])
    def test_is_told_whatever_is_known_by_now(self, standing: str, known: str, at: object) -> None:
        is_so = member(exists=True, standing=known)
        assert told(is_so, said(at, standing)) == Happened(standing, "event")  # type: ignore[arg-type]

    @pytest.mark.parametrize("standing", ["subscribed", "unsubscribed", "archived"])
    @pytest.mark.parametrize("off", [-1, 0, 1])
    def test_of_our_own_write_is_not(self, standing: str, off: int) -> None:
        ours = [wrote(S2, standing=standing)]
        assert told(knows(), said(S2 + timedelta(seconds=off), standing), ours) is None
        assert told(knows(), said(S2 + timedelta(seconds=2), standing), ours) == Happened(standing, "event")  # type: ignore[arg-type]

    def test_of_a_profile_names_what_differs_and_what_we_have_overwritten(self) -> None:
        assert told(knows(FNAME="c"), said(LATER, FNAME="x"), TWICE) == Happened("profile", "event", ("FNAME",))
        assert told(knows(FNAME="c"), said(S1, FNAME="x"), TWICE) == Happened("profile", "event", ("FNAME",))
        assert told(knows(FNAME="c"), said(S2, FNAME="c"), TWICE) is None
        assert told(knows(FNAME="c"), said(LATER, FNAME="c", PHONE="1"), TWICE) == Happened("profile", "event")


class TestARead:
    def test_tells_what_is_otherwise_than_was_known(self) -> None:
        same = read(said(LATER, "subscribed", FNAME="c"))
        assert told(knows(FNAME="c"), same) is None
        assert told(knows(FNAME="c"), read(said(LATER, "cleaned", FNAME="c"))) == Happened("cleaned", "read")
        assert told(knows(FNAME="c"), read(said(LATER, "pending", FNAME="x"))) == Happened("seen", "read", ("standing", "FNAME"))  # fmt: skip
        assert told(knows(FNAME="c"), read(said(LATER, "subscribed", FNAME="x"))) == Happened("seen", "read", ("FNAME",))  # fmt: skip

    def test_of_whom_nothing_is_known_tells_nothing(self) -> None:
        assert told(TargetRecord(), read(said(LATER, "unsubscribed", FNAME="c"))) is None

    def test_of_our_own_withdrawal_tells_nothing(self) -> None:
        assert told(knows(), read(said(S2, "unsubscribed")), [wrote(S2, standing="unsubscribed")]) is None


class TestRates:
    def test_are_numbers_and_nothing_else(self) -> None:
        assert wire.rates({"stats": {"avg_open_rate": 0.31251, "avg_click_rate": 0}}) == {"open_rate": "0.3125", "click_rate": "0"}  # fmt: skip
        for stats in (None, [], {}, {"avg_open_rate": None, "avg_click_rate": True}, {"avg_open_rate": "much"}):
            assert wire.rates({"stats": stats}) == {}

    def test_are_known_by_a_read_that_is_no_echo(self) -> None:
        event = read(said(LATER, "subscribed", FNAME="c"))
        with_rates = replace(event, values={**event.values, "open_rate": "0.3"})
        assert absorb(knows(FNAME="c"), Heard(with_rates)).record.seen["open_rate"] == "0.3"
        ours = replace(with_rates, at=S2)
        assert absorb(knows(FNAME="c"), Heard(ours, TWICE)).record == knows(FNAME="c")
