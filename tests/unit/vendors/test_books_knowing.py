"""What is known of an invoice of Books: lists that lag hide nothing that we have just made, and a repeat of what was there costs nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from vendors.absorbing import ActDone, SameAsWished, Seen
from vendors.acts import Act, Done
from vendors.target_record import TargetRecord
from vendors.zoho_books import knowing

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
MADE = knowing.absorb(
    TargetRecord(), ActDone(Act("create", "k", {"content": "a"}), Done({"status": "draft"}, id="7"), AT, AT)
).record


def looked(known: TargetRecord, after: timedelta, shown: TargetRecord) -> TargetRecord:
    return knowing.absorb(known, Seen(shown, AT + after, AT + after), waits_for_lists=True).record


class TestLooks:
    def test_that_do_not_find_what_was_just_made_prove_nothing(self) -> None:
        soon = looked(MADE, timedelta(seconds=10), TargetRecord(exists=False))
        assert (soon.exists, soon.doubtful, soon.id) == (True, True, "7")
        assert looked(MADE, timedelta(seconds=40), TargetRecord(exists=False)).exists is False

    def test_by_an_address_that_was_left_find_nobody_and_that_counts(self) -> None:
        gone = knowing.absorb(MADE, Seen(TargetRecord(exists=False), AT, AT)).record
        assert (gone.exists, gone.doubtful) == (False, False)

    def test_tell_a_person_s_edit_from_books_own_spelling(self) -> None:
        same = looked(MADE, timedelta(seconds=40), TargetRecord(exists=True, seen={"content": "a"}))
        other = looked(MADE, timedelta(seconds=40), TargetRecord(exists=True, seen={"content": "b"}))
        assert (knowing.edited(same, ["content"]), knowing.edited(other, ["content"])) == ([], ["content"])


class TestRest:
    def test_is_over_with_another_document_an_act_or_another_look(self) -> None:
        resting = knowing.absorb(MADE, SameAsWished({"number": "#1"})).record
        assert knowing.at_rest(resting, {"number": "#1"})
        assert not knowing.at_rest(resting, {"number": "#2"})
        seen = looked(resting, timedelta(seconds=40), TargetRecord(exists=True, seen={"content": "b"}))
        assert not knowing.at_rest(seen, {"number": "#1"})
        again = knowing.absorb(resting, ActDone(Act("post", "k", {"status": "sent"}), Done(), AT, AT)).record
        assert not knowing.at_rest(again, {"number": "#1"})
