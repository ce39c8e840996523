"""An invoice that names no deal is for the one open deal of its customer that fits: a leg's option `open_deal`, and what has to be read for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.contracts.ids import ConnectionId, Entity
from common.contracts.syncs import Leg

OPEN_DEAL = "open_deal"
DEAL = Entity("deal")
CHOSEN = "open deal"
"""How an invoice came to name its deal, where nobody said so and this rule did."""
CLOSED = ("Closed Won", "Closed Lost", "Closed-Lost to Competition")
"""Stages of a deal that is over, where the option names none."""
MOST_PERCENT, MOST_DAYS = 50, 3_650


@dataclass(frozen=True, slots=True)
class OpenDealRule:
    """How far an invoice may be from its deal."""

    percent: int
    days: int
    closed: tuple[str, ...] = CLOSED


def open_deal_rule(leg: Leg) -> OpenDealRule | None:
    """None where the leg takes what is named and no more; only a leg from deals to deals can choose among them."""
    if leg.mapping is None or (leg.source_entity, leg.target_entity) != (DEAL, DEAL):
        return None
    given = leg.mapping.options.get(OPEN_DEAL)
    return OpenDealRule(given["percent"], given["days"], tuple(given.get("closed", CLOSED))) if given else None


def read_besides(leg: Leg) -> tuple[tuple[ConnectionId, Entity, str], ...]:
    """The records of the leg's own target that are read for the rule: connection, kind, and all of its places."""
    return ((leg.target, leg.target_entity, ""),) if open_deal_rule(leg) is not None else ()


def mistakes(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the option, with its name."""
    given = options.get(OPEN_DEAL)
    if given is not None and not _is_rule(given):
        yield (
            OPEN_DEAL,
            f"The option takes `percent` (1 to {MOST_PERCENT}) and `days` (1 to {MOST_DAYS}), and may list the stages `closed`: "
            "{percent: 5, days: 90, closed: [Closed Won, Closed Lost]}.",
        )


def _is_rule(given: Any) -> bool:
    if not isinstance(given, Mapping) or not {"percent", "days"} <= given.keys() <= {"percent", "days", "closed"}:
        return False
    closed = given.get("closed", [])
    numbers = _is_within(given["percent"], MOST_PERCENT) and _is_within(given["days"], MOST_DAYS)
    return numbers and isinstance(closed, list) and all(isinstance(one, str) and one for one in closed)


def _is_within(given: Any, most: int) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= most
