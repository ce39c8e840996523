"""Mapping definitions as people write them: the rows of a template or of a sync file, read with every mistake named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any, get_args

import yaml

from common.codes import CODES, Code, register
from common.contracts import matching, open_deals
from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from common.pairs.merging import Rule
from mapper.mapping.expressions import Expression, ExpressionInvalid
from mapper.mapping.fact_use import STAYS
from mapper.mapping.looks import LOOKS, look_mistakes
from mapper.mapping.problems import MappingInvalid, Problem
from vendors import own_sync
from vendors.choices import Choices

register(
    Code("MAPPING_ROW_INVALID", "A mapping row or option is not of the form that the documentation shows.",
         "Compare the row with the template's; `millrace sync show NAME` prints it.", "owner", False),
    Code("TEMPLATE_UNKNOWN", "No template has that name.",
         "Use one of the templates that the message lists.", "owner", False),
)  # fmt: skip

MOST_DAYS = 3_650
_ROW = {"target", "from", "transforms", "required", "new_field"}
_NEW_FIELDS = {"text", "number", "address", "phone", "date", "url"}


def template(name: str) -> dict[str, Any]:
    """The shipped template of that name, as data."""
    folder = resources.files("mapper") / "templates"
    known = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    if name not in known:
        words = f"There is no template {name[:80]!r}; there are: {', '.join(known)}."
        raise MappingInvalid([Problem("TEMPLATE_UNKNOWN", 0, "template", words, CODES["TEMPLATE_UNKNOWN"].action)])
    loaded: dict[str, Any] = yaml.safe_load((folder / f"{name}.yaml").read_text())
    return loaded


def templates() -> list[str]:
    """The names of the shipped templates."""
    folder = resources.files("mapper") / "templates"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def source_vendors() -> list[str]:
    """The vendors that some template reads from, by a leg that leads there or one that leads back: their changes are what the mapper
    consumes."""
    return sorted({vendor for name in templates() for vendor in _read_by(template(name))})


def _read_by(given: Mapping[str, Any]) -> set[str]:
    legs: Sequence[Mapping[str, Any]] = given.get("legs") or [{}]
    directions = {str(leg.get("direction", "forward")) for leg in legs}
    return {str(given["target" if direction == "back" else "source"]["vendor"]) for direction in directions}


def read_definition(version: int, given: Mapping[str, Any]) -> MappingDefinition:
    """A definition from its written form (rows, filter, key, options); raises `MappingInvalid` with every mistake."""
    problems: list[Problem] = []
    rows = tuple(
        row
        for number, item in enumerate(given.get("rows") or (), 1)
        if (row := _row(number, item, problems)) is not None
    )
    options = dict(given.get("options") or {})
    gone = {name: str(options.pop(name, "")) for name in (*_GONE, ON_INACTIVE)}
    problems += _inactivity(options)
    if not isinstance(options.get("clear_empty", True), bool):
        problems.append(_problem(0, "clear_empty", "The option takes true or false."))
    problems += [_problem(0, option, words) for option, words in look_mistakes(options)]
    problems += _conflicts(options.get("conflicts", {}))
    if options.get(own_sync.OPTION, own_sync.ENDED) != own_sync.ENDED:
        problems.append(_problem(0, own_sync.OPTION, f"The option takes `{own_sync.ENDED}`."))
    problems += _matching(options)
    problems += [_problem(0, option, words) for option, words in open_deals.mistakes(options)]
    if not rows and not problems:
        problems.append(_problem(0, "rows", "A mapping needs at least one row."))
    if not isinstance(given.get("filter", "") or "", str):
        problems.append(_problem(0, "filter", "The filter is a JMESPath expression in quotes."))
    if not given.get("key"):
        problems.append(
            _problem(0, "key", "A mapping names its `key`: the field of the target by which a record is found there.")
        )
    if problems:
        raise MappingInvalid(problems)
    return MappingDefinition(
        version=version,
        rows=rows,
        filter=given.get("filter") or "",
        key=str(given["key"]),
        options=options,
        on_delete=gone["on_delete"],
        on_filtered=gone["on_filtered"],
        on_inactive=gone[ON_INACTIVE],
    )


_GONE = ("on_delete", "on_filtered")
ON_INACTIVE = "on_inactive"
COMMON_OPTIONS = frozenset(
    {
        *_GONE,
        ON_INACTIVE,
        "clear_empty",
        "conflicts",
        "inactive_after",
        "inactive_if",
        own_sync.OPTION,
        matching.MATCH,
        matching.PARENT,
        open_deals.OPEN_DEAL,
        *LOOKS,
    }
)
"""Those that every target has."""


def _conflicts(given: Any) -> list[Problem]:
    """Who wins where both sides have changed a field; by the field's name in the forward leg's rows."""
    if isinstance(given, Mapping) and all(rule in get_args(Rule) for rule in given.values()):
        return []
    return [
        _problem(0, "conflicts", f"The option takes a field's name and one of {', '.join(get_args(Rule))} for each.")
    ]


def _matching(options: Mapping[str, Any]) -> list[Problem]:
    """By what records that have no counterpart are held against each other."""
    found = [_problem(0, option, words) for option, words in matching.mistakes(options)]
    for rule in () if found else options.get(matching.MATCH) or ():
        for side in matching.SIDES:
            try:
                Expression(rule[side])
            except ExpressionInvalid as error:
                found.append(_problem(0, matching.MATCH, str(error)))
    return found


def _inactivity(options: Mapping[str, Any]) -> list[Problem]:
    days, condition = options.get("inactive_after", 0), options.get("inactive_if", "")
    found = []
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= MOST_DAYS:
        words = f"The option takes a number of days, at most {MOST_DAYS}; 0 means that nobody is inactive by silence."
        found.append(_problem(0, "inactive_after", words))
    if not isinstance(condition or "", str):
        found.append(_problem(0, "inactive_if", "The option is a JMESPath expression in quotes."))
    return found


def with_choices(definition: MappingDefinition, choices: Choices) -> MappingDefinition:
    """The definition with the target's own words where it says nothing; raises `MappingInvalid` for a word that the target does not have."""
    given = {name: getattr(definition, name) or getattr(choices, name) for name in _GONE}
    words = f"The option takes {', '.join(choices.gone)}."
    problems = [_problem(0, name, words) for name, word in given.items() if word not in choices.gone]
    if definition.on_inactive not in ("", STAYS, *choices.gone):
        problems.append(_problem(0, ON_INACTIVE, f"The option takes {', '.join((STAYS, *choices.gone))}."))
    if problems:
        raise MappingInvalid(problems)
    return replace(definition, **given)


def _row(number: int, item: Any, problems: list[Problem]) -> MappingRow | None:
    if (
        not isinstance(item, Mapping)
        or not isinstance(item.get("target"), str)
        or not isinstance(item.get("from"), str)
    ):
        problems.append(_problem(number, "row", "A row has at least `target` and `from`, both texts."))
        return None
    unknown = sorted(set(item) - _ROW)
    if unknown:
        words = f"A row knows no {', '.join(map(repr, unknown))}; it knows {', '.join(sorted(_ROW))}."
        problems.append(_problem(number, item["target"], words))
    if item.get("new_field", "") not in _NEW_FIELDS | {""}:
        problems.append(_problem(number, item["target"], f"`new_field` is one of {', '.join(sorted(_NEW_FIELDS))}."))
    steps = [
        step for given in item.get("transforms") or () if (step := _transform(number, item["target"], given, problems))
    ]
    return MappingRow(item["target"], item["from"], tuple(steps), bool(item.get("required")), item.get("new_field", ""))


def _transform(number: int, target: str, given: Any, problems: list[Problem]) -> Transform | None:
    if isinstance(given, str):
        return Transform(given)
    if isinstance(given, Mapping) and isinstance(given.get("name"), str):
        arguments = given.get("arguments")
        return Transform(given["name"], arguments if isinstance(arguments, Mapping) else _inline(given))
    problems.append(_problem(number, target, "A transform is a name, or an object with `name` and its arguments."))
    return None


def _inline(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != "name"}


def _problem(row: int, field: str, words: str) -> Problem:
    return Problem("MAPPING_ROW_INVALID", row, field, words, CODES["MAPPING_ROW_INVALID"].action)
