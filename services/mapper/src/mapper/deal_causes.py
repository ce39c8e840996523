"""Of whose invoices it has to be decided anew for which deal they are, because an invoice or a deal has changed in what decides it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from common.contracts.facts import INVOICE
from common.contracts.ids import ConnectionId, Entity, RecordId
from common.contracts.open_deals import DEAL, OpenDealRule, open_deal_rule
from common.contracts.syncs import Leg
from common.state.configuration import Configuration
from mapper.deal_rows import CUSTOMER, PERSON
from mapper.facts import NOT_COUNTED
from mapper.state import RecordState
from mapper.state_rows import Key
from vendors.feeds import Feed

_OF_DEAL = ("customer_id", "person_id", "amount", "currency", "closes_on", "stage")
_OF_INVOICE = ("customer_id", "total", "currency", "issued_on")


class ChoosingLeg(NamedTuple):
    """A leg from deals that has the rule."""

    leg: Leg
    rule: OpenDealRule


def choosing_legs(configuration: Configuration) -> list[ChoosingLeg]:
    """One for each connection whose invoices they are: an invoice is for one deal."""
    found: dict[ConnectionId, ChoosingLeg] = {}
    for leg in configuration.legs():
        rule = open_deal_rule(leg) if configuration.syncs[leg.sync].judges else None
        if rule is not None and {leg.source, leg.target} <= configuration.connections.keys():
            found.setdefault(leg.source, ChoosingLeg(leg, rule))
    return list(found.values())


def due(
    configuration: Configuration,
    feeds: Mapping[Entity, Feed],
    known: Mapping[Key, RecordState],
    changed: Mapping[Key, RecordState],
) -> set[Key]:
    """Customers of the invoices, and accounts and contacts of the deals, that are otherwise than they were."""
    if not any(key.entity in (INVOICE, DEAL) for key in changed):
        return set()
    found = set[Key]()
    for leg, _ in choosing_legs(configuration):
        for key, state in changed.items():
            if key[:2] == (leg.source, INVOICE):
                found |= set(_of_invoice(feeds[INVOICE], key, known[key], state))
            elif key[:2] == (leg.target, leg.target_entity):
                found |= set(_of_deal(key, known[key], state))
    return found


def _of_invoice(feed: Feed, key: Key, before: RecordState, after: RecordState) -> Iterator[Key]:
    if _invoice(feed, before) != _invoice(feed, after):
        for record in {*feed.whom(before.fields), *feed.whom(after.fields)}:
            yield Key(key.connection, CUSTOMER, record)


def _invoice(feed: Feed, state: RecordState) -> tuple[Any, ...]:
    fields = state.fields
    named = feed.gathers.by(fields) if feed.gathers is not None else None
    counts = not state.deleted and fields.get("status") not in NOT_COUNTED
    return (counts, named, *(fields.get(name) for name in _OF_INVOICE))


def _of_deal(key: Key, before: RecordState, after: RecordState) -> Iterator[Key]:
    if _deal(before) == _deal(after):
        return
    for entity, name in ((CUSTOMER, "customer_id"), (PERSON, "person_id")):
        for state in (before, after):
            if state.fields.get(name):
                yield Key(key.connection, entity, RecordId(str(state.fields[name])))


def _deal(state: RecordState) -> tuple[Any, ...]:
    return (state.deleted, *(state.fields.get(name) for name in _OF_DEAL))
