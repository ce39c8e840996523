"""Judges locked records under the active syncs: which wishes differ from the stored ones, and what the journal says of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from common import telemetry
from common.contracts.ids import SyncId
from common.contracts.syncs import Sync
from common.journal import Entry, Step
from common.state.configuration import Configuration
from common.state.pool import DbConnection
from mapper import rows
from mapper.mapping.engine import CompiledMapping, compile_mapping
from mapper.mapping.problems import MappingInvalid
from mapper.rows import Cause, Key, Raised
from mapper.state import RecordState
from mapper.wish import DesiredDocument, wish_of
from vendors.catalogue import FieldCatalogue, catalogue_of

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Judged:
    """What came of one transaction's records."""

    raised: list[Raised] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


class Mappings:
    """The compiled mappings of this process, by sync and version; versions never change, so they never grow stale."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[SyncId, int], CompiledMapping | None] = {}

    def of(self, sync: Sync) -> CompiledMapping | None:
        """The sync's active mapping, or None when it cannot be compiled: its records wait for a version that can."""
        if sync.mapping is None:
            return None
        key = (sync.id, sync.mapping.version)
        if key not in self._compiled:
            self._compiled[key] = self._compile(sync)
        return self._compiled[key]

    def _compile(self, sync: Sync) -> CompiledMapping | None:
        assert sync.mapping is not None
        target: FieldCatalogue | None = catalogue_of(sync.mapping.catalogue) if sync.mapping.catalogue else None
        try:
            return compile_mapping(sync.mapping, target)
        except MappingInvalid as invalid:
            _log.error(
                "mapping.broken",
                sync=sync.id,
                version=sync.mapping.version,
                code="MAPPING_BROKEN",
                problems=str(invalid),
            )
            return None


async def judge(
    tx: DbConnection,
    configuration: Configuration,
    mappings: Mappings,
    states: Mapping[Key, RecordState],
    causes: Mapping[Key, Cause],
    now: datetime,
    *,
    only: SyncId | None = None,
) -> Judged:
    """R9: compares every sync's wish for these locked records with the stored one and raises the revision where they differ.

    The configuration was read after the locks: a judgement by an older mapping version would otherwise come after a newer one.
    """
    stored = await rows.known(tx, list(states))
    judged = Judged()
    for key, state in states.items():
        for sync in configuration.syncs_of(key.connection, key.entity):
            mapping = mappings.of(sync) if only in (None, sync.id) else None
            if mapping is None or not state.known:
                continue
            before = stored.get((sync.id, key))
            with _span(sync, mapping, alone=len(states) == 1):
                wish = wish_of(state, mapping)
            if before is None and wish.wish == "absent" and wish.skip is None:
                # Gone before this sync ever wanted it: there is nothing to take away.
                continue
            if before is None or before.content != wish.content:
                revision = before.revision + 1 if before else 1
                judged.raised.append(Raised(sync, key, revision, wish, causes[key], mapping.version))
                judged.entries.append(_entry(judged.raised[-1], now))
    await rows.raise_revisions(tx, judged.raised, now)
    return judged


@contextmanager
def _span(sync: Sync, mapping: CompiledMapping, *, alone: bool) -> Iterator[None]:
    """A single record's way through its mapping; of a batch there would be too many."""
    if not alone or not telemetry.tracing_on():
        yield
        return
    attributes: dict[str, str | int] = {"millrace.sync.id": sync.id, "millrace.mapping.version": mapping.version}
    with telemetry.tracer().start_as_current_span(f"map {sync.template}", attributes=attributes):
        yield


def _entry(raised: Raised, now: datetime) -> Entry:
    wish, cause = raised.wish, raised.cause
    return Entry(
        at=now,
        step=Step.FILTERED if wish.skip else Step.MAPPED,
        reason=wish.skip or "",
        words=_words(wish),
        sync=raised.sync.id,
        connection=raised.key.connection,
        entity=raised.key.entity,
        record=raised.key.record,
        event_id=cause.event or "",
        run=cause.run or "",
        revision=raised.revision,
        mapping_version=raised.mapping_version,
        trace_id=trace_id(cause.traceparent),
        after={"wish": wish.wish, "document": wish.document},
    )


def _words(wish: DesiredDocument) -> str:
    return " ".join(str(note) for note in wish.notes)[:1000]


def trace_id(traceparent: str) -> str:
    """The trace id inside a W3C traceparent."""
    return traceparent[3:35] if len(traceparent) >= 55 else ""
