"""Tells people 90, 30 and 7 days ahead that a grant ends: for good, or because nobody renews it.

What was told stands beside the credential, and changes in the transaction that tells it: each replica may look, and each notice is told once. A
new consent ends the notice with the grant it was about.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from common.clock import Clock
from common.state import pool as state
from token_broker.codes import GRANT_ENDS
from token_broker.vault.open_credential import CredentialStatus

KIND = "grant.ends"
AHEAD = (timedelta(days=7), timedelta(days=30), timedelta(days=90))


class GrantStandings(Protocol):
    """The vault, as far as this needs it."""

    async def standings(self) -> Sequence[CredentialStatus]: ...


class GrantEnds:
    """Looks at all grants."""

    def __init__(self, pool: state.Pool, credentials: GrantStandings, clock: Clock) -> None:
        self._pool = pool
        self._credentials = credentials
        self._clock = clock

    async def tidy(self) -> None:
        """Tells what is new, and ends what has no reason any more."""
        now = self._clock.now()
        found = await self._credentials.standings()
        async with state.transaction(self._pool) as tx:
            changed = await tx.fetch(_CHANGED, [one.connection for one in found], [ending(one, now) for one in found])
            for row in changed:
                await tx.execute("select core.untell($1, $2, $3)", row["connection"], KIND, now)
                if row["end_told"]:
                    told = row["connection"], KIND, GRANT_ENDS.name, row["end_told"], now
                    await tx.execute("select core.tell($1, $2, $3, $4, $5)", *told)


async def forget_end(tx: state.DbConnection, connection: str, now: datetime) -> None:
    """The grant that the notice was about is no longer the connection's."""
    await tx.execute("select core.untell($1, $2, $3)", connection, KIND, now)


def ending(standing: CredentialStatus, now: datetime) -> str:
    """What there is to say of a grant's end now; the same words until the next of the days ahead."""
    if standing.state != "active":
        return ""
    hard, idle = standing.grant_ends_at, standing.refresh_expires_at
    found: list[tuple[int, str]] = []
    if hard is not None and (ahead := _days(hard - now)):
        found.append((ahead, f"The access ends on {hard:%Y-%m-%d}, however often it is renewed"))
    # No idle end is later than the hard one, and some vendors tell it so.
    if idle is not None and hard is not None and hard - idle < timedelta(days=1):
        idle = None
    # Each renewal puts the idle end off: only one that has come nearer than a renewal leaves it says anything.
    if idle is not None and (ahead := _days(idle - now, idle - (standing.refreshed_at or standing.made_at))):
        found.append((ahead, f"The access ends on {idle:%Y-%m-%d}, as it is not renewed"))
    return "{1}: less than {0} days are left.".format(*min(found)) if found else ""


def _days(left: timedelta, of: timedelta | None = None) -> int | None:
    """The nearest of the days ahead that is reached; one that a fresh grant has not even is none."""
    return next((one.days for one in AHEAD if left < one and (of is None or one < of)), None)


_CHANGED = """
update vault.credential c set end_told = n.said from unnest($1::text[], $2::text[]) as n(connection, said)
 where c.connection = n.connection and c.end_told <> n.said
returning c.connection, c.end_told
"""
