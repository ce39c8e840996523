"""Steps of a story for hypothesis, each in one draw: to draw each word of a step by itself takes longer than what most models do with it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

Step = tuple[object, ...]


def kind(name: str, *words: Iterable[object]) -> list[Step]:
    """Every step of this name: one of each group of words."""
    return list(itertools.product([name], *words))


def evenly(*kinds: Sequence[Step]) -> st.SearchStrategy[Step]:
    """Each kind about as often, however many steps it has; one that is named twice twice as often."""
    most = max(map(len, kinds))
    return st.sampled_from([step for one in kinds for step in list(one) * max(1, round(most / len(one)))])
