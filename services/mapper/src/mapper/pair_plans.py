"""What each side of a judged pair shall get, as its row keeps it for the writer."""

from __future__ import annotations

from dataclasses import replace

from common.pairs import pair as pairs
from common.pairs.merging import SIDES, SideName
from common.pairs.sides import Part
from common.state.pairs import PairRow, SidePlan
from mapper.two_ways import TwoWays


def is_unwanted(row: PairRow) -> bool:
    """A record without a counterpart of which nothing was ever wanted."""
    return row.state == "alone" and not any(plan.parts for plan in row.planned.values())


def planned(row: PairRow, found: pairs.Judgement, ways: TwoWays, *, held: bool) -> PairRow:
    """What each side shall get; where it is what it was, a writer is on its way or has been there."""
    for side in SIDES:
        parts = {} if held else _parts(row, side, found, ways)
        if parts != row.plan(side).parts:
            row = row.with_plan(side, SidePlan(parts, raised=not parts))
    return replace(row, paths=ways.mirror.paths)


def _parts(row: PairRow, side: SideName, found: pairs.Judgement, ways: TwoWays) -> dict[str, Part]:
    if row.gone is not None:
        return {}
    if not row.whole:
        return {} if row.end(side).id else pairs.first_writes(row.pair, side, ways.mirror.translate)
    return found.writes(side)
