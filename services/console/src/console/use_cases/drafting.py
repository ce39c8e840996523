"""From a sync as a person writes it to a checked definition: template, connections, place, both catalogues, all by reading only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import Entity, VendorName
from common.contracts.syncs import MappingDefinition, MappingRow
from common.failures import Failure
from common.http.call import Api
from common.http.door import Door
from common.state import pool as state
from console import sync_codes
from console.state import connections as connection_rows
from console.state.connections import ConnectionRow
from console.use_cases import row_checks
from console.use_cases.problems import of_vendor, problem, refuse_if_any
from mapper.mapping.definitions import read_definition, template
from mapper.mapping.engine import compile_mapping
from mapper.mapping.problems import MappingInvalid, Problem
from vendors.catalogue import FieldCatalogue, stored_catalogue
from vendors.grant import Place
from vendors.target import Target
from vendors.vendor import Vendor

_OPTIONS = ("on_delete", "on_filtered", "gone_tag")


@dataclass(frozen=True, slots=True)
class SyncWish:
    """A sync as a person writes it; what is None is the template's."""

    name: str
    template: str
    source: str
    target: str
    place: str
    rows: Sequence[Mapping[str, Any]] | None = None
    more_rows: Sequence[Mapping[str, Any]] = ()
    filter: str | None = None
    options: Mapping[str, Any] | None = None
    create_fields: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """One of the two sides: a connection that is usable, its vendor, and the door opened for it."""

    connection: Connection
    vendor: Vendor
    api: Api


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition that was held against both accounts; its version is still 0."""

    source: End
    target: End
    entity: str
    target_entity: Entity
    place: Place
    definition: MappingDefinition
    new_fields: tuple[MappingRow, ...]
    notes: tuple[str, ...]

    def with_fields(self, catalogue: FieldCatalogue) -> MappingDefinition:
        """The definition with the part of the target's catalogue that decides its documents, and no more: a field that nobody
        maps does not make a new version."""
        written = {row.target for row in self.definition.rows}
        kept = tuple(
            field
            for field in sorted(catalogue.fields, key=lambda field: field.path)
            if field.path in written or field.required
        )
        return replace(self.definition, catalogue=tuple(stored_catalogue(FieldCatalogue(kept))))


class Drafting:
    """Checks wishes; writes nothing."""

    def __init__(self, pool: state.Pool, door: Door, vendors: Mapping[VendorName, Vendor]) -> None:
        self._pool = pool
        self._door = door
        self._vendors = vendors

    async def draft(self, wish: SyncWish) -> tuple[Draft, FieldCatalogue]:
        """The checked draft and the target's catalogue, or one Refusal with every problem there is."""
        try:
            given = template(wish.template)
        except MappingInvalid as unknown:
            refuse_if_any(unknown.problems)
            raise
        problems: list[Problem] = []
        definition, asked = _definition(given, wish, problems)
        source = await self._end("source", wish.source, given["source"]["vendor"], problems)
        target = await self._end("target", wish.target, given["target"]["vendor"], problems)
        entity = str(given["source"]["entity"])
        read = await _source_catalogue(source, entity, problems) if source else None
        kind = Entity(given["target"]["entity"])
        place, fields = await _target_catalogue(target, kind, wish.place, problems) if target else (None, None)
        notes: list[str] = []
        new: tuple[MappingRow, ...] = ()
        if definition is not None:
            row_checks.check_paths(definition, entity, read, asked, problems, notes)
            row_checks.check_types(definition, read, fields, problems)
            problems += _compiled(definition, fields)
            # Last, because it takes rows out: until here a row's number is the one that people count.
            definition, new = row_checks.new_fields(definition, fields, wish.create_fields, asked, problems, notes)
        refuse_if_any(problems)
        assert source and target and place and fields and definition
        return Draft(source, target, entity, kind, place, definition, new, tuple(notes)), fields

    async def ends(self, wish: SyncWish) -> Sequence[str]:
        """The ids of the connections that the wish names, as far as they are there."""
        async with state.connection(self._pool) as link:
            found = [await _named(link, name) for name in (wish.source, wish.target)]
        return [row.id for row in found if row is not None]

    async def open(self, connection: str) -> End:
        """One side of a sync that exists."""
        async with state.connection(self._pool) as link:
            row = await connection_rows.read(link, connection)
        assert row is not None
        return self._opened(row)

    def _opened(self, row: ConnectionRow) -> End:
        vendor = self._vendors[VendorName(row.vendor)]
        return End(row.for_calls(), vendor, self._door.open(vendor.profile, row.for_calls()))

    async def _end(self, field: str, name: str, vendor: str, problems: list[Problem]) -> End | None:
        async with state.connection(self._pool) as link:
            row = await _named(link, name)
        wrong = _unusable(row, field, name, vendor)
        problems += wrong
        return None if wrong or row is None else self._opened(row)


async def _named(link: state.DbConnection, name: str) -> ConnectionRow | None:
    return await connection_rows.named(link, name) or await connection_rows.read(link, name)


def _unusable(row: ConnectionRow | None, field: str, name: str, vendor: str) -> list[Problem]:
    if row is None or row.state == "deleted":
        words = f"There is no connection {name!r}; the template needs one of {vendor}."
        return [problem(sync_codes.SYNC_CONNECTION_UNKNOWN, field, words)]
    if row.vendor != vendor:
        words = f"{row.name} is a connection of {row.vendor}; the template needs one of {vendor}."
        return [problem(sync_codes.SYNC_CONNECTION_VENDOR, field, words)]
    gate = next((gate for gate in row.gates if gate.reason == "needs_reauth"), None)
    if row.state != "active" or gate is not None:
        words = f"{row.name} is {row.state}." if gate is None else f"{row.name} has to be reconnected."
        return [problem(sync_codes.SYNC_CONNECTION_NOT_READY, field, words)]
    return []


def _definition(
    given: Mapping[str, Any], wish: SyncWish, problems: list[Problem]
) -> tuple[MappingDefinition | None, range]:
    """The definition, and the numbers of the rows that the person wrote."""
    known = {*_OPTIONS, *(given.get("options") or {})}
    strange = sorted(set(wish.options or {}) - known)
    if strange:
        words = f"The template has no option {', '.join(strange)}; it has {', '.join(sorted(known))}."
        problems.append(problem(sync_codes.SYNC_OPTION_UNKNOWN, "options", words))
    rows = [*(given["rows"] if wish.rows is None else wish.rows), *wish.more_rows]
    first = 1 if wish.rows is not None else len(given["rows"]) + 1
    options = {**(given.get("options") or {}), **(wish.options or {})}
    written = {
        "rows": rows,
        "filter": given.get("filter", "") if wish.filter is None else wish.filter,
        "key": given.get("key", "email"),
        "options": options,
    }
    try:
        return read_definition(0, written), range(first, len(rows) + 1)
    except MappingInvalid as invalid:
        problems += invalid.problems
        return None, range(0)


async def _source_catalogue(end: End, entity: str, problems: list[Problem]) -> FieldCatalogue | None:
    source = end.vendor.source
    assert source is not None
    try:
        return await source.catalogue(end.connection, Entity(entity), end.api)
    except Failure as failure:
        problems.append(of_vendor(failure, "source", end.connection.name))
        return None


async def _target_catalogue(
    end: End, entity: Entity, wanted: str, problems: list[Problem]
) -> tuple[Place | None, FieldCatalogue | None]:
    target = end.vendor.targets[entity]
    try:
        place = _place(wanted, await target.places(end.connection, end.api), target, problems)
        return place, await target.catalogue(end.connection, place.id, end.api) if place else None
    except Failure as failure:
        problems.append(of_vendor(failure, "target", end.connection.name))
        return None, None


def _place(wanted: str, places: Sequence[Place], target: Target, problems: list[Problem]) -> Place | None:
    found = [one for one in places if one.id == wanted]
    found = found or [one for one in places if one.title.casefold() == wanted.strip().casefold()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{one.title} ({one.id})" for one in places[:20]) or "none"
    several = f"{len(found)} {target.places_name}s are called" if found else f"There is no {target.places_name}"
    words = f"{several} {wanted[:100]!r}; there are: {listed}."
    problems.append(problem(sync_codes.SYNC_PLACE_UNKNOWN, "place", words))
    return None


def _compiled(definition: MappingDefinition, fields: FieldCatalogue | None) -> Sequence[Problem]:
    try:
        compile_mapping(definition, fields)
    except MappingInvalid as invalid:
        return invalid.problems
    return ()
