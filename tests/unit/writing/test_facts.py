"""What is remembered of a place is asked about again by itself, and sooner where it has refused a record."""

from __future__ import annotations

from typing import Any, cast

from common.contracts.ids import ConnectionId
from vendors.target import Target
from writing.facts import FRESH_S, MENDED_S, Facts

WHERE = (ConnectionId("c"), "p")


class Asked:
    """A target that counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    async def facts(self, place: str, api: Any) -> int:
        self.times += 1
        return self.times


class TestFacts:
    async def test_may_be_mended_after_some_seconds_and_are_asked_for_once_forgotten(self) -> None:
        now, asked = [100.0], Asked()
        facts = Facts(cast(Target, asked), clock=lambda: now[0])
        assert not facts.may_be_mended(*WHERE)
        assert await facts.of(*WHERE, cast(Any, None)) == 1
        now[0] += MENDED_S - 1
        assert not facts.may_be_mended(*WHERE)
        now[0] += 1
        assert facts.may_be_mended(*WHERE)
        facts.forget(*WHERE)
        assert await facts.of(*WHERE, cast(Any, None)) == 2
        assert not facts.may_be_mended(*WHERE)
        now[0] += FRESH_S
        assert await facts.of(*WHERE, cast(Any, None)) == 3
