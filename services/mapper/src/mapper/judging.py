"""Judges locked records under the legs of active syncs: what is wanted now and was not before, and what the journal says of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from common import telemetry
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Leg, Sync
from common.journal import Entry, Step
from common.state.configuration import Configuration
from common.state.pool import DbConnection
from mapper import coverage, wanted_rows
from mapper.entering import JudgedBySync, run_of
from mapper.facts import RecordFacts
from mapper.legs_facts import LegsFacts, Wanting
from mapper.mapping.engine import CompiledMapping
from mapper.mappings import Mappings, ranks_of, target_of
from mapper.pairing import Matched, Pairing
from mapper.state import RecordState
from mapper.state_rows import Key
from mapper.wanted_rows import Cause, Raised, StoredWish, WantedKey
from mapper.wish import DesiredDocument, ranked, wish_of
from vendors.target import Target


@dataclass(slots=True)
class Judged:
    """What came of one transaction's records."""

    configuration: Configuration
    raised: list[Raised] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    all: list[JudgedBySync] = field(default_factory=list)
    """Of every record by every sync, whether anything was raised or not: what enters a run."""
    again: dict[WantedKey, str] = field(default_factory=dict)
    """What was judged once more and is as it was, and by whom."""

    def add(
        self, one: Wanting, revision: int, wish: DesiredDocument, cause: Cause, facts: RecordFacts | None, now: datetime
    ) -> None:
        """Something else is wanted from now on."""
        leg, mapping, key = one
        run = run_of(self.configuration.syncs[leg.sync].name, cause.run, now)
        raised = Raised(leg, key, revision, wish, cause, mapping.version, run)
        self.raised.append(raised)
        self.entries.append(_entry(raised, facts, now))
        self.tell(one, revision, wish.skip or "")

    def tell(self, one: Wanting, revision: int, skip: str) -> None:
        """How it was judged."""
        leg = one.leg
        name = self.configuration.syncs[leg.sync].name
        self.all.append(JudgedBySync(leg.sync, name, leg.name, one.key, revision, skip, leg.is_aside))


async def judge(
    tx: DbConnection,
    configuration: Configuration,
    mappings: Mappings,
    states: Mapping[Key, RecordState],
    causes: Mapping[Key, Cause],
    now: datetime,
    *,
    pairing: Pairing,
    only: Leg | None = None,
    unchanged: Collection[Key] = (),
) -> Judged:
    """R9: compares what every leg wants of these locked records with what is stored and raises the revision where they differ.

    The configuration was read after the locks: a judgement by an older mapping version would otherwise come after a newer one. `unchanged`
    are those of whom nothing new was told.
    """
    wanting = _wanting(configuration, mappings, states, only)
    # R15: before any wish, because a pair that is judged once more is what the wishes are made of.
    await pairing.judge(tx, states)
    judged = Judged(configuration)
    left = await _not_standing(tx, judged, wanting, unchanged)
    known = await LegsFacts.read(tx, configuration, (one for one, _, _ in left), now)
    facts_of = list[tuple[Wanting, RecordFacts | None]]()
    for one, target, before in left:
        leg, mapping, key = one
        state = seen_by(leg, states[key])
        facts_of.append((one, facts := known.of(one, state)))
        if (reason := _waits(one, before, facts, known, pairing)) is not None:
            judged.tell(one, 0, reason)
            continue
        with _span(configuration.syncs[leg.sync], mapping, alone=len(states) == 1):
            unknown = state.unknown(coverage.needs(configuration, leg, mapping))
            whole = wish_of(state, mapping, target, facts.values if facts else None, unknown=unknown, id=key.record)
            whole = ranked(whole, state, ranks_of(configuration, leg))
            wish = pairing.wish(leg, key, whole)
        matched = pairing.matched(leg, key, wish)
        if _is_new(before, wish, whole, matched) or (before is not None and pairing.is_due(leg, key)):
            pairing.raised(leg, key)
            judged.add(one, before.revision + 1 if before else 1, wish, _cause(leg, causes[key], only), facts, now)
            continue
        if before is not None and key in unchanged:
            judged.again[_wanted(leg, key)] = wanted_rows.judged_by(mapping.version)
        judged.tell(one, 0, wish.skip or "")
    await wanted_rows.raise_revisions(tx, judged.raised, now)
    await wanted_rows.judged_again(tx, judged.again)
    await pairing.store(tx)
    await known.schedule(tx, facts_of, by_all=only is None)
    judged.entries += pairing.entries
    return judged


def _waits(
    one: Wanting, before: StoredWish | None, facts: RecordFacts | None, known: LegsFacts, pairing: Pairing
) -> SkipReason | Literal[""] | None:
    """Why nobody can say yet what is wanted of the record; what was wanted before stays so. Empty: nobody has told anything to say of it."""
    if before is None and known.is_silent(one):
        return ""
    if known.lack(one, facts):
        return SkipReason.FACTS_UNREAD
    return pairing.waits(one.leg, one.key) if before is None else None


def _cause(leg: Leg, cause: Cause, only: Leg | None) -> Cause:
    """A leg that no listing is for is part of none; a new version of its mapping is a job of its own."""
    return replace(cause, run=None) if leg.is_aside and only is None else cause


async def _not_standing(
    tx: DbConnection, judged: Judged, wanting: Sequence[tuple[Wanting, Target]], unchanged: Collection[Key]
) -> list[tuple[Wanting, Target, StoredWish | None]]:
    """Those who have to be judged; of the others what is stored is told."""
    stored = await wanted_rows.stored(tx, [_wanted(one.leg, one.key) for one, _ in wanting])
    left = list[tuple[Wanting, Target, StoredWish | None]]()
    for one, target in wanting:
        before = stored.get(_wanted(one.leg, one.key))
        if before is not None and one.key in unchanged and _stands(before, one, judged.configuration):
            judged.tell(one, 0, before.skip)
        else:
            left.append((one, target, before))
    return left


def _stands(before: StoredWish, one: Wanting, configuration: Configuration) -> bool:
    """Whether what is stored was made of this very state, by the same code and mapping; facts and pairs change by themselves."""
    leg, mapping, _ = one
    if mapping.definition.facts or configuration.way_back(leg) is not None:
        return False
    return before.judged_by == wanted_rows.judged_by(mapping.version)


def _is_new(before: StoredWish | None, wish: DesiredDocument, whole: DesiredDocument, matched: Matched) -> bool:
    if before is not None:
        return not _same(before, wish, whole)
    if matched is not None:
        # What was there before us is as it shall be, or goes though nobody has ever written it.
        return matched == "differs"
    # Gone before this leg ever wanted it: there is nothing to take away.
    return wish.wish != "absent" or wish.skip is not None


def _same(before: StoredWish, wish: DesiredDocument, whole: DesiredDocument) -> bool:
    """R15: a link alone is no new wish. What was wished whole before it, the pair has taken over."""
    return before.content == wish.content or (wish.wish == "present" and before.content == whole.content)


def _wanting(
    configuration: Configuration, mappings: Mappings, states: Mapping[Key, RecordState], only: Leg | None
) -> list[tuple[Wanting, Target]]:
    """Who judges which of the records; a leg whose mapping does not compile keeps none of the others from theirs."""
    kinds = {(key.connection, key.entity): key for key in states}
    judges = {kind: list(_judges(configuration, mappings, key, only)) for kind, key in kinds.items()}
    return [
        (Wanting(leg, mapping, key), target)
        for key, state in states.items()
        if state.known and not state.redacted
        for leg, mapping, target in judges[key.connection, key.entity]
    ]


def _judges(
    configuration: Configuration, mappings: Mappings, key: Key, only: Leg | None
) -> Iterator[tuple[Leg, CompiledMapping, Target]]:
    for leg in configuration.legs_of(key.connection, key.entity):
        if only is None or (leg.sync, leg.name) == (only.sync, only.name):
            target = target_of(configuration, leg)
            mapping = mappings.of(leg, target) if target is not None else None
            if target is not None and mapping is not None:
                yield leg, mapping, target


def _wanted(leg: Leg, key: Key) -> WantedKey:
    return WantedKey(leg.sync, leg.name, key.record)


def seen_by(leg: Leg, state: RecordState) -> RecordState:
    """A record that is in another place is as good as deleted to a leg of this one."""
    return state if leg.takes(state.place) else replace(state, deleted=True)


@contextmanager
def _span(sync: Sync, mapping: CompiledMapping, *, alone: bool) -> Iterator[None]:
    """A single record's way through its mapping; of a batch there would be too many."""
    if not alone or not telemetry.tracing_on():
        yield
        return
    attributes: dict[str, str | int] = {"millrace.sync.id": sync.id, "millrace.mapping.version": mapping.version}
    with telemetry.tracer().start_as_current_span(f"map {sync.template}", attributes=attributes):
        yield


def _entry(raised: Raised, facts: RecordFacts | None, now: datetime) -> Entry:
    wish, cause, leg = raised.wish, raised.cause, raised.leg
    return Entry(
        at=now,
        step=Step.FILTERED if wish.skip else Step.MAPPED,
        reason=wish.skip or "",
        words=_words(wish),
        sync=leg.sync,
        connection=leg.source,
        entity=leg.name,
        record=raised.key.record,
        event_id=cause.event or "",
        run=raised.run,
        revision=raised.revision,
        mapping_version=raised.mapping_version,
        trace_id=trace_id(cause.traceparent),
        after={"wish": wish.wish, "document": wish.document},
        details={"facts": dict(facts.values), "made_of": dict(facts.made_of)} if facts and facts.values else None,
    )


def _words(wish: DesiredDocument) -> str:
    return " ".join(str(note) for note in wish.notes)[:1000]


def trace_id(traceparent: str) -> str:
    """The trace id inside a W3C traceparent."""
    return traceparent[3:35] if len(traceparent) >= 55 else ""
