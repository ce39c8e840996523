"""What has changed since a moment (sheet, section 3.3): at most 30 days and 1,000 objects, whole, and who is gone."""

from __future__ import annotations

from sandbox.quickbooks.call import Call
from sandbox.quickbooks.entities import BY_PATH
from sandbox.quickbooks.record import Record, Tombstone
from sandbox.quickbooks.refusals import Document, bad_choice, breaks_a_rule, invalid, missing
from sandbox.quickbooks.stamps import moment_of
from sandbox.quickbooks.views import ended, shown

MOST, DAYS = 1_000, 30
MONTH_S = DAYS * 86_400.0
Changed = tuple[int, Record | Tombstone]


def changes(call: Call) -> Document:
    """One QueryResponse for each entity, in the order asked for; raises Refusal."""
    entities, since = _entities(call), _since(call)
    room, told = MOST, []
    for entity in entities:
        rows = [_row(call, one) for _, one in _changed(call, entity, since)[:room]]
        room -= len(rows)
        told.append({entity: rows, "startPosition": 1, "maxResults": len(rows)} if rows else {})
    return {"CDCResponse": [{"QueryResponse": told}]}


def _entities(call: Call) -> list[str]:
    names = [one.strip() for one in (call.request.param("entities") or "").split(",") if one.strip()]
    if not names:
        raise missing("entities")
    found = [BY_PATH.get(name.lower()) for name in names]
    if None in found:
        raise bad_choice("entities", names[found.index(None)])
    return list(dict.fromkeys(one for one in found if one))


def _since(call: Call) -> float:
    text = call.request.param("changedSince")
    if not text:
        raise missing("changedSince")
    since = moment_of(text.replace(" ", "+"))  # a plus that was not encoded
    if since is None:
        raise invalid("Property Name:changedSince must be a time", "changedSince")
    if since < call.at - MONTH_S and call.switches.cdc_too_old == "refused":
        raise breaks_a_rule(f"changedSince lies more than {DAYS} days back")
    return max(since, call.at - MONTH_S)


def _changed(call: Call, entity: str, since: float) -> list[Changed]:
    """The newest first: of too many, the older ones are missing."""
    company = call.company
    found: list[Changed] = [
        (record.state.updated, record) for record in company.shelves[entity].values() if record.state.updated > since
    ]
    found += [(one.at, one) for one in company.gone if one.entity == entity and one.at > since]
    return sorted(found, key=lambda one: (-one[0], int(one[1].id)))


def _row(call: Call, one: Record | Tombstone) -> Document:
    if isinstance(one, Record):
        return shown(call.company, one)
    return ended(call.company, one, call.switches.merged_in_cdc)
