"""What a definition would do to the records that were already read: the same engine, the same merge, no write.

Its numbers must equal the run's, so it asks the same functions that the run asks and counts what they answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Leg
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, connection
from mapper import coverage
from mapper.judging import seen_by
from mapper.legs_facts import LegsFacts, Wanting
from mapper.mapping.detail_use import beyond_lists
from mapper.mapping.engine import CompiledMapping, compile_mapping
from mapper.preview_target import AtTarget, CallGroup, FirstStep, Known, known_of
from mapper.state import RecordState, merge
from mapper.state_rows import Key, state_of
from mapper.wish import DesiredDocument, wish_of
from vendors.catalogue import catalogue_of
from vendors.choices import PARTLY
from vendors.registry import vendor_named
from vendors.target import Target

Matched = Mapping[str, Literal["linked", "differs", "asked"]]
"""Of records whose counterpart was looked for: it is there and as it will be; it is there and is written; a person has to say."""
NOBODY: Matched = MappingProxyType({})
_WRITTEN = CallGroup("update", 1)
SAMPLES = 20
PAGE = 1000
# Somebody waits for the answer: of more records only the first are judged, and it is said so.
MOST = 100_000


@dataclass(slots=True)
class Preview:
    """Counts and samples; `changed` is what a new version of an existing sync would write again."""

    total: int = 0
    complete: bool = True
    unread_facts: bool = False
    """The mapping names facts, and what they are made of was not read yet: rows that read them are left out here."""
    read: int = 0
    """How many stored records were judged."""
    counts: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, Any]] = field(default_factory=list)
    details: int = 0
    """Records of which less is known than the mapping reads: each costs a call."""
    acts: Counter[CallGroup] = field(default_factory=Counter)
    """What would be written, by what shares a call."""

    def add(self, other: Preview, limit: int) -> None:
        """Together with another leg's, with at most so many samples."""
        self.total += other.total
        self.complete = self.complete and other.complete
        self.unread_facts = self.unread_facts or other.unread_facts
        self.counts += other.counts
        self.skipped += other.skipped
        self.notes += other.notes
        self.details += other.details
        self.acts += other.acts
        # Samples are masked in place: the other's stay its own.
        self.samples += deepcopy(other.samples[: limit - len(self.samples)])

    def json(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "complete": self.complete,
            **{name: self.counts[name] for name in ("add", "update", "unchanged", "remove", "skipped")},
            "skipped_by_reason": dict(sorted(self.skipped.items())),
            "notes": dict(sorted(self.notes.items())),
            "samples": self.samples,
        }


async def preview(
    pool: Pool, leg: Leg, limit: int = SAMPLES, most: int = MOST, *, now: datetime, matched: Matched = NOBODY
) -> Preview:
    """Judges the stored records of a leg, which may not be stored itself, at most `most` of them; raises `MappingInvalid` when its
    mapping does not compile."""
    result, after, left = Preview(), "", most
    async with connection(pool) as reading:
        configuration = await ConfigurationReader().read(reading)
        vendor = await reading.fetchval("select vendor from core.connection where id = $1", leg.target)
        target = vendor_named(vendor).targets[leg.target_entity]
        compiled = _compiled(leg, target)
        needs = coverage.needs(configuration, leg, compiled)
        while True:
            page = await reading.fetch(
                _PAGE,
                leg.source,
                leg.source_entity,
                leg.sync,
                leg.name,
                after,
                PAGE,
            )
            its = [Wanting(leg, compiled, Key(leg.source, leg.source_entity, row["record"])) for row in page]
            known, wishes = await LegsFacts.read(reading, configuration, its, now), list[DesiredDocument]()
            for one, row in zip(its, page, strict=True):
                state = seen_by(leg, state_of(row))
                facts = known.of(one, state)
                result.details += not state.deleted and state.lacks(needs)
                unknown = state.unknown(needs)
                wishes.append(
                    wish_of(
                        state, compiled, target, facts.values if facts else None, unknown=unknown, id=one.key.record
                    )
                )
            at_target = AtTarget(target, await known_of(reading, leg, _keys(target, wishes)))
            for wish, row in zip(wishes, page, strict=True):
                _count(result, wish, row, limit, at_target, matched)
            result.unread_facts = not known.known(leg)
            result.read += len(page)
            left -= len(page)
            if len(page) < PAGE:
                return result
            if left <= 0:
                result.complete = False
                return result
            after = page[-1]["record"]


async def preview_of(
    pool: Pool, changes: Sequence[ChangeEvent], leg: Leg, target: Target, limit: int = SAMPLES, *,
    facts_of_place: object | None = None, listed: Known | None = None, matched: Matched = NOBODY,
) -> Preview:  # fmt: skip
    """Judges records that nobody has stored, as if they came now; `listed` is what the target's own list shows of its records."""
    compiled, result = _compiled(leg, target), Preview()
    result.unread_facts = bool(compiled.definition.facts)
    source = vendor_named(changes[0].vendor).source if changes else None
    needs = beyond_lists(source, leg.source_entity, compiled) if source is not None else frozenset[str]()
    wishes = list[tuple[str, DesiredDocument]]()
    for change in changes:
        state = merge(RecordState(), change).state
        if state.known:
            state = seen_by(leg, state)
            result.details += not state.deleted and state.lacks(needs)
            unknown = state.unknown(needs)
            wishes.append((change.record, wish_of(state, compiled, target, unknown=unknown, id=change.record)))
    async with connection(pool) as reading:
        stored = await known_of(reading, leg, _keys(target, [wish for _, wish in wishes]))
    at_target = AtTarget(target, {**(listed or {}), **stored}, facts_of_place, shared=True)
    for record, wish in wishes:
        _count(result, wish, {**_UNSTORED, "record": record}, limit, at_target, matched)
    return result


def _keys(target: Target, wishes: Sequence[DesiredDocument]) -> list[str]:
    found = (target.identify(wish.document) for wish in wishes if wish.wish == "present")
    return sorted({match.value for match in found if match is not None})


_PAGE = """
select s.*, w.wish, w.skip, w.document, w.content, exists (
         select from flow.work_item i
           join core.connection a on a.id = i.source
           join core.connection b on b.id = i.connection
           join flow.pair p on (p.left_account, p.left_entity, p.left_id, p.right_account, p.right_place, p.right_entity)
                             = (a.account, s.entity, s.record, b.account, i.place, i.target_entity)
          where (i.sync, i.entity, i.record) = ($3, $4, s.record) and p.right_key = i.target_key
            and p.state = 'linked') as linked
  from flow.record_state s
  left join flow.wanted w on w.sync = $3 and w.entity = $4 and w.record = s.record
 where s.connection = $1 and s.entity = $2 and s.record > $5 and s.sequence <> '' and s.redacted = ''
 order by s.record limit $6
"""

_UNSTORED: Mapping[str, Any] = {"wish": None, "document": None, "content": None, "linked": False}


def _compiled(leg: Leg, target: Target) -> CompiledMapping:
    assert leg.mapping is not None
    catalogue = leg.mapping.catalogue
    known = catalogue_of(catalogue) if catalogue else None
    return compile_mapping(leg.mapping, known, collected=target.choices.collected)


def _count(result: Preview, wish: DesiredDocument, row: Any, limit: int, at_target: AtTarget, matched: Matched) -> None:
    kind, skip, known = _kind(wish, row), wish.skip or "", FirstStep()
    if kind == "nothing":
        return
    if kind in ("add", "update"):
        known = _counterpart(matched.get(row["record"])) or at_target.plan(wish.document)
        kind, skip = known.kind or kind, known.skip
        result.acts.update([known.group] if known.group else [])
    result.total += 1
    result.counts[kind] += 1
    result.notes.update(note.code for note in wish.notes)
    if kind == "skipped":
        result.skipped[skip] += 1
    if len(result.samples) < limit and kind != "unchanged":
        before = row["document"] if row["wish"] == "present" else known.before
        result.samples.append(_sample(row["record"], kind, skip, wish, before))


def _counterpart(word: str | None) -> FirstStep | None:
    """What comes first of a record whose counterpart was looked for among all that were read."""
    match word:
        case "asked":
            return FirstStep("skipped", SkipReason.MATCH_ASKED)
        case "linked":
            return FirstStep("unchanged")
        case "differs":
            return FirstStep("update", "", _WRITTEN)
        case _:
            return None


def _kind(wish: DesiredDocument, row: Any) -> str:
    if wish.wish == "keep" or (wish.skip and not row["linked"]):
        return "skipped"
    if wish.wish == "absent":
        if not row["linked"]:
            return "nothing"
        return (
            "skipped"
            if wish.document["how"] == "leave"
            else "unchanged"
            if wish.content == row["content"]
            else "remove"
        )
    if wish.content == row["content"]:
        return "unchanged"
    return "update" if row["linked"] or row["wish"] == "present" else "add"


def _sample(
    record: str, kind: str, skip: str, wish: DesiredDocument, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    fields = sorted({*(before or {}), *wish.document} - {PARTLY}) if wish.wish != "keep" else ()
    changes = [
        {"field": name, "before": (before or {}).get(name), "after": wish.document.get(name)}
        for name in fields
        if (before or {}).get(name) != wish.document.get(name)
    ]
    return {
        "record": record,
        "kind": kind,
        "skip": skip,
        "changes": changes,
        "notes": [str(n) for n in wish.notes],
    }
