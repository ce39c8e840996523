"""Whose reads wait for each other after a turn."""

from __future__ import annotations

from datetime import timedelta

from common.contracts.ids import ConnectionId
from common.contracts.messages import Lane
from ingest.gathered_reads import GatheredReads

COMPANY, OTHER = (ConnectionId("company"), Lane.LIVE), (ConnectionId("other"), Lane.LIVE)
HALF_A_SECOND = timedelta(milliseconds=500)


class TestGathering:
    def test_whoever_was_read_rests_for_its_time_and_nobody_else_does(self) -> None:
        gathering = GatheredReads()
        assert gathering.ended(COMPANY, HALF_A_SECOND, 10.0, full=False) == 0.5
        assert gathering.ended(OTHER, timedelta(), 10.0, full=False) == 0.0
        assert gathering.resting(10.49) == [COMPANY]
        assert gathering.resting(10.5) == []

    def test_a_full_turn_is_followed_at_once(self) -> None:
        gathering = GatheredReads()
        assert gathering.ended(COMPANY, HALF_A_SECOND, 10.0, full=True) == 0.0
        assert gathering.resting(10.0) == []
