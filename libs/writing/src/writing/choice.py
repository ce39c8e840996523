"""Which planned acts are handed in together, which wait for others first, and which go as ever (decisions 40, 47): pure.

A call that is full goes. Of what is left over, live rows of a run of many, and of one that is being read yet, wait once: they go behind
what is live, where company is waited for (`company.py`). Whoever has waited there, or never does, goes with the others of its place where
these are many or the run is, and else by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from common.contracts.ids import RunId
from common.state import runs
from common.state.run_ends import Left
from vendors.acts import Act
from vendors.deferred import Deferred
from writing.calls import Batch
from writing.claimed import Claimed
from writing.items import IN_FRONT

Rows = Sequence[tuple[Claimed, Act]]


class Chosen(NamedTuple):
    """What becomes of planned acts."""

    together: Sequence[Batch]
    back: Sequence[Claimed]
    """In no hurry, and too few for a call."""
    alone: Rows


def that_may_wait(acts: Rows, deferred: Deferred) -> Rows:
    """Whoever is suspected of breaking calls goes as ever; so does a side of a pair, which is judged by when it was written."""
    its = [(row, act) for row, act in acts if not (row.alone or row.call_group or row.item.side)]
    return [(row, act) for row, act in its if deferred.takes(act)]


def jobs(acts: Rows, deferred: Deferred) -> set[RunId]:
    """The runs of which has to be known what is left."""
    _, few = _filled(that_may_wait(acts, deferred), deferred.most)
    return {run for run in _runs(few) if runs.is_job(run)}


def choose(acts: Rows, deferred: Deferred, left: Mapping[RunId, Left]) -> Chosen:
    """What is `left` of the runs among them tells who waits."""
    its = that_may_wait(acts, deferred)
    full, few = _filled(its, deferred.most)
    large, unknown = _large(left, _runs(acts) - _runs(its), deferred.least), {run for run in left if left[run].reading}
    back = [row for row, _ in few if row.item.priority == IN_FRONT and row.item.run in large | unknown]
    waits = {row.item.key for row in back}
    now = [(row, act) for row, act in few if row.item.key not in waits]
    together = [*full, *_many(now, large, deferred.least)]
    gone = waits | {row.item.key for some in together for row, _ in some}
    return Chosen(together, back, [(row, act) for row, act in acts if row.item.key not in gone])


def _runs(its: Rows) -> Counter[RunId]:
    return Counter(RunId(row.item.run) for row, _ in its)


def _large(left: Mapping[RunId, Left], otherwise: Counter[RunId], least: int) -> set[RunId]:
    """Runs of so many changes: those that were written, and what is left but for what goes another way here.

    What is written once more of a run that has ended is nobody's change, and waits for nobody.
    """
    return {run for run, it in left.items() if it.records and it.updated + it.records - otherwise[run] >= least}


def _filled(its: Rows, most: int) -> tuple[list[Batch], Rows]:
    """The calls of each place that are full, and what is left over."""
    parts = [here[at : at + most] for here in _by_place(its) for at in range(0, len(here), most)]
    return [some for some in parts if len(some) == most], [one for some in parts if len(some) < most for one in some]


def _many(its: Rows, large: Collection[RunId], least: int) -> Iterator[Batch]:
    """Of each place all of them where they are many, and else those whose run is."""
    for here in _by_place(its):
        some = here if len(here) >= least else [one for one in here if one[0].item.run in large]
        if some:
            yield some


def _by_place(its: Rows) -> Sequence[Rows]:
    places: defaultdict[str, list[tuple[Claimed, Act]]] = defaultdict(list)
    for row, act in its:
        places[row.item.place].append((row, act))
    return list(places.values())
