"""What becomes of a record after each failure, in one table."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from common.failures import Bug, Conflict, Failure, RateLimited, Rejected, Transient, Unauthorised, Unknown
from writing.verdicts import ATTEMPTS, LONGEST_DELAY, after_failure, delay

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def fate(failure: Failure, attempts: int = 0) -> tuple[str, datetime, int]:
    found = after_failure(failure, attempts, NOW, random.Random(1), hold_until=LATER)
    return found.state, found.due_at, found.attempts


class TestAfterFailure:
    def test_an_unseen_outcome_is_held_until_the_horizon(self) -> None:
        assert fate(Unknown("X", "x")) == ("hold", LATER, 1)

    def test_a_whole_answer_needs_only_the_look(self) -> None:
        assert fate(Unknown("X", "x", complete=True)) == ("hold", NOW, 1)

    def test_quota_waits_as_long_as_the_vendor_says_and_is_no_attempt(self) -> None:
        assert fate(RateLimited("X", "x", retry_at=LATER), 7) == ("waiting", LATER, 7)

    def test_a_lost_credential_waits_and_is_no_attempt(self) -> None:
        assert fate(Unauthorised("X", "x"), 7)[::2] == ("waiting", 7)

    @pytest.mark.parametrize("kind", [Rejected, Bug])
    def test_a_refusal_is_dead_at_once(self, kind: type[Failure]) -> None:
        assert fate(kind("X", "x")) == ("dead", NOW, 1)

    @pytest.mark.parametrize("kind", [Transient, Conflict])
    def test_the_twelfth_attempt_parks(self, kind: type[Failure]) -> None:
        assert fate(kind("X", "x"), ATTEMPTS - 2)[0] == "waiting"
        parked = after_failure(kind("X", "x"), ATTEMPTS - 1, NOW, random.Random(1))
        assert (parked.state, parked.reason, parked.outcome) == ("parked", "ATTEMPTS_EXHAUSTED", "failed")

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
