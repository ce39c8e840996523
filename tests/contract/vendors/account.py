"""An account at a simulated vendor, as the suites need it: what people do there, the door to it, and the vendor's own count of calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from common.clock import SystemClock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, RecordId
from common.contracts.messages import Receipt
from common.failures import Failure, RateLimited, Unauthorised
from common.http.call import Api, Call, VendorAnswer
from common.http.door import Door
from common.http.exchange import RawAnswer
from common.http.judgement import judged
from common.http.profile import Limit, Profile
from common.http.tokens import Token
from common.secret import Secret
from tests.support.sandbox import SandboxProcess
from vendors.vendor import Vendor

AT = datetime(2026, 5, 4, 10, tzinfo=UTC)


@dataclass
class Recorded:
    """The door, and everything that it answered."""

    inner: Api
    answers: list[tuple[Call, VendorAnswer]] = field(default_factory=list)

    async def call(self, call: Call) -> VendorAnswer:
        answer = await self.inner.call(call)
        self.answers.append((call, answer))
        return answer

    def lines(self, call: Call) -> AsyncIterator[bytes]:
        return self.inner.lines(call)


class Account(Protocol):
    """What a vendor's folder of tests brings along."""

    connection: Connection
    place: str
    api: Recorded
    """The product's door to it."""

    def calls(self) -> int:
        """How many calls the vendor has counted that were not its operator's."""

    def advance(self, seconds: float) -> None:
        """Moves the vendor's clock."""

    def fill(self, entity: Entity, count: int) -> None:
        """At least so many records, which nobody has changed for a while."""

    def create(self, entity: Entity) -> RecordId: ...

    def edit(self, entity: Entity, record: RecordId) -> None:
        """Changes something that every answer shows."""

    def remove(self, entity: Entity, record: RecordId) -> None: ...

    def everything(self, entity: Entity) -> tuple[RecordId, Mapping[str, Any]]:
        """A record with every field there is, and what its fields are in neutral words, by the paths of the catalogue."""

    def lag(self, seconds: int) -> None:
        """From now on lists show what was so that long ago, if this vendor's can."""

    def receipts(self) -> Sequence[Receipt]:
        """A webhook of each kind, as the vendor sends it."""


@dataclass
class Answering:
    """The door to a vendor that answers as the test says; what that means is judged as the real door does."""

    profile: Profile
    answer: Callable[[Call], tuple[int, bytes]]
    now: Callable[[], datetime] = lambda: AT

    async def call(self, call: Call) -> VendorAnswer:
        status, body = self.answer(call)
        headers = {"date": self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")}
        found = judged(self.profile, call, RawAnswer(status, headers, body, 0.01), "token", self.now())
        if isinstance(found, Failure):
            raise found
        return found


class _OneToken:
    def __init__(self, token: str) -> None:
        self._secret = Secret(token)

    async def token(self, connection: ConnectionId) -> Token:
        return Token(self._secret, 1, datetime(9999, 1, 1, tzinfo=UTC))

    async def replaced(self, connection: ConnectionId, generation: int) -> Token:
        raise Unauthorised("NEEDS_REAUTH", "reconnect")


class _NoLimits:
    """Permits for everybody: what is counted here is what the vendor counts."""

    waited_s = 0.0

    async def admit(self, connection: Connection, limits: tuple[Limit, ...], priority: str, *, hold_s: float, deadline: float, cost: int = 1) -> Any:  # fmt: skip
        return self

    async def throttled(self, limits: tuple[Limit, ...], failure: RateLimited) -> RateLimited:
        return failure

    def answered(self, told: object = None) -> None:
        """Nobody waits for it."""

    unanswered = unused = answered


@asynccontextmanager
async def door_to(vendor: Vendor, connection: Connection, base: str, token: str) -> AsyncIterator[Recorded]:
    """The product's own door to an account of the sandbox; `base` stands in for the vendor's hosts."""
    door = Door(_OneToken(token), _NoLimits(), SystemClock(), {vendor.profile.system: base})
    try:
        yield Recorded(door.open(vendor.profile, connection))
    finally:
        await door.aclose()


@dataclass
class InSandbox:
    """What accounts of the sandbox have in common."""

    connection: Connection
    api: Recorded
    sandbox: SandboxProcess

    def calls(self) -> int:
        rows = self.sandbox.get("log")["calls"]
        assert isinstance(rows, list)
        return sum(1 for row in rows if row["vendor"] == self.connection.vendor and not row["operator"])

    def advance(self, seconds: float) -> None:
        self.sandbox.post("clock", {"advance_s": seconds})
