"""Fields that mappings ask for and the target does not have: those of one place are made together, whichever legs ask for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from common.contracts.syncs import MappingRow
from common.failures import Failure
from console.use_cases.drafting import Draft
from console.use_cases.leg_drafting import DraftLeg
from console.use_cases.problems import of_vendor, refuse_if_any
from console.use_cases.wishes import placed
from mapper.mapping.problems import Problem
from vendors.catalogue import AskedField, FieldCatalogue


@dataclass(slots=True)
class AskedPlace:
    """A place of a target that lacks fields, by the first leg that asks for any, and the first that asks for each."""

    leg: DraftLeg
    asked: dict[tuple[str, str], AskedField] = field(default_factory=dict)
    legs: dict[str, DraftLeg] = field(default_factory=dict)

    def add(self, leg: DraftLeg, row: MappingRow) -> None:
        self.asked.setdefault((row.target, row.new_field), AskedField(row.target, row.new_field, _label(row)))
        self.legs.setdefault(row.target, leg)

    @property
    def paths(self) -> list[str]:
        return list(self.legs)


def asked_paths(draft: Draft) -> list[str]:
    """The fields that would be made, place by place."""
    return [path for place in _places(draft).values() for path in place.paths]


async def made(draft: Draft) -> tuple[list[str], Draft]:
    """The fields, and the draft with the catalogues that the next apply will read: the same file again has to find the same.

    One Refusal for all that is refused. What was made until then is there, and the next apply finds it.
    """
    paths, problems, found = list[str](), list[Problem](), dict[tuple[str, ...], FieldCatalogue]()
    for key, place in _places(draft).items():
        if (catalogue := await _made(place, problems)) is not None:
            found[key] = catalogue
            paths += place.paths
    refuse_if_any(problems)
    legs = tuple(replace(leg, fields=found.get(_place_of(leg), leg.fields)) for leg in draft.legs)
    return paths, replace(draft, legs=legs)


async def _made(place: AskedPlace, problems: list[Problem]) -> FieldCatalogue | None:
    leg, end = place.leg, place.leg.target
    asked = list(place.asked.values())
    try:
        made = await leg.writes.create_fields(end.connection, leg.place.id, asked, end.settings.apart())
    except Failure as failure:
        problems.append(placed(leg.written.at, of_vendor(failure, ", ".join(place.paths), end.connection.name)))
        return None
    for path, why in made.refused.items():
        problems.append(placed(place.legs[path].written.at, of_vendor(why, path, end.connection.name)))
    return made.catalogue


def _places(draft: Draft) -> dict[tuple[str, ...], AskedPlace]:
    places = dict[tuple[str, ...], AskedPlace]()
    for leg in draft.legs:
        for row in leg.new_fields:
            places.setdefault(_place_of(leg), AskedPlace(leg)).add(leg, row)
    return places


def _place_of(leg: DraftLeg) -> tuple[str, ...]:
    return (leg.target.connection.id, leg.written.target_entity, leg.place.id)


def _label(row: MappingRow) -> str:
    return row.source.rpartition(".")[2].removeprefix("cf_").replace("_", " ").capitalize()
