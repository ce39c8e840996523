"""What stands at the door's outer boundary: a budget that says yes, tokens from a list, a sink that remembers."""

from __future__ import annotations

from datetime import UTC, datetime

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId
from common.failures import Failure, RateLimited
from common.http.attempts import CallAttempt
from common.http.call import Priority
from common.http.profile import Limit, PointsTold
from common.http.tokens import Token
from common.secret import Secret

CANARY = "1000.c0ffeec0ffeec0ffeec0ffeec0ffee00.canarycanarycanarycanarycanary99"


class FakePermit:
    def __init__(self, told: list[str]) -> None:
        self.waited_s = 0.0
        self._told = told

    def answered(self, told: PointsTold | None = None) -> None:
        self._told.append("answered")

    def unanswered(self) -> None:
        self._told.append("unanswered")

    def unused(self) -> None:
        self._told.append("unused")


class FakeBudget:
    """Remembers how each permit ended and what the vendor refused."""

    def __init__(self) -> None:
        self.endings: list[str] = []
        self.refusals: list[RateLimited] = []
        self.priorities: list[Priority] = []
        self.costs: list[int] = []

    async def admit(
        self,
        connection: Connection,
        limits: tuple[Limit, ...],
        priority: Priority,
        *,
        hold_s: float,
        deadline: float,
        cost: int = 1,
    ) -> FakePermit:
        self.priorities.append(priority)
        self.costs.append(cost)
        return FakePermit(self.endings)

    async def throttled(self, limits: tuple[Limit, ...], failure: RateLimited) -> RateLimited:
        self.refusals.append(failure)
        return failure


class FakeTokens:
    """Generation 1, and after a report what `verdict` says: a later one or a failure."""

    def __init__(self) -> None:
        self.generation = 1
        self.reported: list[int] = []
        self.verdict: Failure | None = None

    async def token(self, connection: ConnectionId) -> Token:
        return Token(Secret(f"{CANARY}-{self.generation}"), self.generation, datetime(2099, 1, 1, tzinfo=UTC))

    async def replaced(self, connection: ConnectionId, generation: int) -> Token:
        self.reported.append(generation)
        if self.verdict is not None:
            raise self.verdict
        self.generation = generation + 1
        return await self.token(connection)


class Remembered:
    """A sink."""

    def __init__(self) -> None:
        self.attempts: list[CallAttempt] = []

    def attempted(self, attempt: CallAttempt) -> None:
        self.attempts.append(attempt)
