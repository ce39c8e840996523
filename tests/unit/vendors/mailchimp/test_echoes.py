"""R17: an echo is known per field, by the stamp of the newest write of it and the value that it made."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.members import member
from vendors.absorbing import TargetEvent
from vendors.acts import Act, Written
from vendors.mailchimp.echoes import echo_of
from vendors.target_record import TargetRecord

S1, S2 = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 12, 10, tzinfo=UTC)


def wrote(
    stamp: datetime | None, at: datetime = S1, action: str = "update", standing: str = "", **merge: str
) -> Written:
    values = {f"merge.{name}": value for name, value in merge.items()} | ({"standing": standing} if standing else {})
    return Written(Act(action, "k", values), stamp, at - timedelta(seconds=2), at + timedelta(seconds=2))


def said(at: datetime, standing: str = "", **merge: str) -> TargetEvent:
    values = {f"merge.{name}": value for name, value in merge.items()}
    return TargetEvent("p", "k", at, values | ({"standing": standing} if standing else {}))


def knows(**merge: str) -> TargetRecord:
    return member(exists=True, standing="subscribed", values={f"merge.{name}": value for name, value in merge.items()})


TWICE = [replace(wrote(S2, FNAME="c"), before={"merge.FNAME": "a"}), wrote(S1, FNAME="a")]


class TestAField:
    @pytest.mark.parametrize("off", [-1, 0, 1])
    def test_with_the_stamp_and_the_value_of_our_newest_write_is_its_echo(self, off: int) -> None:
        found = echo_of(knows(FNAME="c"), said(S2 + timedelta(seconds=off), FNAME="c"), TWICE)
        assert (found.ours, found.doubts) == (True, ())

    @pytest.mark.parametrize("later", [2, 60, 3000])
    def test_put_back_to_what_we_wrote_before_is_no_echo(self, later: int) -> None:
        found = echo_of(knows(FNAME="c"), said(S2 + timedelta(seconds=later), FNAME="a"), TWICE)
        assert (found.ours, found.doubts) == (False, ("merge.FNAME",))

    @pytest.mark.parametrize("off", [-1, 0, 1])
    def test_with_our_stamp_and_another_value_is_in_doubt(self, off: int) -> None:
        found = echo_of(knows(FNAME="c"), said(S2 + timedelta(seconds=off), FNAME="x"), TWICE)
        assert (found.ours, found.doubts) == (False, ("merge.FNAME",))

    def test_of_before_our_newest_write_of_it_is_past(self) -> None:
        found = echo_of(knows(FNAME="c"), said(S1, FNAME="x"), TWICE)
        assert (found.ours, found.doubts, found.overwritten) == (False, (), ("merge.FNAME",))

    def test_that_a_profile_of_before_carries_along_as_it_was_is_nobodys_edit(self) -> None:
        between = S1 + timedelta(minutes=5)
        assert echo_of(knows(FNAME="c"), said(between, FNAME="a"), TWICE).overwritten == ()
        assert echo_of(knows(FNAME="c"), said(between, FNAME="x"), TWICE).overwritten == ("merge.FNAME",)

    def test_of_an_older_write_with_its_own_stamp_is_its_late_echo(self) -> None:
        found = echo_of(knows(FNAME="c"), said(S1, FNAME="a"), TWICE)
        assert (found.ours, found.doubts, found.overwritten) == (True, (), ())

    def test_edited_in_the_second_of_our_write_of_another_is_not_swallowed_with_it(self) -> None:
        found = echo_of(knows(FNAME="c", LNAME="l"), said(S2, FNAME="c", LNAME="x"), TWICE)
        assert (found.ours, found.doubts) == (False, ("merge.LNAME",))

    def test_of_a_write_without_a_stamp_counts_within_its_call(self) -> None:
        write = [wrote(None, S1, FNAME="a")]
        assert echo_of(knows(FNAME="a"), said(S1, FNAME="a"), write).ours
        assert not echo_of(knows(FNAME="a"), said(S1 + timedelta(minutes=1), FNAME="a"), write).ours
        assert echo_of(knows(FNAME="a"), said(S1, FNAME="x"), write).doubts

    def test_as_we_know_it_from_a_later_look_is_no_doubt(self) -> None:
        assert echo_of(knows(FNAME="x"), said(S2 + timedelta(minutes=1), FNAME="x"), TWICE).doubts == ()

    def test_that_nobody_knows_of_is_nothing(self) -> None:
        found = echo_of(knows(), said(S2, FNAME="x"), [])
        assert (found.ours, found.doubts, found.overwritten) == (False, (), ())


class TestAStanding:
    ARCHIVED = wrote(None, S1, "archive", "archived")
    BACK = wrote(S2, S2, "return", "subscribed")

    def test_of_our_own_archive_is_ours(self) -> None:
        assert echo_of(knows(), said(S1, "archived"), [self.ARCHIVED]).standing_is_ours
        assert not echo_of(knows(), said(S1 + timedelta(minutes=1), "archived"), [self.ARCHIVED]).standing_is_ours

    def test_of_an_archive_before_we_brought_it_back_is_ours_and_one_after_it_is_not(self) -> None:
        both = [self.BACK, self.ARCHIVED]
        assert echo_of(knows(), said(S1, "archived"), both).standing_is_ours
        assert not echo_of(knows(), said(S2 + timedelta(seconds=1), "archived"), both).standing_is_ours

    @pytest.mark.parametrize("off", [-1, 0, 1])
    def test_of_an_archive_in_the_second_in_which_we_brought_it_back_is_in_doubt(self, off: int) -> None:
        both = [self.BACK, wrote(None, S2, "archive", "archived")]
        told = said(S2 + timedelta(seconds=off), "archived", FNAME="a")
        found = echo_of(knows(FNAME="a"), told, both)
        assert (found.ours, found.standing_is_ours, found.doubts) == (False, False, ("standing",))
        again = echo_of(member(exists=True, standing="archived"), told, [wrote(None, S2, "archive", "archived"), *both])
        assert (again.standing_is_ours, again.doubts) == (True, ())

    @pytest.mark.parametrize("standing", ["unsubscribed", "cleaned"])
    def test_that_withdraws_is_never_ours(self, standing: str) -> None:
        assert not echo_of(knows(), said(S1, standing), [wrote(S1, S1, "withdraw", standing)]).standing_is_ours

    def test_of_our_create_says_nothing_for_its_fields(self) -> None:
        made: list[Any] = [wrote(S1, S1, "create", "subscribed", FNAME="a")]
        found = echo_of(knows(FNAME="a"), said(S1, "subscribed", FNAME="x"), made)
        assert (found.standing_is_ours, found.ours, found.doubts) == (True, False, ("merge.FNAME",))
