"""Connections as people see them: the stored row, its gates, and the standing of its grant at the token-broker.

A broker that is away makes no list fail: the grants are then unknown (`grant` is None) and everything else is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from common.api.refusal import Refusal
from common.clock import Clock
from common.state import pool as state
from console import codes
from console.broker import BrokerGrant
from console.refusals import BrokerAway, unknown_connection, wrong_state
from console.state import connections as rows
from console.state.connections import ConnectionRow, WantedConnection


class GrantsOfBroker(Protocol):
    """Where grants are looked up."""

    async def grants(self) -> Mapping[str, BrokerGrant]: ...

    async def grant(self, connection: str) -> BrokerGrant | None: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """One connection with what the broker knows of it."""

    row: ConnectionRow
    grant: BrokerGrant | None

    @property
    def standing(self) -> str:
        """One word for people; the most pressing reason first."""
        closed = {gate.reason for gate in self.row.gates if not gate.place}
        if self.row.state != "active":
            return self.row.state
        if "restored" in closed:
            return "restored"
        if "needs_reauth" in closed or (self.grant is not None and self.grant.state == "needs_reauth"):
            return "needs_reauth"
        return next(
            (word for word in ("refused", "vendor_away", "paused", "exhausted", "throttled") if word in closed), "ok"
        )

    @property
    def trouble(self) -> str:
        """Why it is not connected yet, why nothing is written, or why the last try failed; empty when all is well."""
        row = self.row
        restored = next((gate.message for gate in row.gates if gate.reason == "restored"), "")
        if restored:
            return restored
        if row.state == "connecting" and row.connecting is not None and row.connecting.message:
            return row.connecting.message
        return row.test_result or (self.grant.reason if self.grant is not None else "")


@dataclass(frozen=True, slots=True)
class ShownConnections:
    """Some connections, and where the next ones begin."""

    items: Sequence[Shown]
    after: tuple[str, str] | None


class Connections:
    """Reads connections, and gives them other names."""

    def __init__(self, pool: state.Pool, grants: GrantsOfBroker, clock: Clock) -> None:
        self._pool = pool
        self._grants = grants
        self._clock = clock

    async def page(self, wanted: WantedConnection) -> ShownConnections:
        """The connections that fit, in the order of their names."""
        async with state.connection(self._pool) as link:
            found = await rows.page(link, wanted)
        shown = list(found[: wanted.limit])
        grants = await self._all_grants() if shown else {}
        more = len(found) > wanted.limit
        after = (shown[-1].name, shown[-1].id) if more else None
        return ShownConnections([Shown(row, grants.get(row.id)) for row in shown], after)

    async def row(self, connection: str) -> ConnectionRow:
        """The stored connection; one that was deleted is not there."""
        async with state.connection(self._pool) as link:
            found = await rows.read(link, connection)
        if found is None or found.state == "deleted":
            raise unknown_connection(connection)
        return found

    async def show(self, connection: str) -> Shown:
        """One connection."""
        row = await self.row(connection)
        try:
            return Shown(row, await self._grants.grant(connection))
        except BrokerAway:
            return Shown(row, None)

    async def rename(self, connection: str, name: str, expected: ConnectionRow) -> Shown:
        """Another name; refused when somebody has given it another one since `expected` was read."""
        try:
            async with state.transaction(self._pool) as tx:
                now_there = await rows.read(tx, connection, lock=True)
                if now_there is None or now_there.state in ("deleting", "deleted"):
                    raise unknown_connection(connection)
                if now_there.name != expected.name:
                    raise Refusal(412, codes.VERSION_STALE)
                await rows.rename(tx, connection, name, self._clock.now())
        except asyncpg.UniqueViolationError as taken:
            raise Refusal(409, codes.CONNECTION_NAME_TAKEN, f"There is a connection named {name} already.") from taken
        return await self.show(connection)

    async def _all_grants(self) -> dict[str, BrokerGrant]:
        try:
            return dict(await self._grants.grants())
        except BrokerAway:
            return {}


def refuse_unless_usable(row: ConnectionRow) -> None:
    """Only a connection that was connected once can be paused, tried or counted."""
    if row.state != "active":
        raise wrong_state(row.name, row.state, "it has to be active for that")
