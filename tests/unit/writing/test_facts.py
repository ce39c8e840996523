"""What is remembered of a place is asked about again by itself, and sooner where it has refused a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from common.contracts.ids import ConnectionId
from vendors.acts import NeedFacts, Nothing
from vendors.target import Target
from writing.facts import FRESH_IN_PARTS_S, FRESH_S, MENDED_S, Facts

WHERE = (ConnectionId("c"), "p")


class Asked:
    """A target that counts how often it is asked."""

    def __init__(self, *parts: str) -> None:
        self.times = 0
        self.facts_in_parts = frozenset(parts)
        self.asked: list[list[str]] = []

    async def facts(self, place: str, api: Any, before: int | None = None, lacking: Sequence[str] = ()) -> int:
        self.times += 1
        self.asked.append(list(lacking))
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

    async def test_in_parts_are_kept_for_a_day_and_a_part_that_lacks_something_is_asked_for_once_a_while(self) -> None:
        now, asked = [100.0], Asked("items", "taxes")
        facts = Facts(cast(Target, asked), clock=lambda: now[0])

        async def need(*lacking: str, hurry: bool = True, must: bool = False) -> None:
            await facts.of(
                *WHERE, cast(Any, None), NeedFacts(frozenset(lacking), None if must else Nothing(), hurry=hurry)
            )

        await need("items")
        await need("items")
        assert asked.asked == [[]], "all of it was read a moment ago"
        await need("guest ida", must=True)
        await need("guest ida", must=True)
        assert asked.asked == [[], ["guest ida"]]
        now[0] += MENDED_S
        await need("items", hurry=False)
        assert len(asked.asked) == 2
        assert not facts.may_be_mended(*WHERE)
        await need("items")
        await need("items", "taxes")
        assert asked.asked[2:] == [["items"], ["taxes"]]
        now[0] += FRESH_S
        await need("items", hurry=False)
        assert asked.asked[4:] == [["items"]]
        now[0] += FRESH_IN_PARTS_S
        await need("items")
        assert asked.asked[5:] == [[]]
