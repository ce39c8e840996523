"""What the door has to know of a vendor: hosts, the form of the credential, limits, and its table of failures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from common.contracts.connections import Connection
from common.contracts.ids import VendorName
from common.failures import Failure
from common.http.call import Call

Shape = Literal["fixed", "rolling", "daily", "monthly", "concurrency", "points"]


@dataclass(frozen=True, slots=True)
class PointsTold:
    """What an answer says of a bucket of points, true of some moment between its question and itself."""

    foretold: int
    """What had to be there before the call ran."""
    spent: int
    """What it took in the end; nothing when it was refused."""
    available: int
    most: int
    restore: float
    """Points that come back in a second."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit in the vendor's own scope: `key` names who shares it (an organisation, a login, a realm)."""

    name: str
    key: str
    shape: Shape
    """`daily` and `monthly` go by the calendar of a zone.
    `rolling` is safe whatever the vendor's window really is; `fixed` only where its windows start on the calendar. `points` is a bucket
    of `count` points that fills up in a `window`, until the vendor tells another size; its reserve are points that stay in it."""
    count: int
    window: timedelta = timedelta(0)
    reserve: float = 0.10
    """The share left for the customer's other applications."""
    resets_zone: str = "UTC"
    kept_for_live: float = 0.0
    """The part of ours that replay and backfill leave alone: nobody can wait until midnight for a backfill."""
    lingers: timedelta = timedelta(0)
    """How long a call that we gave up may still occupy its place at the vendor."""
    usual: int = 1
    """The points that a call takes as a rule, for whoever counts calls before there are any."""
    told: Callable[[bytes], PointsTold | None] | None = None
    """Reads what an answer says of the points."""
    weight: int = 1
    """How much of a day or a month this call takes, where the vendor does not count all calls alike; of every other shape a call is one."""

    @property
    def by_calendar(self) -> bool:
        """Whether it begins anew at a midnight; the meters count a month as they count a day."""
        return self.shape in ("daily", "monthly")

    @property
    def ours(self) -> int:
        """What we may use: the count without the reserve, never nothing."""
        return max(1, self.count - math.ceil(round(self.count * self.reserve, 6)))

    @property
    def reserved(self) -> int:
        return self.count - self.ours

    @property
    def spare(self) -> int:
        """Of a window, the trickle taken from the reserve while Redis is away: nobody can be sure then who uses ours."""
        return max(1, self.reserved // 2) if self.reserved else 0

    @property
    def kept(self) -> int:
        return min(self.ours - 1, int(self.ours * self.kept_for_live))


PERMIT_PATIENCE_S = 30.0
"""How long a call waits for quota, a second try with another token included: beyond that, waiting belongs into PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds of patience per step, and for the whole call from the moment in which it may be sent."""

    connect: float = 5.0
    read: float = 30.0
    write: float = 10.0
    pool: float = 5.0
    total: float = 45.0

    @property
    def out(self) -> float:
        """The whole request is out within this time, or is broken off."""
        return self.pool + self.connect + self.write


TOLERATED_PAUSE_S = 30.0
"""How long a process may stand still between its last look at the clock and the first byte, and clocks may differ."""


def horizon(timeouts: Timeouts, vendor_longest: timedelta, read_lag: timedelta) -> timedelta:
    """H of R2, from the moment in which the intent is stored: a request waits for its permit, is out within its time, is processed by the
    vendor as long as that takes at most, and is seen by a read after the lag. Our patience for the answer is no part of it (decision 31).
    """
    ours = timedelta(seconds=PERMIT_PATIENCE_S + timeouts.out + TOLERATED_PAUSE_S)
    return max(ours + vendor_longest + read_lag, timedelta(seconds=PERMIT_PATIENCE_S + timeouts.total) + read_lag)


class Profile(Protocol):
    """The vendor as the door sees it."""

    @property
    def vendor(self) -> VendorName: ...

    @property
    def system(self) -> str:
        """The family whose address the settings can replace, for example `zoho`."""

    @property
    def hosts(self) -> frozenset[str]:
        """The only hosts that ever see a credential of this vendor; `*.` stands for one label."""

    @property
    def file_hosts(self) -> frozenset[str]:
        """Where else the vendor puts files that its answers name; nothing of ours goes there but the question."""

    @property
    def timeouts(self) -> Timeouts: ...

    @property
    def max_body(self) -> int:
        """Bytes of an answer, unpacked, that we are ready to read."""

    @property
    def horizon(self) -> timedelta:
        """H of R2: how long after its intent a request that we made may still take effect."""

    @property
    def read_lag(self) -> timedelta:
        """R24: how long a read after a write may still show what was before: no look is made sooner, also after a complete 500."""

    def base_url(self, connection: Connection, override: str) -> str:
        """The API's address for this connection, from the allow-list; `override` is the sandbox's address or empty."""

    def query(self, connection: Connection, template: str) -> Mapping[str, str]:
        """What every call to this template carries in its query: nobody can forget it then."""

    def credential(self, token: str) -> Mapping[str, str]:
        """The headers that carry the token."""

    def limits(self, connection: Connection, call: Call | None = None) -> Sequence[Limit]:
        """Every limit that this call counts against, and how much of it it takes; without one, those of any call that is nothing special."""

    def translate(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
        """The failure that an answer means, or None."""
