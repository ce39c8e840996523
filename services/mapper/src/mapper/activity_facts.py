"""What audiences tell of customers, as facts: the newest rows in words, how somebody stands in a word, and the two rates.

In: rows of `flow.activity`, read for all records of a transaction at once, after their locks. Out: values by record; nothing for whom nobody has
told of. Words are for people who look at a customer: the audience's account by the name of its connection, and no value of any field.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.state import activity
from common.state.activity import Activity, TargetMember
from common.state.configuration import Configuration
from common.state.pool import DbConnection
from mapper.state_rows import Key

LINES = 20
_WORDS = {
    "subscribed": "subscribed", "unsubscribed": "unsubscribed", "cleaned": "mail came back", "profile": "changed",
    "address_changed": "changed the address", "archived": "archived", "seen": "seen to be otherwise",
}  # fmt: skip
_STANDINGS = {"cleaned": "bounced"}


async def read(
    tx: DbConnection, configuration: Configuration, keys: Collection[Key]
) -> Mapping[Key, Mapping[str, Any]]:
    """Of those of whom there is a row; two statements for each kind of records."""
    kinds: dict[tuple[ConnectionId, Entity], list[RecordId]] = defaultdict(list)
    for key in keys:
        kinds[key.connection, key.entity].append(key.record)
    names = {id: one.name for id, one in configuration.connections.items()}
    found = dict[Key, Mapping[str, Any]]()
    for kind, records in kinds.items():
        rows = await activity.newest(tx, *kind, records, LINES)
        lives = await activity.memberships(tx, *kind, list(rows)) if rows else {}
        found |= {Key(*kind, one): facts_of(its, lives.get(one, ()), names) for one, its in rows.items()}
    return found


def facts_of(
    rows: Sequence[Activity], memberships: Sequence[TargetMember], names: Mapping[ConnectionId, str]
) -> Mapping[str, Any]:
    """Pure; rates are those of the one member that has some, because those of several say nothing together."""
    rated = [one for one in memberships if one.open_rate is not None or one.click_rate is not None]
    alone = rated[0] if len(rated) == 1 else None
    standings = dict.fromkeys(_STANDINGS.get(one.standing, one.standing) for one in memberships if one.standing)
    return {
        "activity": [
            {"id": row.event_id, "at": row.at.isoformat(), "text": words(row, names.get(row.told_by, row.told_by))}
            for row in rows
        ],
        "standing": ", ".join(standings) or None,
        "open_rate": alone.open_rate if alone else None,
        "click_rate": alone.click_rate if alone else None,
    }


def words(row: Activity, audience: str) -> str:
    """One row for people: `chimp: changed FNAME, PHONE`."""
    named = ", ".join(name.removeprefix("merge.") for name in row.fields)
    said = " ".join(part for part in (_WORDS[row.kind], named) if part)
    return f"{audience}: {said} ({row.reason})" if row.reason else f"{audience}: {said}"
