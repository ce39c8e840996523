"""The latest state of a source record, merged from changes that come late, twice, thin and out of order.

R10: a version is (stamp, settled), with the vendor's own number before them where it counts. A field
takes a change's value when the change is newer than whatever last told this field;
what a change does not carry it does not touch, so a slim list row never blanks a field that only the detail has; by which version a
field was last told says whether the detail has to be asked for. Two different
unsettled states of one stamp cannot be ordered: the first stays, and a read by id is asked for.
R12: a webhook of a deletion only asks. A read by id that answers "gone" deletes; only a later read by id revives. Of two reads of one
instant nobody knows which was later (a vendor's `Date` has seconds), so neither decides and a third is asked for.

Pure: the stored state and a change come in, the next state and a verdict go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from common.contracts.messages import ChangeEvent

CUSTOM = "custom"


class Verdict(StrEnum):
    """What a change was to us; each is a step of the journal."""

    RECEIVED = "received"
    DUPLICATE = "duplicate"
    STALE = "stale"
    ASKED = "asked"


class AskedFor(StrEnum):
    """Why a record has to be read by id."""

    UNSETTLED = "unsettled"
    DELETION = "deletion"
    REVIVAL = "revival"
    TIE = "tie"
    """Two reads of one instant disagree on whether the record exists."""


@dataclass(frozen=True, slots=True)
class RecordState:
    """What we know of one source record; `field_versions` says by which version each field was last told."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    field_versions: Mapping[str, str] = field(default_factory=dict)
    sequence: str = ""
    deleted: bool = False
    existence_at: datetime | None = None
    """When a read by id last said whether the record exists."""
    place: str = ""
    """Which organisation, shop or audience it is in; empty where the source did not say."""
    detail: str = ""
    """The newest version of which the whole record was told: what that had not, has no value."""
    redacted: bool = False
    """Its person, or its account, has to be forgotten: nothing is taken from a change any more, and nobody wants anything of it."""
    first_at: datetime | None = field(default=None, compare=False)
    """When it was first told."""

    @property
    def known(self) -> bool:
        """Whether any state of the record was ever told."""
        return bool(self.field_versions) or self.deleted

    def unknown(self, names: Iterable[str]) -> frozenset[str]:
        """Those of which nothing was ever told, not even that they have no value."""
        return frozenset(name for name in names if not self._told(name))

    def lacks(self, names: Iterable[str]) -> bool:
        """Whether one of them was not told of the newest version; a stamp is a second, settled or not, and a number is one version."""
        return any(_second(self._told(name)) < _second(self.sequence) for name in names)

    def lacks_itself(self, name: str) -> bool:
        """The same of a field that a read of the whole record need not have told: one that former releases did not know."""
        return _second(self.field_versions.get(name, "")) < _second(self.sequence)

    def _told(self, name: str) -> str:
        """The version by which a field was last told, by itself or with all others."""
        whole = self.field_versions.get(CUSTOM, "") if name.startswith(f"{CUSTOM}.") else ""
        return max(self.field_versions.get(name, ""), whole, self.detail)

    def record(self) -> dict[str, Any]:
        """The neutral record: custom fields back under their own name."""
        plain = {name: value for name, value in self.fields.items() if not name.startswith(f"{CUSTOM}.")}
        custom = {n.removeprefix(f"{CUSTOM}."): v for n, v in self.fields.items() if n.startswith(f"{CUSTOM}.")}
        return plain | {CUSTOM: custom} if custom else plain


@dataclass(frozen=True, slots=True)
class MergedState:
    """The state after a change, and what the change was."""

    state: RecordState
    verdict: Verdict
    ask: AskedFor | None = None


def merge(state: RecordState, change: ChangeEvent) -> MergedState:
    """The next state; the same change again is a duplicate and changes nothing."""
    if state.redacted:
        return MergedState(state, Verdict.DUPLICATE)
    match change.kind:
        case "asked":
            return MergedState(state, Verdict.ASKED, AskedFor.DELETION)
        case "deleted":
            return _deleted(state, change)
        case _:
            return _told_while_deleted(state, change) if state.deleted else _told(state, change)


def _deleted(state: RecordState, change: ChangeEvent) -> MergedState:
    if state.existence_at == change.observed_at and not state.deleted:
        return MergedState(state, Verdict.ASKED, AskedFor.TIE)
    if state.existence_at is not None and change.observed_at <= state.existence_at:
        return MergedState(state, Verdict.DUPLICATE if state.deleted else Verdict.STALE)
    # R12: the version of a deletion is the Date of the answer that said so.
    sequence = max(state.sequence, change.version.sequence)
    gone = replace(state, deleted=True, existence_at=change.observed_at, sequence=sequence)
    return MergedState(gone, Verdict.DUPLICATE if state.deleted else Verdict.RECEIVED)


def _told_while_deleted(state: RecordState, change: ChangeEvent) -> MergedState:
    if change.via != "read":
        return MergedState(state, Verdict.ASKED, AskedFor.REVIVAL)
    if state.existence_at == change.observed_at:
        return MergedState(state, Verdict.ASKED, AskedFor.TIE)
    if state.existence_at is not None and change.observed_at <= state.existence_at:
        return MergedState(state, Verdict.STALE)
    # A record that was re-created has nothing of the former one but its id.
    return replace(_told(RecordState(), change), verdict=Verdict.RECEIVED)


def _told(state: RecordState, change: ChangeEvent) -> MergedState:
    sequence = change.version.sequence
    carried = _carried(state, change)
    newer, other = _compared(state, carried, sequence)
    disputed = not change.version.settled and any(state.field_versions[name] == sequence for name in other)
    ask = AskedFor.UNSETTLED if disputed else None
    existence = change.observed_at if change.via == "read" else state.existence_at
    detail = max(state.detail, sequence) if change.coverage == "detail" else state.detail
    whole = _custom_told(state, change)
    if not newer:
        verdict = Verdict.STALE if other else Verdict.DUPLICATE
        existence = _later(state.existence_at, existence)
        if existence == state.existence_at and detail == state.detail and whole.items() <= state.field_versions.items():
            return MergedState(state, verdict, ask)
        # A read that tells nothing new still tells that the record exists.
        versions = {**state.field_versions, **whole}
        return MergedState(replace(state, existence_at=existence, detail=detail, field_versions=versions), verdict, ask)
    merged = RecordState(
        fields={**state.fields, **newer},
        field_versions={**state.field_versions, **dict.fromkeys(newer, sequence), **whole},
        sequence=max(state.sequence, sequence),
        existence_at=_later(state.existence_at, existence),
        place=change.place if change.place and sequence >= state.sequence else state.place,
        detail=detail,
        first_at=state.first_at,
    )
    return MergedState(merged, Verdict.RECEIVED, ask)


def _compared(state: RecordState, carried: Mapping[str, Any], sequence: str) -> tuple[dict[str, Any], list[str]]:
    """What is newer than whatever last told the same field; and of the rest those fields that have another value by now."""
    newer, other = dict[str, Any](), list[str]()
    versions, fields = state.field_versions, state.fields
    for name, value in carried.items():
        if sequence > versions.get(name, ""):
            newer[name] = value
        elif value != fields.get(name):
            other.append(name)
    return newer, other


def _carried(state: RecordState, change: ChangeEvent) -> dict[str, Any]:
    """The fields that the change tells; custom fields stand apart, because a list row carries some of them only."""
    carried = {name: value for name, value in change.fields.items() if name != CUSTOM}
    custom = change.fields.get(CUSTOM)
    if isinstance(custom, dict):
        carried |= {f"{CUSTOM}.{name}": value for name, value in custom.items()}
        if change.coverage == "detail":
            # The detail carries all of them: one that is missing there has no value any more.
            gone = [n for n in state.field_versions if n.startswith(f"{CUSTOM}.") and n not in carried]
            carried |= dict.fromkeys(gone)
    return carried


def _custom_told(state: RecordState, change: ChangeEvent) -> dict[str, str]:
    """By which version all custom fields were last told: a list row carries some of them, a webhook those that have a value."""
    if change.coverage == "list" or not isinstance(change.fields.get(CUSTOM), dict):
        return {}
    return {CUSTOM: max(state.field_versions.get(CUSTOM, ""), change.version.sequence)}


def _second(sequence: str) -> str:
    return sequence.partition(".")[0]


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
