"""One leg held against both accounts by reading only: its entities, its places, its mode, and its rows against both catalogues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from common.contracts.connections import Connection
from common.contracts.ids import Entity, SyncId
from common.contracts.syncs import Leg, MappingDefinition, MappingRow
from common.failures import Failure
from common.http.call import Api
from console import sync_codes
from console.use_cases import row_checks
from console.use_cases.problems import of_vendor, problem
from console.use_cases.remembered_reads import RememberedReads
from console.use_cases.wishes import WrittenLeg, placed
from mapper.mapping.definitions import COMMON_OPTIONS, with_choices
from mapper.mapping.engine import compile_mapping
from mapper.mapping.fact_use import with_facts
from mapper.mapping.problems import MappingInvalid, Problem
from vendors.catalogue import CatalogueField, FieldCatalogue, stored_catalogue
from vendors.feeding import fact_fields, gathered, gathered_fields, is_listed
from vendors.grant import Place
from vendors.target import Target
from vendors.vendor import Vendor


@dataclass(frozen=True, slots=True)
class End:
    """One side of a sync: a connection that is usable, its vendor, and the door opened for it."""

    connection: Connection
    vendor: Vendor
    api: Api
    settings: RememberedReads
    """The same door for what the account's settings say: the legs of a draft ask for it once together."""


@dataclass(frozen=True, slots=True)
class DraftLeg:
    """A leg that was held against both accounts; its version is still 0."""

    written: WrittenLeg
    source: End
    source_place: str
    target: End
    writes: Target
    place: Place
    definition: MappingDefinition
    fields: FieldCatalogue
    new_fields: tuple[MappingRow, ...]
    notes: tuple[str, ...]

    @property
    def remarks(self) -> Sequence[str]:
        """What its source's vendor wants a person to know."""
        return self.source.vendor.remarks(self.source.connection, Entity(self.written.source_entity))

    def leg(self, sync: str) -> Leg:
        """The leg as it runs, with its definition and the part of the target's catalogue that decides its documents, and no more: a
        field that nobody maps does not make a new version."""
        rows = {row.target for row in self.definition.rows}
        kept = tuple(
            one for one in sorted(self.fields.fields, key=lambda one: one.path) if one.path in rows or one.required
        )
        mapping = replace(self.definition, catalogue=tuple(stored_catalogue(FieldCatalogue(kept))))
        return Leg(
            sync=SyncId(sync), name=Entity(self.written.name), direction=self.written.direction,
            source=self.source.connection.id, source_entity=Entity(self.written.source_entity), source_place=self.source_place,
            target=self.target.connection.id, target_entity=Entity(self.written.target_entity), target_place=self.place.id,
            mode=self.writes.mode, mapping=mapping,
        )  # fmt: skip


async def draft_leg(
    written: WrittenLeg, source: End | None, target: End | None, problems: list[Problem], seen: Sequence[str] = ()
) -> DraftLeg | None:
    """The draft, or every problem there is; a side that cannot be used was told before. `seen` are custom fields of records that were read."""
    found: list[Problem] = []
    reads = await _source(written, source, seen, found) if source else None
    writes = _target(written, target, found) if target else None
    place, fields = await _place_and_fields(written, target, writes, found) if target and writes else (None, None)
    notes: list[str] = []
    definition, new = written.definition, tuple[MappingRow, ...]()
    if definition is not None:
        read = reads[1] if reads else None
        row_checks.check_paths(definition, written.source_entity, read, written.asked, found, notes)
        row_checks.check_types(definition, read, fields, writes.choices.collected if writes else (), found)
        row_checks.check_writable(definition, fields, found)
        definition = _chosen_words(definition, writes, found) if writes else definition
        found += _compiled(definition, fields, writes)
        # Last, because it takes rows out: until here a row's number is the one that people count.
        definition, new = row_checks.new_fields(definition, fields, written.create_fields, written.asked, found, notes)
    problems += [placed(written.at, one) for one in found]
    if not (source and target and reads and writes and place and fields and definition):
        return None
    definition = with_facts(definition)
    lines = tuple(f"{written.at}: {note}" if written.at else note for note in notes)
    return DraftLeg(written, source, reads[0], target, writes, place, definition, fields, new, lines)


async def _source(
    written: WrittenLeg, end: End, seen: Sequence[str], problems: list[Problem]
) -> tuple[str, FieldCatalogue] | None:
    """The place, empty for all of the connection's, and the fields of the entity."""
    source, entity = end.vendor.source, Entity(written.source_entity)
    entities = {**source.entities, **gathered(source)} if source is not None else {}
    if source is None or entity not in entities:
        problems.append(_no_entity("source", end, written.source_entity, list(entities)))
        return None
    try:
        places = await source.places(end.connection, end.settings) if written.source_place else ()
        place = (
            _chosen(written.source_place, places, "place", "source.place", problems) if written.source_place else None
        )
        listed = is_listed(source, entity)
        fields = (
            await source.catalogue(end.connection, entity, end.settings) if listed else gathered_fields(source, entity)
        )
        told = (*fields.fields, *_ids(fields), *_also_seen(fields, seen), *fact_fields(source, entity))
        return place.id if place else "", FieldCatalogue(told, complete=fields.complete)
    except Failure as failure:
        problems.append(of_vendor(failure, "source", end.connection.name))
        return None


def _ids(fields: FieldCatalogue) -> Sequence[CatalogueField]:
    """Every record has an id, whether its source tells it as a field or not."""
    return () if fields.get("id") is not None else (CatalogueField("id", "Id", "text"),)


def _also_seen(fields: FieldCatalogue, seen: Sequence[str]) -> Sequence[CatalogueField]:
    """What records have and the catalogue does not know, where nobody could say which fields the account has."""
    known = {field.path for field in fields.fields}
    paths = () if fields.complete else [f"custom.{name}" for name in seen]
    return [CatalogueField(path, path, "text", in_list=False) for path in paths if path not in known]


def _target(written: WrittenLeg, end: End, problems: list[Problem]) -> Target | None:
    entity = Entity(written.target_entity)
    target = end.vendor.targets.get(entity)
    if target is None:
        problems.append(_no_entity("target", end, entity, list(end.vendor.targets)))
        return None
    if written.mode and written.mode != target.mode:
        words = f"{end.vendor.title} writes {entity} as `{target.mode}`, not as `{written.mode}`."
        problems.append(problem(sync_codes.SYNC_MODE_REFUSED, "mode", words))
    return target


async def _place_and_fields(
    written: WrittenLeg, end: End, target: Target, problems: list[Problem]
) -> tuple[Place | None, FieldCatalogue | None]:
    try:
        places = await target.places(end.connection, end.settings)
        place = _chosen(written.place, places, target.places_name, "place", problems)
        return place, await target.catalogue(end.connection, place.id, end.settings) if place else None
    except Failure as failure:
        problems.append(of_vendor(failure, "target", end.connection.name))
        return None, None


def _chosen(wanted: str, places: Sequence[Place], word: str, field: str, problems: list[Problem]) -> Place | None:
    if not wanted and len(places) == 1:
        return places[0]
    found = [one for one in places if one.id == wanted]
    found = found or [one for one in places if one.title.casefold() == wanted.strip().casefold()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{one.title} ({one.id})" for one in places[:20]) or "none"
    several = f"{len(found)} {word}s are called" if found else f"There is no {word}"
    words = f"{several} {wanted[:100]!r}; there are: {listed}."
    problems.append(problem(sync_codes.SYNC_PLACE_UNKNOWN, field, words))
    return None


def _no_entity(side: str, end: End, wanted: str, known: Sequence[str]) -> Problem:
    done = {"source": "read", "target": "written"}[side]
    listed = f"; it has {', '.join(sorted(known))}" if known else ", and nothing else is either"
    words = f"{end.vendor.title} has nothing called {wanted[:60]!r} that is {done} here{listed}."
    return problem(sync_codes.SYNC_ENTITY_UNKNOWN, f"{side}.entity", words)


def _chosen_words(definition: MappingDefinition, target: Target, problems: list[Problem]) -> MappingDefinition:
    """The options of the file held against those that the target has."""
    known = COMMON_OPTIONS | target.choices.options
    if strange := sorted(set(definition.options) - known):
        words = f"There is no option {', '.join(strange)}; there are {', '.join(sorted(known))}."
        problems.append(problem(sync_codes.SYNC_OPTION_UNKNOWN, "options", words))
    try:
        return with_choices(definition, target.choices)
    except MappingInvalid as invalid:
        problems += invalid.problems
        return definition


def _compiled(definition: MappingDefinition, fields: FieldCatalogue | None, target: Target | None) -> Sequence[Problem]:
    try:
        compile_mapping(definition, fields, collected=target.choices.collected if target else ())
    except MappingInvalid as invalid:
        return invalid.problems
    return ()
