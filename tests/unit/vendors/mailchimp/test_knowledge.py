"""What facts make of what is known of a member: seen and agreed apart (R15), and a memory that only we read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.contracts.outcomes import SkipReason
from common.failures import Rejected
from tests.support.members import looked_at, member
from vendors.absorbing import Absorbed, ActDone, Doubted, Heard, Refused, SameAsWished, Seen, TargetEvent, ToBeSent
from vendors.acts import Act, Done, Written
from vendors.mailchimp.knowledge import absorb
from vendors.mailchimp.memory import memory_of, standing
from vendors.mailchimp.seeing import drifted
from vendors.target_record import TargetRecord

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
THERE = member(exists=True, met=True, standing="subscribed", values={"merge.FNAME": "Ana", "tags": ["t"]}, ours=("t",))
UPDATE = Act("update", "k", {"merge.FNAME": "Bo"})
ARCHIVE = Act("archive", "k", {"standing": "archived"})


def done(known: TargetRecord, act: Act, said: Done, at: datetime = AT) -> TargetRecord:
    return absorb(known, ActDone(act, said, at, at + timedelta(seconds=1))).record


def seen(known: TargetRecord, shown: TargetRecord, at: datetime = AT) -> TargetRecord:
    return absorb(known, Seen(shown, at, at + timedelta(seconds=1))).record


def told(known: TargetRecord, status: str, at: datetime = AT, reason: str = "") -> TargetRecord:
    return absorb(known, Heard(TargetEvent("p", "k", at, {"standing": status}, reason))).record


class TestWhatIsAgreed:
    def test_is_changed_by_the_end_of_a_write(self) -> None:
        known = done(replace(THERE, doubtful=True), UPDATE, Done({"standing": "subscribed"}))
        assert (known.seen["merge.FNAME"], known.agreed["merge.FNAME"], known.doubtful) == ("Bo", "Bo", False)

    def test_is_not_changed_by_a_look(self) -> None:
        known = seen(THERE, looked_at(standing="subscribed", values={"merge.FNAME": "Queen", "tags": []}))
        assert (known.seen["merge.FNAME"], known.agreed["merge.FNAME"]) == ("Queen", "Ana")

    def test_is_not_changed_by_an_event(self) -> None:
        known = told(THERE, "unsubscribed")
        assert (standing(known), known.agreed["standing"]) == ("unsubscribed", "subscribed")

    def test_is_what_both_sides_say(self) -> None:
        looked = seen(member(), looked_at(standing="subscribed", values={"merge.FNAME": "Ana", "merge.LNAME": "Lee"}))
        assert looked.agreed == {}
        known = absorb(looked, SameAsWished({"email": "a@x.org", "merge.FNAME": "Ana", "merge.CITY": None})).record
        assert known.agreed == {"merge.FNAME": "Ana"}

    def test_is_what_a_late_look_asks_for(self) -> None:
        queen = looked_at(standing="subscribed", values={"merge.FNAME": "Queen", "tags": ["t"]})
        assert drifted(seen(THERE, queen), queen)
        assert not drifted(done(seen(THERE, queen), replace(UPDATE, values={"merge.FNAME": "Queen"}), Done()), queen)


class TestWhatIsRemembered:
    def test_before_an_archive_is_the_status_it_may_come_back_with(self) -> None:
        kept = absorb(THERE, ToBeSent(ARCHIVE)).record
        assert memory_of(kept).former == "subscribed"
        gone = done(kept, ARCHIVE, Done({"standing": "archived"}))
        assert (standing(gone), memory_of(gone).former) == ("archived", "subscribed")
        assert absorb(THERE, ToBeSent(UPDATE)).record == THERE

    def test_before_an_archive_is_forgotten_with_the_return(self) -> None:
        """Else somebody else's archive of it would pass for ours, and we would bring it back."""
        gone = done(absorb(THERE, ToBeSent(ARCHIVE)).record, ARCHIVE, Done({"standing": "archived"}))
        back = done(gone, Act("return", "k", {"standing": "subscribed"}), Done({"standing": "subscribed"}))
        assert memory_of(seen(back, looked_at(standing="archived"))).former == ""

    def test_are_the_tags_that_we_gave_as_long_as_they_are_there(self) -> None:
        gave = done(THERE, Act("give:u", "k", {"tags": ["t", "u"]}), Done(memory={"gave": ["u"]}))
        assert memory_of(gave).ours == ("t", "u")
        assert memory_of(seen(gave, looked_at(standing="subscribed", values={"tags": ["U"]}))).ours == ("u",)
        assert memory_of(done(gave, UPDATE, Done(memory={"took": ["t"]}))).ours == ("u",)

    def test_is_who_told_the_status_when_and_why(self) -> None:
        left = memory_of(told(THERE, "unsubscribed", AT, "abuse"))
        assert (left.told_at, left.reason) == (AT, "abuse")
        again = memory_of(seen(told(THERE, "unsubscribed", AT, "abuse"), looked_at(standing="unsubscribed")))
        assert (again.told_at, again.reason) == (AT, "abuse")
        ours = memory_of(done(THERE, Act("withdraw", "k", {"standing": "unsubscribed"}), Done()))
        assert (ours.told_at, ours.standing_at) == (None, AT + timedelta(seconds=1))

    @pytest.mark.parametrize(("code", "barred"), [("MC_FORGOTTEN", SkipReason.FORGOTTEN), ("MC_INVALID", None)])
    def test_is_a_refusal_that_is_a_rule(self, code: str, barred: SkipReason | None) -> None:
        known = absorb(THERE, Refused(Rejected(code, "no"))).record
        assert (memory_of(known).barred, known == THERE) == (barred, barred is None)

    def test_of_two_names_of_one_account_counts_whatever_forbids(self) -> None:
        other = member(exists=True, standing="archived", former="subscribed", ours=("u",), barred=SkipReason.COMPLIANCE)
        both = memory_of(replace(THERE, memory={**THERE.memory, "also": [dict(other.memory)]}))
        assert (both.barred, both.ours, both.former) == (SkipReason.COMPLIANCE, ("t", "u"), "")


class TestConsent:
    def test_told_as_less_since_we_asked_is_kept(self) -> None:
        left = told(THERE, "unsubscribed", AT + timedelta(seconds=10))
        assert standing(done(left, UPDATE, Done({"standing": "subscribed"}))) == "unsubscribed"
        assert standing(seen(left, looked_at(standing="subscribed"))) == "unsubscribed"
        assert standing(seen(left, looked_at(standing="subscribed"), AT + timedelta(minutes=1))) == "subscribed"

    def test_told_as_less_just_before_our_archive_does_not_hide_it(self) -> None:
        known = absorb(told(THERE, "cleaned"), ToBeSent(ARCHIVE)).record
        archived = done(known, ARCHIVE, Done({"standing": "archived"}), AT + timedelta(seconds=1))
        assert (standing(archived), memory_of(archived).former) == ("archived", "cleaned")
        assert [said.standing for said in memory_of(archived).said] == ["cleaned"]

    def test_an_archive_from_before_our_return_is_looked_at_and_not_believed(self) -> None:
        """Ours, for example, that landed long after it was sent."""
        gone = done(absorb(THERE, ToBeSent(ARCHIVE)).record, ARCHIVE, Done({"standing": "archived"}))
        back = done(gone, Act("return", "k", {"standing": "subscribed"}), Done({"standing": "subscribed"}), AT)
        written_at = memory_of(back).standing_at
        assert written_at is not None
        before = Heard(TargetEvent("p", "k", written_at - timedelta(seconds=1), {"standing": "archived"}, "manual"))
        heard = absorb(back, before)
        assert (standing(heard.record), heard.record.doubtful, heard.concerns) == ("subscribed", True, {"owners"})

    @pytest.mark.parametrize("no", ["unsubscribed", "cleaned"])
    def test_that_ends_concerns_whoever_has_left_however_it_is_learnt(self, no: str) -> None:
        look = Seen(looked_at(standing=no), AT, AT + timedelta(seconds=1))
        copy = {"allowed": no, "since": AT.isoformat(), "until": AT.isoformat()}
        back = ActDone(Act("return", "k", {"standing": no}, memory=copy), Done({"standing": no}), AT, AT)
        event = Heard(TargetEvent("p", "k", AT, {"standing": no}))
        for fact in (look, back, event):
            assert absorb(THERE, fact).concerns == {"followers"}
        # What we had made so ourselves, and now hear of: it may be later than we knew.
        known = absorb(member(exists=True, met=True, standing="archived", former=no), back).record
        again = absorb(known, Heard(TargetEvent("p", "k", AT + timedelta(seconds=9), {"standing": no})))
        assert (again.change and again.change.step, again.concerns) == ("duplicate", {"followers"})

    def test_that_goes_on_concerns_nobody(self) -> None:
        look = Seen(looked_at(standing="subscribed"), AT, AT + timedelta(seconds=1))
        for fact in (look, Doubted(), ToBeSent(ARCHIVE), ActDone(UPDATE, Done({"standing": "subscribed"}), AT, AT)):
            assert absorb(THERE, fact).concerns == frozenset()

    def test_in_doubt_is_neither_taken_nor_lost_and_those_who_live_there_look(self) -> None:
        """An archive of the second in which we brought the member back: ours before that, or somebody's after it."""
        acts = [Act("return", "k", {"standing": "subscribed"}), ARCHIVE]
        written = [Written(act, None, AT, AT + timedelta(seconds=1)) for act in acts]
        heard = absorb(THERE, Heard(TargetEvent("p", "k", AT, {"standing": "archived"}), written))
        assert (heard.record, heard.concerns) == (replace(THERE, doubtful=True), {"owners"})
        assert heard.change is not None
        assert (heard.change.step, heard.change.reason, heard.change.fields) == ("received", "edited", ("standing",))
        kept = seen(heard.record, looked_at(standing="subscribed", values={"merge.FNAME": "Ana", "tags": ["t"]}))
        assert (standing(kept), kept.doubtful) == ("subscribed", False)

    def test_that_comes_back_lifts_the_bar_and_asks_those_who_live_there(self) -> None:
        barred = told(absorb(THERE, Refused(Rejected("MC_COMPLIANCE_STATE", "no"))).record, "unsubscribed")
        back = absorb(barred, Heard(TargetEvent("p", "k", AT + timedelta(minutes=1), {"standing": "subscribed"})))
        assert (memory_of(back.record).barred, back.concerns) == (None, {"owners", "followers"})

    def test_moves_with_the_person_and_no_higher_than_on_either_side(self) -> None:
        left = told(THERE, "unsubscribed")
        moved = absorb(THERE, Heard(TargetEvent("p", "new", AT, former_key="old"), former=left))
        assert moved.former is not None
        assert (standing(moved.record), moved.record.doubtful) == ("unsubscribed", True)
        assert (moved.former.exists, moved.former.met, standing(moved.former)) == (False, True, "")
        again = absorb(moved.record, Heard(TargetEvent("p", "new", AT, former_key="old"), former=moved.former))
        assert (again.record, again.former, again.change and again.change.step) == (moved.record, None, "duplicate")

    def test_is_untouched_by_a_doubt(self) -> None:
        assert absorb(THERE, Doubted()).record == replace(THERE, doubtful=True)


def shown(known: TargetRecord, at: datetime = AT, **values: str) -> Absorbed:
    """What a list tells of a member: how it stands, at the time of its last change."""
    paths = {path.replace("__", "."): value for path, value in values.items()}
    return absorb(known, Heard(TargetEvent("p", "k", at, paths, shows_a_moment=True)))


class TestAList:
    """It says when a member was changed, and not since when it stands as it does."""

    @pytest.mark.parametrize("less", ["unsubscribed", "cleaned", "archived"])
    def test_tells_of_less_at_once(self, less: str) -> None:
        told = shown(THERE, standing=less)
        assert (standing(told.record), told.change and told.change.step) == (less, "consent")

    def test_never_tells_that_somebody_allows_more(self) -> None:
        known = told(THERE, "unsubscribed")
        back = shown(known, AT + timedelta(hours=1), standing="subscribed").record
        assert (standing(back), back.doubtful, memory_of(back).said) == ("unsubscribed", True, memory_of(known).said)

    def test_the_same_is_no_new_word_of_its_person(self) -> None:
        """Any change of a field moves the time; what was said elsewhere meanwhile must not look older than that."""
        agrees = shown(THERE, AT + timedelta(hours=1), standing="subscribed", merge__FNAME="Ana")
        assert agrees.record == THERE
        assert agrees.change is not None
        assert (agrees.change.step, agrees.change.reason) == ("received", "agrees")

    def test_what_somebody_edited_is_looked_at_before_the_next_write(self) -> None:
        edited = shown(THERE, AT + timedelta(hours=1), standing="subscribed", merge__FNAME="Queen")
        assert (edited.record.doubtful, edited.record.seen) == (True, THERE.seen)
        assert edited.change is not None
        assert edited.change.fields == ("merge.FNAME",)

    def test_of_a_stranger_only_a_withdrawal_is_kept(self) -> None:
        assert shown(TargetRecord(), standing="subscribed").record == TargetRecord()
        assert standing(shown(TargetRecord(), standing="unsubscribed").record) == "unsubscribed"

    def test_who_was_gone_and_is_there_is_looked_at(self) -> None:
        gone = member(exists=False, met=True)
        assert shown(gone, standing="subscribed").record == replace(gone, doubtful=True)

    def test_our_own_write_is_an_echo(self) -> None:
        known = done(THERE, UPDATE, Done({"standing": "subscribed"}, stamp=AT))
        written = (Written(UPDATE, AT, AT, AT),)
        event = TargetEvent("p", "k", AT, {"standing": "subscribed", "merge.FNAME": "Bo"}, shows_a_moment=True)
        echo = absorb(known, Heard(event, written))
        assert (echo.record, echo.change and echo.change.step) == (known, "echo")
