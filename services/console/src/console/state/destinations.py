"""The rows of `core.destination`, with what became of the last delivery to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from common.secret import SecretUrl
from common.state import pool as state

Kind = Literal["email", "webhook"]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where things are told to."""

    id: str
    kind: Kind
    address: str
    summaries: bool
    alerts: bool
    created_at: datetime

    @property
    def shown(self) -> str:
        """As people may see it: what stands in an address behind the question mark is often a key."""
        return SecretUrl(self.address).masked() if self.kind == "webhook" else self.address


@dataclass(frozen=True, slots=True)
class LastDelivery:
    """The newest thing that was, or is to be, told there."""

    kind: str
    state: str
    attempts: int
    due_at: datetime
    ended_at: datetime | None
    words: str


async def all_of(tx: state.DbConnection) -> Sequence[tuple[Destination, LastDelivery | None]]:
    """Every destination, the oldest first."""
    rows = await tx.fetch(_SELECT)
    return [(_destination(row), _last(row)) for row in rows]


async def add(tx: state.DbConnection, one: Destination) -> bool:
    """False where the address is one already."""
    done = await tx.fetchval(
        """insert into core.destination (id, kind, address, summaries, alerts, created_at) values ($1, $2, $3, $4, $5, $6)
           on conflict (kind, address) do nothing returning true""",
        one.id, one.kind, one.address, one.summaries, one.alerts, one.created_at,
    )  # fmt: skip
    return bool(done)


async def remove(tx: state.DbConnection, id: str) -> None:
    """It and whatever was still owed to it."""
    await tx.execute("delete from core.destination where id = $1", id)


def _destination(row: Any) -> Destination:
    return Destination(row["id"], row["kind"], row["address"], row["summaries"], row["alerts"], row["created_at"])


def _last(row: Any) -> LastDelivery | None:
    if row["state"] is None:
        return None
    return LastDelivery(row["told"], row["state"], row["attempts"], row["due_at"], row["ended_at"], row["words"])


_SELECT = """
select d.id, d.kind, d.address, d.summaries, d.alerts, d.created_at, v.told, v.state, v.attempts, v.due_at, v.ended_at, v.words
  from core.destination d
  left join lateral (
       select n.kind as told, v.state, v.attempts, v.due_at, v.ended_at, v.words
         from core.delivery v join core.notification n on n.id = v.notification
        where v.destination = d.id order by v.notification desc limit 1) as v on true
 order by d.created_at, d.id
"""
