"""Merging changes that come late, twice, thin and out of order (R10, R12)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Coverage, Version
from mapper.state import AskedFor, MergedState, RecordState, Verdict, merge

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
Kind = Literal["changed", "deleted", "asked"]
Via = Literal["webhook", "poll", "read", "backfill"]


def change(
    second: int,
    fields: dict[str, Any] | None = None,
    *,
    settled: bool = False,
    coverage: Coverage = "detail",
    kind: Kind = "changed",
    via: Via = "webhook",
    seen: int | None = None,
) -> ChangeEvent:
    version = Version(stamp=NOON + timedelta(seconds=second), settled=settled)
    ids = (ConnectionId("c"), Entity("customer"), RecordId("1"))
    return ChangeEvent(
        id=ChangeEvent.derive_id(*ids, version, coverage, fields or {}), connection=ids[0], vendor=VendorName("v"), entity=ids[1], record=ids[2],
        kind=kind, version=version, coverage=coverage, fields=fields or {}, observed_at=NOON + timedelta(seconds=second if seen is None else seen), via=via,
    )  # fmt: skip


def gone(at: int) -> ChangeEvent:
    return change(at, kind="deleted", coverage="gone", via="read", settled=True)


def merged(*changes: ChangeEvent) -> RecordState:
    state = RecordState()
    for one in changes:
        state = merge(state, one).state
    return state


class TestMerge:
    def test_takes_a_newer_change(self) -> None:
        assert merged(change(1, {"name": "A"}), change(2, {"name": "B"})).fields == {"name": "B"}

    def test_an_older_change_is_stale(self) -> None:
        state = merged(change(2, {"name": "B"}))
        result = merge(state, change(1, {"name": "A"}))
        assert result.verdict is Verdict.STALE
        assert result.state == state

    def test_the_same_change_again_is_a_duplicate(self) -> None:
        state = merged(change(1, {"name": "A"}))
        assert merge(state, change(1, {"name": "A"})).verdict is Verdict.DUPLICATE
        assert merge(state, change(1, {"name": "A"})).state == state

    def test_nothing_is_taken_in_of_a_record_that_was_redacted(self) -> None:
        state = replace(merged(change(1, {"name": "A"})), fields={}, redacted=True)
        for one in (change(1, {"name": "A"}), change(2, {"name": "B"}), gone(3), change(4, kind="asked")):
            assert merge(state, one) == MergedState(state, Verdict.DUPLICATE)

    def test_a_slim_row_does_not_blank_what_only_the_detail_has(self) -> None:
        state = merged(
            change(1, {"name": "A", "billing": {"city": "Bonn"}}),
            change(2, {"name": "B"}, coverage="list", settled=True),
        )
        assert state.fields == {"name": "B", "billing": {"city": "Bonn"}}

    def test_a_late_detail_fills_only_what_nothing_newer_told(self) -> None:
        state = merged(change(2, {"name": "B"}, coverage="list"), change(1, {"name": "A", "billing": {"city": "Bonn"}}))
        assert state.fields == {"name": "B", "billing": {"city": "Bonn"}}

    def test_a_settled_answer_beats_an_unsettled_one_of_the_same_stamp(self) -> None:
        state = merged(change(1, {"name": "A"}), change(1, {"name": "B"}, settled=True))
        assert state.fields == {"name": "B"}
        assert merge(state, change(1, {"name": "A"})).verdict is Verdict.STALE

    def test_two_different_unsettled_states_of_one_stamp_ask_for_a_read(self) -> None:
        result = merge(merged(change(1, {"name": "A"})), change(1, {"name": "B"}))
        assert result.ask is AskedFor.UNSETTLED
        assert result.state.fields == {"name": "A"}

    def test_null_empties_and_absence_does_not(self) -> None:
        state = merged(change(1, {"name": "A", "phone": "1"}), change(2, {"phone": None}))
        assert state.fields == {"name": "A", "phone": None}

    def test_a_list_row_tells_some_custom_fields_and_the_detail_all(self) -> None:
        state = merged(change(1, {"custom": {"a": "1", "b": "2"}}), change(2, {"custom": {"a": "9"}}, coverage="list"))
        assert state.record() == {"custom": {"a": "9", "b": "2"}}
        assert merge(state, change(3, {"custom": {"b": "2"}})).state.record() == {"custom": {"a": None, "b": "2"}}

    @given(
        st.lists(
            st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from(["list", "detail"])), min_size=1, max_size=6
        ),
        st.randoms(),
    )
    def test_any_order_and_any_repeats_end_in_the_same_state(
        self, told: list[tuple[int, bool, Any]], random: Any
    ) -> None:
        content = {(second, settled): f"{second}{settled}" for second, settled, _ in told}
        changes = [
            change(
                second,
                {
                    "name": content[second, settled],
                    **({"billing": content[second, settled]} if coverage == "detail" else {}),
                },
                settled=settled,
                coverage=coverage,
            )
            for second, settled, coverage in told
        ]
        shuffled = changes * 2
        random.shuffle(shuffled)
        assert merged(*shuffled) == merged(*changes)


class TestDeletion:
    def test_a_webhook_of_a_deletion_only_asks(self) -> None:
        result = merge(merged(change(1, {"name": "A"})), change(2, kind="asked", coverage="ask"))
        assert result.ask is AskedFor.DELETION
        assert not result.state.deleted

    def test_a_read_that_answers_gone_deletes(self) -> None:
        assert merged(change(1, {"name": "A"}), gone(5)).deleted

    def test_what_comes_late_does_not_revive_but_asks(self) -> None:
        result = merge(merged(change(1, {"name": "A"}), gone(5)), change(9, {"name": "B"}))
        assert result.state.deleted
        assert result.ask is AskedFor.REVIVAL

    def test_a_newer_read_revives_with_what_it_tells(self) -> None:
        state = merged(change(1, {"name": "A", "phone": "1"}), gone(5), change(6, {"name": "B"}, via="read", seen=7))
        assert not state.deleted
        assert state.fields == {"name": "B"}

    def test_an_older_read_does_not_revive(self) -> None:
        state = merged(change(1, {"name": "A"}), gone(5))
        assert merge(state, change(4, {"name": "B"}, via="read", seen=4)).state.deleted

    def test_gone_answered_before_a_newer_read_is_stale(self) -> None:
        state = merged(change(6, {"name": "B"}, via="read", seen=7))
        assert merge(state, gone(5)).verdict is Verdict.STALE

    def test_gone_and_there_in_one_instant_decide_nothing_and_ask(self) -> None:
        """A vendor's `Date` has seconds: which of the two reads was later, nobody knows."""
        there = merged(change(5, {"name": "A"}, via="read"))
        result = merge(there, gone(5))
        assert (result.verdict, result.ask, result.state) == (Verdict.ASKED, AskedFor.TIE, there)

    def test_there_and_gone_in_one_instant_decide_nothing_and_ask(self) -> None:
        deleted = merged(change(1, {"name": "A"}), gone(5))
        result = merge(deleted, change(5, {"name": "A"}, via="read"))
        assert (result.verdict, result.ask, result.state) == (Verdict.ASKED, AskedFor.TIE, deleted)

    def test_gone_told_twice_is_a_duplicate_and_no_tie(self) -> None:
        deleted = merged(change(1, {"name": "A"}), gone(5))
        assert (merge(deleted, gone(5)).verdict, merge(deleted, gone(5)).ask) == (Verdict.DUPLICATE, None)

    @given(st.permutations([change(5, {"name": "A"}, via="read"), gone(5), gone(6)]), st.integers(0, 2))
    def test_a_third_read_decides_and_a_replay_of_all_three_changes_nothing(
        self, told: list[ChangeEvent], again: int
    ) -> None:
        state = merged(*told, gone(6))
        assert state.deleted
        assert merge(state, told[again]).state == state


class TestCountedVersions:
    """A source that numbers the versions of a record, and whose stamps say little: lists lag, and edits share a second or go back."""

    @staticmethod
    def counted(number: int, second: int, name: str, *, coverage: Coverage = "list", via: Via = "poll") -> ChangeEvent:
        one = change(second, {"name": name}, coverage=coverage, via=via, settled=True)
        return one.model_copy(update={"version": one.version.model_copy(update={"count": number})})

    @given(st.permutations(range(5)), st.lists(st.integers(0, 2), min_size=5, max_size=5))
    def test_the_highest_number_stays_whatever_order_and_stamps_they_come_with(
        self, order: list[int], stamps: list[int]
    ) -> None:
        changes = [self.counted(number, stamps[number], f"name {number}") for number in order]
        assert merged(*changes, *changes).fields == {"name": "name 4"}

    def test_a_lower_number_is_stale_though_its_stamp_is_later(self) -> None:
        state = merged(self.counted(7, 1, "new"))
        assert merge(state, self.counted(6, 5, "old")) == MergedState(state, Verdict.STALE)

    def test_a_deletion_is_ordered_by_when_it_was_read_and_so_is_a_revival(self) -> None:
        read = self.counted(7, 1, "Ana", coverage="detail", via="read")
        state = merged(read, gone(5))
        assert state.deleted
        assert merge(state, read).verdict is Verdict.STALE
        late = read.model_copy(update={"observed_at": NOON + timedelta(seconds=9)})
        back = merge(state, late)
        assert (back.verdict, back.state.deleted, back.state.fields) == (Verdict.RECEIVED, False, {"name": "Ana"})
        assert merge(back.state, self.counted(8, 0, "Bea")).state.fields == {"name": "Bea"}

    def test_a_field_lacks_where_the_whole_was_told_of_a_lower_number(self) -> None:
        state = merged(self.counted(7, 1, "Ana", coverage="detail"), self.counted(8, 1, "Ana"))
        assert state.lacks(["billing"])
        assert not merged(self.counted(7, 1, "Ana"), self.counted(7, 2, "Ana", coverage="detail")).lacks(["billing"])
