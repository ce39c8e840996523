"""A sync as a person writes it, and its legs with what its template says of them: pure, nothing is looked up.

A file without `legs` is one leg, the template's; what it says at its top is that leg's, and not
that of legs within the source. What a leg leaves out is the template's leg of
the same name. A leg that the template does not know is written whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args

from common.contracts.syncs import NOBODY, Direction, MappingDefinition, Mode
from console import sync_codes
from console.use_cases.problems import problem
from mapper.mapping.definitions import read_definition
from mapper.mapping.problems import MappingInvalid, Problem

WITHIN = "within"


@dataclass(frozen=True, slots=True)
class LegWish:
    """A leg as a person writes it; what is None or empty is the template's."""

    name: str = ""
    direction: str = ""
    source_entity: str = ""
    source_place: str = ""
    target_entity: str = ""
    place: str = ""
    mode: str = ""
    key: str = ""
    rows: Sequence[Mapping[str, Any]] | None = None
    more_rows: Sequence[Mapping[str, Any]] = ()
    filter: str | None = None
    options: Mapping[str, Any] | None = None
    create_fields: bool = False


@dataclass(frozen=True, slots=True)
class SyncWish:
    """A sync as a person writes it; `alone` is the leg of a file that has no list of them."""

    name: str
    template: str
    source: str
    target: str
    alone: LegWish = LegWish()
    legs: Sequence[LegWish] | None = None
    activity: Mapping[str, str] = field(default_factory=dict)
    """What becomes of what audiences tell: settings that a template has, by name."""


@dataclass(frozen=True, slots=True)
class WrittenLeg:
    """A leg with everything that is said of it; `definition` is None where its rows or options cannot be read."""

    at: str
    """Where in the file it stands, as problems say it; empty in a file without `legs`."""
    name: str
    direction: Direction
    source_entity: str
    source_place: str
    target_entity: str
    place: str
    mode: str
    """Empty: whatever the target's entity does."""
    definition: MappingDefinition | None
    asked: range
    """The numbers of the rows that the person wrote."""
    create_fields: bool


def written_legs(wish: SyncWish, template: Mapping[str, Any], problems: list[Problem]) -> list[WrittenLeg]:
    """The legs in their order, with every mistake that can be seen without asking anybody."""
    known = _with_settings(_template_legs(template), wish, template, problems)
    if wish.legs is None:
        # Of several legs the file says nothing for itself, but that their fields may be made.
        within = {name for name, given in known.items() if given.get("direction") == WITHIN}
        alone = wish.alone if len(known) - len(within) == 1 else LegWish(create_fields=wish.alone.create_fields)
        return [
            _written("", replace(LegWish() if name in within else alone, name=name), given, problems)
            for name, given in known.items()
        ]
    if not wish.legs:
        problems.append(problem(sync_codes.SYNC_LEG_INVALID, "legs", "The list has no leg."))
    _nothing_at_the_top(wish, problems)
    legs = [_named(leg) for leg in wish.legs]
    for twice in sorted({leg.name for leg in legs if [one.name for one in legs].count(leg.name) > 1}):
        words = f"Two legs are called {twice!r}; a leg is named after its source's entity unless it has a `name`."
        problems.append(problem(sync_codes.SYNC_LEG_INVALID, "legs", words))
    return [_written(f"legs[{leg.name}]", leg, known.get(leg.name, {}), problems) for leg in legs]


def _template_legs(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """By name; a template without a list of legs is one leg."""
    if not template:
        return {}
    listed = template.get("legs") or [template]
    return {
        str(leg.get("name", leg["source"]["entity"]) if leg is not template else leg["source"]["entity"]): leg
        for leg in listed
    }


def _with_settings(
    legs: Mapping[str, Mapping[str, Any]], wish: SyncWish, template: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Mapping[str, Any]]:
    """The template's legs by the file's settings; one that a setting does not want takes nobody."""
    offered: Mapping[str, Any] = template.get("activity") or {}
    chosen = {name: str(words[0]) for name, words in offered.items()}
    for name, word in wish.activity.items():
        if word in offered.get(name, ()):
            chosen[name] = word
            continue
        known = "; ".join(f"{one}: {', '.join(words)}" for one, words in offered.items()) or "none of them"
        words = f"There is no setting {name[:40]}: {word[:40]!r}; the template has {known}."
        problems.append(problem(sync_codes.SYNC_OPTION_UNKNOWN, "activity", words))
    return {
        name: leg
        if all(chosen[key] in words for key, words in leg.get("when", {}).items())
        else {**leg, "filter": NOBODY}
        for name, leg in legs.items()
    }


def _named(leg: LegWish) -> LegWish:
    return leg if leg.name else replace(leg, name=leg.source_entity)


def _nothing_at_the_top(wish: SyncWish, problems: list[Problem]) -> None:
    for one in fields(LegWish):
        if getattr(wish.alone, one.name):
            words = "A file with `legs` says this in each leg."
            problems.append(problem(sync_codes.SYNC_LEG_INVALID, one.name, words))


def _written(at: str, leg: LegWish, given: Mapping[str, Any], problems: list[Problem]) -> WrittenLeg:
    found: list[Problem] = []
    source, target = given.get("source") or {}, given.get("target") or {}
    definition, asked = _definition(given, leg, found)
    done = WrittenLeg(
        at=at,
        name=leg.name,
        direction=_direction(leg.direction or str(given.get("direction", "forward")), found),
        source_entity=leg.source_entity or str(source.get("entity", "")),
        source_place=leg.source_place,
        target_entity=leg.target_entity or str(target.get("entity", "")),
        place=leg.place,
        mode=_mode(leg.mode or str(given.get("mode", "")), found),
        definition=definition,
        asked=asked,
        create_fields=leg.create_fields,
    )
    problems += [placed(at, one) for one in found]
    return done


def placed(at: str, one: Problem) -> Problem:
    """The problem with where its leg stands in the file."""
    return replace(one, field=f"{at}.{one.field}") if at else one


def _direction(given: str, problems: list[Problem]) -> Direction:
    for known in get_args(Direction):
        if given == known:
            direction: Direction = known
            return direction
    words = (
        f"There is no direction {given[:40]!r}; a leg runs {' or '.join(get_args(Direction))}. Both ways are two legs."
    )
    problems.append(problem(sync_codes.SYNC_LEG_INVALID, "direction", words))
    return "forward"


def _mode(given: str, problems: list[Problem]) -> str:
    if given and given not in get_args(Mode):
        words = f"There is no mode {given[:40]!r}; there are {', '.join(get_args(Mode))}."
        problems.append(problem(sync_codes.SYNC_MODE_REFUSED, "mode", words))
        return ""
    return given


def _definition(
    given: Mapping[str, Any], leg: LegWish, problems: list[Problem]
) -> tuple[MappingDefinition | None, range]:
    usual = given.get("rows") or []
    rows = [*(usual if leg.rows is None else leg.rows), *leg.more_rows]
    first = 1 if leg.rows is not None else len(usual) + 1
    key = leg.key or str(given.get("key", ""))
    if not key:
        words = "The leg names no `key`: the field of the target by which a record is found there."
        problems.append(problem(sync_codes.SYNC_LEG_INVALID, "key", words))
        return None, range(0)
    written = {
        "rows": rows,
        "filter": given.get("filter", "") if leg.filter is None else leg.filter,
        "key": key,
        "options": {**(given.get("options") or {}), **(leg.options or {})},
    }
    try:
        return read_definition(0, written), range(first, len(rows) + 1)
    except MappingInvalid as invalid:
        problems += invalid.problems
        return None, range(0)
