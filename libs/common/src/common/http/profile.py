"""What the door has to know of a vendor: hosts, the form of the credential, limits, and its table of failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from common.contracts.connections import Connection
from common.contracts.ids import VendorName
from common.failures import Failure

Shape = Literal["fixed", "rolling", "daily", "concurrency"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit in the vendor's own scope: `key` names who shares it (an organisation, a login, a realm)."""

    name: str
    key: str
    shape: Shape
    count: int
    window: timedelta = timedelta(0)
    reserve: float = 0.10
    """The share left for the customer's other applications."""
    resets_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds of patience per step, and for the whole call."""

    connect: float = 5.0
    read: float = 30.0
    write: float = 10.0
    pool: float = 5.0
    total: float = 45.0


class Translate(Protocol):
    """The vendor's failure table: None when the answer is a success."""

    def __call__(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None: ...


class Profile(Protocol):
    """The vendor as the door sees it."""

    vendor: VendorName
    timeouts: Timeouts
    max_body: int
    horizon: timedelta
    """H of R2: call deadline + the vendor's own gateway timeout + read-after-write lag + tolerated pause."""

    def base_url(self, connection: Connection, override: str) -> str:
        """The API's address for this connection, from the allow-list; `override` is the sandbox's address or empty."""

    def credential(self, token: str) -> Mapping[str, str]:
        """The headers that carry the token."""

    def limits(self, connection: Connection) -> Sequence[Limit]:
        """Every limit that one call of this connection counts against."""

    def translate(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
        """The failure that an answer means, or None."""
