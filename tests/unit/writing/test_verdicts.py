"""What becomes of a record after each failure, in one table."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import Lane
from common.failures import About, Bug, Conflict, Failure, RateLimited, Rejected, Transient, Unauthorised, Unknown
from common.retries import ATTEMPTS
from writing.items import Item, ItemKey, NextState
from writing.verdicts import LONGEST_DELAY, ROUNDS, SOON, after_failed_look, after_failure, after_look, delay

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def next_state(failure: Failure, attempts: int = 0) -> tuple[str, datetime, int]:
    found = after_failure(failure, attempts, NOW, random.Random(1), hold_until=LATER)
    return found.state, found.due_at, found.attempts


class TestAfterFailure:
    def test_an_unseen_outcome_is_held_until_the_horizon(self) -> None:
        assert next_state(Unknown("X", "x")) == ("hold", LATER, 1)

    def test_a_whole_answer_waits_for_its_look_too_because_reads_lag_behind_writes(self) -> None:
        # R24; how long is the caller's to know.
        assert next_state(Unknown("X", "x", complete=True)) == ("hold", LATER, 1)

    @pytest.mark.parametrize("kind", [Unknown, Transient])
    def test_an_outage_of_the_vendor_is_no_attempt(self, kind: type[Failure]) -> None:
        found = after_failure(kind("X", "x"), 7, NOW, random.Random(1), hold_until=LATER, call_group="c", outage=True)
        assert (found.attempts, found.call_group) == (7, "")

    @pytest.mark.parametrize("about", ["account", "place"])
    def test_a_refusal_of_more_than_the_record_waits_for_a_gate_and_is_no_attempt(self, about: About) -> None:
        found = after_failure(Rejected("X", "x", about=about), 7, NOW, random.Random(1))
        assert (found.state, found.attempts) == ("waiting", 7)

    def test_no_connection_to_the_vendor_is_no_attempt(self) -> None:
        assert next_state(Transient("VENDOR_UNREACHABLE", "x"), ATTEMPTS - 1)[::2] == ("waiting", ATTEMPTS - 1)

    def test_quota_waits_as_long_as_the_vendor_says_and_is_no_attempt(self) -> None:
        assert next_state(RateLimited("X", "x", retry_at=LATER), 7) == ("waiting", LATER, 7)

    def test_a_lost_credential_waits_and_is_no_attempt(self) -> None:
        assert next_state(Unauthorised("X", "x"), 7)[::2] == ("waiting", 7)

    @pytest.mark.parametrize("kind", [Rejected, Bug])
    def test_a_refusal_is_dead_at_once(self, kind: type[Failure]) -> None:
        assert next_state(kind("X", "x")) == ("dead", NOW, 1)

    @pytest.mark.parametrize("kind", [Transient, Conflict])
    def test_the_twelfth_attempt_parks(self, kind: type[Failure]) -> None:
        assert next_state(kind("X", "x"), ATTEMPTS - 2)[0] == "waiting"
        parked = after_failure(kind("X", "x"), ATTEMPTS - 1, NOW, random.Random(1))
        assert (parked.state, parked.reason, parked.outcome) == ("parked", "ATTEMPTS_EXHAUSTED", "failed")

    def test_a_conflict_is_decided_anew_five_times_at_once_and_then_by_the_schedule(self) -> None:
        waits = [after_failure(Conflict("X", "x"), n, NOW, random.Random(1)).due_at - NOW for n in range(ATTEMPTS - 1)]
        assert waits[:ROUNDS] == [SOON] * 5
        assert all(SOON <= wait <= LONGEST_DELAY for wait in waits[ROUNDS:])
        assert max(waits[ROUNDS:]) > 10 * SOON

    def test_a_newer_wish_opens_whatever_became_of_the_old_one(self) -> None:
        overtaken = after_failure(Rejected("X", "x"), 3, NOW, random.Random(1)).overtaken(NOW)
        assert (overtaken.state, overtaken.attempts, overtaken.failure) == ("ready", 0, None)


class TestDelay:
    def test_doubles_from_two_seconds_to_a_quarter_of_an_hour(self) -> None:
        class Always(random.Random):
            def random(self) -> float:
                return 1.0

        delays = [delay(attempt, Always()).total_seconds() for attempt in range(1, 13)]
        assert delays == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]

    def test_has_full_jitter(self) -> None:
        chance = random.Random(7)
        delays = [delay(12, chance) for _ in range(200)]
        assert min(delays) < LONGEST_DELAY / 20
        assert max(delays) > LONGEST_DELAY * 0.95


def held(attempts: int, *, looks: int = 0, group: str = "") -> Item:
    key = ItemKey(SyncId("s"), Entity("customer"), RecordId("1"))
    item = Item(
        key, ConnectionId("b"), "b", Entity("customer"), ConnectionId("c"), "c", "list", Entity("member"), 1, "present", "", {}, 1, "k", Lane.LIVE, "", "",
        NOW, "", attempts, "", uuid4(),
    )  # fmt: skip
    return replace(
        item, looks=looks, call_group=group, hold_until=NOW, failure=Unknown("X", "its words", vendor_words="no")
    )


class TestAfterLook:
    def test_an_unseen_outcome_waits_longer_each_time(self) -> None:
        waits = [(after_look(held(n), NOW).due_at - NOW).total_seconds() for n in range(1, ATTEMPTS)]
        assert waits == sorted(waits) and waits[0] < 2 and waits[-1] > 60

    def test_the_twelfth_is_parked_with_the_vendors_words(self) -> None:
        found = after_look(held(ATTEMPTS), NOW)
        assert (found.state, found.reason, found.failure and found.failure.vendor_words) == ("parked", "ATTEMPTS_EXHAUSTED", "no")  # fmt: skip

    def test_rows_of_one_call_become_due_together(self) -> None:
        one = held(5, group="call")
        other = replace(one, key=ItemKey(SyncId("s"), Entity("customer"), RecordId("2")))
        assert after_look(one, NOW).due_at == after_look(other, NOW).due_at > NOW

    def test_rows_of_one_call_become_due_together_also_when_the_last_is_looked_at_after_that(self) -> None:
        one = held(1, group="call")
        other = replace(one, key=ItemKey(SyncId("s"), Entity("customer"), RecordId("2")))
        first, last = after_look(one, NOW), after_look(other, NOW + timedelta(hours=1))
        assert (first.state, first.due_at) == (last.state, last.due_at)

    def test_a_crash_speaks_against_nobody(self) -> None:
        assert (after_look(held(0), NOW).state, after_look(held(0), NOW).due_at) == ("ready", NOW)


class TestAfterFailedLook:
    def failed(self, failure: Failure, item: Item, *, outage: bool = False) -> NextState:
        return after_failed_look(item, failure, NOW, random.Random(1), outage=outage)

    @pytest.mark.parametrize("kind", [Rejected, Bug])
    def test_a_refused_look_is_a_dead_letter(self, kind: type[Failure]) -> None:
        assert self.failed(kind("X", "x"), held(3)).state == "dead"

    def test_looks_count_apart_from_attempts_and_back_off(self) -> None:
        found = self.failed(Transient("X", "x"), held(3, looks=4, group="call"))
        assert (found.state, found.attempts, found.looks, found.call_group) == ("hold", 3, 5, "")
        assert NOW < found.due_at <= NOW + timedelta(seconds=32)

    def test_the_twelfth_failed_look_parks(self) -> None:
        assert self.failed(Transient("X", "x"), held(3, looks=ATTEMPTS - 1)).state == "parked"

    @pytest.mark.parametrize(
        "failure",
        [RateLimited("X", "x", retry_at=LATER), Unauthorised("X", "x"), Transient("VENDOR_UNREACHABLE", "x"), Rejected("X", "x", about="place")],
    )  # fmt: skip
    def test_what_is_nobodys_fault_counts_nothing(self, failure: Failure) -> None:
        found = self.failed(failure, held(3, looks=ATTEMPTS - 1))
        assert (found.state, found.looks) == ("hold", ATTEMPTS - 1)

    def test_an_outage_counts_nothing(self) -> None:
        assert self.failed(Transient("X", "x"), held(3, looks=ATTEMPTS - 1), outage=True).state == "hold"
