"""A template as it is for one account: legs and rows for what the account's edition has, or for what it has not.

A template says so by `where: {has: invoice}` or `where: {lacks: invoice}` of a leg, or of further rows of one (`also`). What was chosen are the
sync's legs, as `sync show` lists them; an account that gets another edition gets the others by the next `apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from common.contracts.ids import Entity
from console.use_cases.leg_drafting import End

Has = Callable[[Entity], bool]


def of_account(template: Mapping[str, Any], target: End | None) -> Mapping[str, Any]:
    """The template without what does not fit; the whole one where nobody knows the account."""
    if target is None or "legs" not in template:
        return template
    lacks, connection = target.vendor.lacks, target.connection
    return {**template, "legs": chosen(template["legs"], lambda entity: not lacks(connection, entity))}


def chosen(legs: Sequence[Mapping[str, Any]], has: Has) -> list[Mapping[str, Any]]:
    """Pure."""
    return [_with_rows(leg, has) for leg in legs if _fits(leg, has)]


def _with_rows(leg: Mapping[str, Any], has: Has) -> Mapping[str, Any]:
    more = [row for also in leg.get("also", ()) if _fits(also, has) for row in also["rows"]]
    return {**leg, "rows": [*leg["rows"], *more]} if more else leg


def _fits(given: Mapping[str, Any], has: Has) -> bool:
    where = given.get("where", {})
    return all(
        has(Entity(where[word])) is wanted for word, wanted in (("has", True), ("lacks", False)) if word in where
    )
