"""All that happened to one pair, in one order of time: what its two ledgers did, what we knew, wrote and judged of it, and how it ended up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from tests.support.ledger.both import FIELDS, SIDES, Both

Moment = tuple[datetime, str]


async def history(world: Both, left: str, right: str) -> str:
    """For people: the message of a test that failed says by itself why."""
    ids = dict(zip(SIDES, (left, right), strict=True))
    moments = [*_changes(world, ids), *await _journal(world, ids), *await _intents(world, ids)]
    told = [f"{at:%H:%M:%S.%f}"[:-3] + f"  {what}" for at, what in sorted(moments)]
    return "\n".join([f"--- {left} (left) and {right} (right)", *told, *await _pair(world, ids)])


def _changes(world: Both, ids: dict[str, str]) -> Iterator[Moment]:
    """Of the ledgers themselves: who has written what, and when."""
    for one in world.ledger.state()["changes"]:
        if one["entity"] == "party" and ids.get(one["org"]) == one["id"]:
            has = {name: one["record"].get(name) for name in (*FIELDS, "modified")}
            yield datetime.fromtimestamp(one["at"], UTC), f"{one['org']:5} {one['op']} by {one['author']}: {has}"


async def _journal(world: Both, ids: dict[str, str]) -> Iterable[Moment]:
    """What was heard, judged, written and overridden."""
    rows = await world.world.rows(
        """select * from flow.journal where (connection, record) in (('left', $1), ('right', $2)) order by at, id""",
        *ids.values(),
    )  # fmt: skip
    return [(row["at"], f"we    {row['connection']} {_said(row)}") for row in rows]


async def _intents(world: Both, ids: dict[str, str]) -> Iterable[Moment]:
    """The calls: what each was to write, and which end it had."""
    rows = await world.world.rows(
        """select i.*, w.source from flow.write_intent i join flow.work_item w using (sync, entity, record)
            where (w.source, record) in (('left', $1), ('right', $2)) order by sent_at""",
        *ids.values(),
    )  # fmt: skip
    found = []
    for row in rows:
        call = f"{row['attempt'][:6]} for {row['record']} {row['action']} {row['target_key']} {row['sent']}"
        found.append((row["sent_at"], f"call  {call}"))
        if row["closed_at"] is not None:
            found.append((row["closed_at"], f"end   {row['attempt'][:6]} {row['state']} {row['verdict']} {row['applied_stamp']}"))  # fmt: skip
    return found


async def _pair(world: Both, ids: dict[str, str]) -> list[str]:
    rows = await world.world.rows("select * from flow.pair where left_id = $1 or right_id = $2", *ids.values())
    columns = ("id", "left_id", "right_id", "state", "owed", "history", "seen", "agreed", "judgement")
    return ["  ".join(f"{name}={row[name]}" for name in columns) for row in rows]


def _said(row: Any) -> str:
    names = ("reason", "words", "revision", "attempt", "before", "after", "patch", "details")
    return f"{row['step']} " + " ".join(f"{name}={_short(name, row[name])}" for name in names if row[name])


def _short(name: str, value: Any) -> str:
    return str(value)[:6] if name == "attempt" else str(value)
