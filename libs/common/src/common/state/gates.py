"""The gates that services close and open on their own calls: a vendor that is away, and an account or a place of it that is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from common.contracts.ids import ConnectionId, VendorName
from common.state.pool import DbConnection

VENDOR_AWAY, REFUSED = "vendor_away", "refused"
LEG_AGAIN = timedelta(minutes=10)
"""What was refused for all that a leg would write is tried again so often: nobody tells when an account has got it back."""


class Spot(NamedTuple):
    """Where something is read or written: the place of the account, and the sync and the leg that would write there, where it is a write."""

    place: str = ""
    sync: str = ""
    leg: str = ""

    @property
    def gates(self) -> frozenset[str]:
        """The places of the gates that hold it back."""
        legs = {of_leg(self.sync, self.leg)} if self.leg else set[str]()
        return frozenset({"", self.place} | legs)


ANYWHERE = Spot()


def of_leg(sync: str, leg: str) -> str:
    """The place by which a gate is about one leg of a sync."""
    return f"#{sync}/{leg}"


async def refuse(
    tx: DbConnection, connection: str, place: str, code: str, message: str, now: datetime, until: datetime | None = None
) -> bool:
    """Closes the gate for a person; an empty place is the whole connection. False when it was closed before."""
    fresh: bool = await tx.fetchval(
        "select core.set_gate($1, $2, $7, $3, $4, $5, $6)", connection, REFUSED, now, code, message, place, until
    )
    return fresh


async def open_lapsed(tx: DbConnection, now: datetime) -> None:
    """Gates of legs whose time is over, and behind which nothing was refused for as long again."""
    await tx.execute("select core.open_lapsed($1, $2)", now - LEG_AGAIN, now)


async def close_away(
    tx: DbConnection,
    connection: ConnectionId,
    vendor: VendorName,
    code: str,
    message: str,
    now: datetime,
    moved: timedelta,
) -> bool:
    """Closes the gate until a probe opens it; the first probe is due in seconds. False when it was closed before."""
    fresh: bool = await tx.fetchval(
        "select core.set_gate($1, $2, null, $3, $4, $5, '')", connection, VENDOR_AWAY, now, code, message
    )
    await tx.execute(
        """
        insert into flow.vendor_probe (connection, vendor, due_at) values ($1, $2, now() + $3 + interval '5 seconds')
        on conflict (connection) do nothing
        """,
        connection,
        vendor,
        moved,
    )
    return fresh


async def probes_due(tx: DbConnection, vendor: VendorName, moved: timedelta, most: int) -> Sequence[ConnectionId]:
    """Takes the turns that are due: each is one replica's, and the next lies twice as far ahead, up to five minutes, with jitter.

    By the database's time: a machine's clock that is set back leaves nobody waiting.
    """
    rows = await tx.fetch(
        """
        update flow.vendor_probe p
           set turns = p.turns + 1,
               due_at = now() + $2 + least(300, 10 * 2 ^ least(p.turns, 10)) * (0.75 + 0.25 * random()) * interval '1 second'
          from (select connection from flow.vendor_probe
                 where vendor = $1 and due_at <= now() + $2 order by due_at limit $3 for update skip locked) as due
         where p.connection = due.connection
        returning p.connection
        """,
        vendor,
        moved,
        most,
    )
    return [ConnectionId(row["connection"]) for row in rows]


async def open_away(tx: DbConnection, connection: ConnectionId, now: datetime) -> None:
    """The vendor answers: everything goes on."""
    await tx.execute("delete from flow.vendor_probe where connection = $1", connection)
    await tx.execute("select core.clear_gate($1, $2, $3)", connection, VENDOR_AWAY, now)
    await tx.execute("select pg_notify('work', '')")
