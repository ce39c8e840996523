"""Both sides edited at random, with hooks late, doubled and shuffled and outcomes that nobody saw (R15 to R20): equal when quiet, no edit
lost outside the policy, then no more writes."""

from __future__ import annotations

import random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.pairs.merging import Rule
from common.pairs.pair import Tells
from tests.unit.pairs.two_vendors import TwoVendors, Vendor

RULES = get_args(Rule)


def world(seed: int, rule: Rule, tells: Tells, forms: tuple[str, str]) -> TwoVendors:
    vendors = {"left": Vendor("values", forms[0]), "right": Vendor(tells, forms[1])}
    return TwoVendors(random.Random(seed), rule, vendors, answers_right=bool(seed % 2))


def run(seed: int, rule: Rule, tells: Tells, forms: tuple[str, str], steps: int) -> TwoVendors:
    both = world(seed, rule, tells, forms)
    for _ in range(steps):
        both.step()
    both.settle()
    if both.asked:
        both.say()
        both.settle()
    return both


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("tells", "forms"), [("values", ("", "")), ("values", ("-", "+")), ("author", ("-", "+"))])
class TestAPair:
    @settings(max_examples=150, deadline=None)
    @given(seed=st.integers(0, 2**32), steps=st.integers(0, 60))
    def test_comes_to_rest(self, rule: Rule, tells: Tells, forms: tuple[str, str], seed: int, steps: int) -> None:
        both = run(seed, rule, tells, forms, steps)
        assert both.apart() == {}
        assert both.lost_edits() == []
        edits = sum(len(vendor.edits) for vendor in both.vendors.values())
        assert both.writes <= 2 * edits + both.unknown, "no ping-pong"
        assert both.replay() == []
        assert both.unexplained == 0, "both forms are known"

    def test_a_restored_edit_of_our_writes_second_is_not_lost(
        self, rule: Rule, tells: Tells, forms: tuple[str, str]
    ) -> None:
        """R19: r1 is overwritten in its own second by a write whose end nobody saw, is put back, and the hook of another field's edit comes
        after that, with what our write had left."""
        both = run(15, rule, tells, forms, 40)
        assert (both.apart(), both.lost_edits()) == ({}, [])
