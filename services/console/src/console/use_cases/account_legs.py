"""A template as it is for one account: legs and rows for what the account's edition has, or for what it has not.

A template says so by `where: {has: invoice}` or `where: {lacks: invoice}` of a leg, or of further rows of one, or of its key (`also`). Rows for new
fields are left out by themselves where an account has none. What was chosen are the sync's legs, as `sync show` lists them; an account that gets
another edition gets the others by the next `apply`, and legs that it has no more rest until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from common.contracts.ids import Entity
from console.use_cases.leg_drafting import End

Has = Callable[[Entity], bool]
CUSTOM_FIELD = Entity("custom_field")


def of_account(template: Mapping[str, Any], target: End | None) -> Mapping[str, Any]:
    """The template without what does not fit; the whole one where nobody knows the account."""
    if target is None or "legs" not in template:
        return template
    return {**template, "legs": chosen(template["legs"], _has(target))}


def left_out(template: Mapping[str, Any], target: End | None) -> list[str]:
    """What of the template the account does not get, in words; each leg, and once the fields of its own."""
    if target is None or "legs" not in template:
        return []
    has, name = _has(target), target.connection.name
    notes = [
        f"Leg {leg['name']} is left out: the edition of {name} lacks what it needs ({lacking.replace('_', ' ')})."
        for leg in template["legs"]
        if (lacking := leg.get("where", {}).get("has", "")) and not has(Entity(lacking))
    ]
    if not has(CUSTOM_FIELD):
        notes.append(f"{name} has no fields of its own in its edition: rows that ask for a new field are left out.")
    return notes


def absent(template: Mapping[str, Any], target: End | None) -> dict[str, str]:
    """The legs of the template that the account does not get, each with what it lacks for it; nothing where it has more than the leg is for."""
    if target is None or "legs" not in template:
        return {}
    has = _has(target)
    named = {leg["name"]: leg.get("where", {}).get("has", "") for leg in template["legs"] if not _fits(leg, has)}
    return {name: "" if lacking and has(Entity(lacking)) else lacking for name, lacking in named.items()}


def chosen(legs: Sequence[Mapping[str, Any]], has: Has) -> list[Mapping[str, Any]]:
    """Pure."""
    return [_with_rows(leg, has) for leg in legs if _fits(leg, has)]


def _has(target: End) -> Has:
    lacks, connection = target.vendor.lacks, target.connection
    return lambda entity: not lacks(connection, entity)


def _with_rows(leg: Mapping[str, Any], has: Has) -> Mapping[str, Any]:
    also = [one for one in leg.get("also", ()) if _fits(one, has)]
    rows = [*leg["rows"], *(row for one in also for row in one.get("rows", ()))]
    key = next((one["key"] for one in also if "key" in one), leg["key"])
    takes_new = has(CUSTOM_FIELD) or leg.get("direction") in ("back", "within")
    return {**leg, "key": key, "rows": [row for row in rows if takes_new or "new_field" not in row]}


def _fits(given: Mapping[str, Any], has: Has) -> bool:
    where = given.get("where", {})
    return all(
        has(Entity(where[word])) is wanted for word, wanted in (("has", True), ("lacks", False)) if word in where
    )
