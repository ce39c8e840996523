"""The next look at sources whose times somebody has changed: nobody waits for the time that was meant before."""

from __future__ import annotations

from collections.abc import Mapping

from common.state.polls import NextLook, Polled, columns
from common.state.pool import DbConnection


async def plan(tx: DbConnection, planned: Mapping[Polled, NextLook]) -> None:
    """Those that are wanted at other times by now are read by these at the latest; one that waits for its vendor goes on waiting."""
    ordered = sorted(planned)
    await tx.execute(
        """
        update flow.poll p set cadence = n.cadence, next_at = case when p.words = '' then least(p.next_at, n.next_at) else p.next_at end
          from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) as n(connection, entity, place, next_at, cadence)
         where (p.connection, p.entity, p.place) = (n.connection, n.entity, n.place) and p.cadence <> n.cadence
        """,
        *columns(ordered),
        [planned[one].at for one in ordered],
        [planned[one].cadence for one in ordered],
    )
