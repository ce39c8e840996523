"""What a preview knows of the target: what the writer knows of it, planned by the target's own rules, so that consent counts as in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from common.contracts.syncs import Leg
from common.state.pool import DbConnection
from vendors.acts import Act, Nothing, Skip, Work
from vendors.target import Target
from vendors.target_record import TargetRecord

Known = Mapping[str, TargetRecord]
"""Records of one place, by key."""


class CallGroup(NamedTuple):
    """Writes that share their calls: so many in each; `later` are those that the vendor carries out by itself, from so many on."""

    name: str
    most: int
    later: bool = False


class FirstStep(NamedTuple):
    """The first step of one record; empty words where only the run will find out."""

    kind: str = ""
    skip: str = ""
    group: CallGroup | None = None
    before: Mapping[str, Any] | None = None
    """What the target has of the wanted fields."""


@dataclass(slots=True)
class AtTarget:
    """Plans records as the writer would, with what is known."""

    target: Target
    known: Known
    facts: object | None = None
    """Of the place; None: whoever is to be made is only counted."""
    shared: bool = False
    """Of several records with one key the first one writes, and the others are skipped (R13)."""
    _met: set[str] = field(default_factory=set)

    def plan(self, document: Mapping[str, Any]) -> FirstStep:
        """The first step of this document."""
        match = self.target.identify(document)
        if match is None or self.target.mode != "state":
            return FirstStep()
        first = match.value not in self._met
        self._met.add(match.value)
        known = self.known.get(match.value)
        if known is None and self.facts is None and (first or not self.shared):
            return FirstStep()
        work = Work(
            "present", document, match.value, is_writer=first or not self.shared, fresh=frozenset([match.value]),
            known={match.value: known or TargetRecord()},
        )  # fmt: skip
        return self._planned(work, document, known)

    def _planned(self, work: Work, document: Mapping[str, Any], known: TargetRecord | None) -> FirstStep:
        step = self.target.plan(work, self.facts)
        before = {name: known.seen.get(name) for name in document} if known is not None and known.exists else None
        match step:
            case Skip():
                return FirstStep("skipped", step.reason, None, before)
            case Nothing():
                return FirstStep("unchanged")
            case Act():
                kind = "add" if step.counts_as == "added" else "update"
                return FirstStep(kind, "", self._group(step), before)
            case _:
                return FirstStep()

    def _group(self, act: Act) -> CallGroup:
        deferred = self.target.deferred
        if act.batch:
            return CallGroup(act.batch, act.most)
        return CallGroup(act.action, 1, deferred is not None and deferred.takes(act))


async def known_of(reading: DbConnection, leg: Leg, keys: Sequence[str]) -> Known:
    """What the writer knows of these records of the leg's place."""
    rows = await reading.fetch(_KNOWN, leg.target, leg.target_place, leg.target_entity, list(keys)) if keys else ()
    return {
        row["key"]: TargetRecord(
            exists=row["present"], met=row["met"], id=row["target_id"], seen=row["seen"], agreed=row["agreed"],
            memory=row["memory"], doubtful=row["doubtful"],
        )
        for row in rows
    }  # fmt: skip


_KNOWN = """
select t.* from flow.target_record t join core.connection c on c.account = t.account
 where c.id = $1 and t.place = $2 and t.target_entity = $3 and t.key = any($4::text[])
"""
