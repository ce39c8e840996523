"""What can be read from a connection, and the beginning of one kind of it, as its vendor tells it now: for whoever writes a mapping, or wants to
know what is there before a sync reads it. Nothing is stored, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.api.refusal import Refusal
from common.contracts.ids import Entity
from common.failures import Failure
from console import codes
from console.use_cases.connections import Connections, refuse_unless_usable
from console.use_cases.drafting import Drafting
from console.use_cases.leg_drafting import End
from console.use_cases.problems import of_vendor, refuse_if_any
from vendors.catalogue import CatalogueField
from vendors.vendor import Source, State, Subject


@dataclass(frozen=True, slots=True)
class RecordKind:
    """A kind of records: our name of it, and the vendor's."""

    entity: str
    title: str


@dataclass(frozen=True, slots=True)
class KindGlance:
    """The fields of a kind, and its first records."""

    kind: RecordKind
    fields: tuple[CatalogueField, ...]
    states: Sequence[State]
    complete: bool
    """There are no others."""


class Kinds:
    """Looks at accounts through the door, with what each call costs."""

    def __init__(self, connections: Connections, drafting: Drafting) -> None:
        self._connections = connections
        self._drafting = drafting

    async def of(self, connection: str) -> Sequence[RecordKind]:
        """Every kind that a leg of a sync can start from; nobody is asked."""
        _, source = await self._opened(connection)
        return [RecordKind(*one) for one in sorted(source.entities.items())]

    async def read(self, connection: str, entity: str, limit: int, *, whole: bool) -> KindGlance:
        """As the list tells them; `whole` reads each by id, and so is read whatever the list tells nothing of."""
        end, source = await self._opened(connection)
        kind = Entity(entity)
        if kind not in source.entities:
            listed = ", ".join(sorted(source.entities)) or "nothing"
            words = f"{end.connection.name} has no records called {entity[:60]!r}; it has {listed}."
            raise Refusal(404, codes.CONNECTION_KIND_UNKNOWN, words)
        try:
            fields = await source.catalogue(end.connection, kind, end.api)
            states, complete = await _first(end, source, kind, limit)
            shown = await _read(end, source, states, whole=whole)
        except Failure as failure:
            refuse_if_any([of_vendor(failure, "kind", end.connection.name)])
            raise
        return KindGlance(RecordKind(entity, source.entities[kind]), fields.fields, shown, complete)

    async def _opened(self, connection: str) -> tuple[End, Source]:
        row = await self._connections.row(connection)
        refuse_unless_usable(row)
        end = await self._drafting.open(row.id)
        if end.vendor.source is None:
            words = f"Nothing is read from {end.vendor.title}."
            raise Refusal(404, codes.CONNECTION_KIND_UNKNOWN, words)
        return end, end.vendor.source


async def _first(end: End, source: Source, kind: Entity, limit: int) -> tuple[list[State], bool]:
    """So many of the list's first; a page may hold more than are wanted."""
    found: list[State] = []
    async for page in source.pages(end.connection, kind, None, end.api):
        found += page.states
        if page.complete or len(found) >= limit:
            return found[:limit], page.complete and len(found) <= limit
    return found, True


async def _read(end: End, source: Source, states: Sequence[State], *, whole: bool) -> Sequence[State]:
    """In their order; one that is gone by now is left out, and one that cannot be read is as the list has it."""
    wanted = [state for state in states if whole or state.kind == "asked"]
    answers = await source.read(end.connection, [Subject(one.entity, one.record) for one in wanted], end.api)
    read = {one.record: answer for one, answer in zip(wanted, answers, strict=True) if isinstance(answer, State)}
    shown = [read.get(state.record, state) for state in states]
    return [state for state in shown if state.kind != "deleted"]
