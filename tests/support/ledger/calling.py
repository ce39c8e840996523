"""What a door to the ledger needs: a token that it never looks at, and a budget without an end."""

from __future__ import annotations

from datetime import UTC, datetime

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId
from common.failures import RateLimited, Unauthorised
from common.http.profile import Limit
from common.http.tokens import Token
from common.secret import Secret


class AnyKey:
    """As the token-broker would give it."""

    async def token(self, connection: ConnectionId) -> Token:
        return Token(Secret("k"), 1, datetime(9999, 1, 1, tzinfo=UTC))

    async def replaced(self, connection: ConnectionId, generation: int) -> Token:
        raise Unauthorised("NEEDS_REAUTH", "reconnect")


class AnyNumber:
    """As the budget would give it; the writer itself makes no more calls at once than it was told."""

    async def admit(
        self,
        connection: Connection,
        limits: tuple[Limit, ...],
        priority: str,
        *,
        hold_s: float,
        deadline: float,
        cost: int = 1,
    ) -> _Permit:
        return _Permit()

    async def throttled(self, limits: tuple[Limit, ...], failure: RateLimited) -> RateLimited:
        return failure


class _Permit:
    waited_s = 0.0

    def answered(self, told: object = None) -> None:
        """There is always another one."""

    unanswered = unused = answered
