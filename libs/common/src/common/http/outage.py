"""Whether a vendor as a whole is away: one failed call decides nothing, the vendor's own ping, made at once, does.

A call that finds no connection, loses it, waits in vain or meets a gateway may be a blip, or may be about its record. If the ping
fails in such a way too, the gate `vendor_away` closes and no record pays; if the ping is answered, the call's own failure counts. Until
the gate opens only probes ask: one replica's at a time, from 5 s apart to 5 min.

A refusal of the account, of a place in it, or of all that a leg would write there (a module that its edition does not have) closes the gate
`refused` at once: the vendor has said so itself, and a person has to act. That of a leg is tried again by itself (decision 86).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from common.clock import Clock, monotonic, moved_by
from common.codes import CODES
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId
from common.failures import Failure
from common.http.call import Api, Call
from common.state import gates
from common.state.gates import ANYWHERE, Spot
from common.state.pool import Pool, transaction
from common.state.trouble import DatabaseTrouble, trouble_of

PING_PATIENCE_S = 15.0
PROBES_AT_ONCE = 20
_SIGNS = frozenset({"VENDOR_UNREACHABLE", "VENDOR_TIMEOUT", "VENDOR_CONNECTION_LOST"})
_GATEWAY = frozenset({502, 503, 504})

_log = structlog.get_logger(__name__)
Ping = Callable[[Connection], Call]


@dataclass(slots=True)
class _Asked:
    """The last ping of one connection: when it began, and what it told."""

    began: float = float("-inf")
    away: bool = False


class Outage:
    """One process's view of which vendors answer; the gates are everybody's."""

    def __init__(self, pool: Pool, clock: Clock, ping: Ping | None) -> None:
        self._pool = pool
        self._clock = clock
        self._ping = ping
        self._asked: defaultdict[ConnectionId, _Asked] = defaultdict(_Asked)
        self._asking: defaultdict[ConnectionId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._closed: set[tuple[ConnectionId, str]] = set()

    def holds_back(self, connection: ConnectionId, spot: Spot = ANYWHERE) -> bool:
        """Whether this process has closed a gate here and not heard since that it is open: work under way stops."""
        return bool(self._closed & {(connection, place) for place in spot.gates})

    def is_open(self, connection: ConnectionId) -> None:
        """Somebody found no gate there."""
        self._closed = {one for one in self._closed if one[0] != connection}

    async def is_on(self, connection: Connection, found: Iterable[tuple[Spot, object]], api: Api) -> bool:
        """Judges failures with their places, and closes the gates that they ask for; true when the vendor is away."""
        failures = {(spot, one.code): one for spot, one in found if isinstance(one, Failure)}
        for (spot, _), failure in failures.items():
            match failure.about:
                case "account":
                    await self.refuse(connection, "", failure)
                case "place":
                    await self.refuse(connection, spot.place, failure)
                case "leg" if spot.leg:
                    await self.refuse(connection, gates.of_leg(spot.sync, spot.leg), failure, leg=spot.leg)
        sign = next((one for one in failures.values() if is_sign(one)), None)
        return sign is not None and await self._confirmed(connection, sign, api)

    async def refuse(self, connection: Connection, place: str, failure: Failure, *, leg: str = "") -> None:
        """The vendor refuses the account, this place of it, or what this leg writes: a person has to act, and everything there waits."""
        self._closed.add((connection.id, place))
        code = CODES.get(failure.code)
        whose = (
            f"Leg {leg} waits, and is tried again every {gates.LEG_AGAIN // timedelta(minutes=1)} minutes:"
            if leg
            else ""
        )
        now = self._clock.now()
        message = " ".join(
            part for part in (whose, failure.message, failure.vendor_words, code.action if code else "") if part
        )
        async with _Patient("refused", connection.id), transaction(self._pool) as tx:
            until = now + gates.LEG_AGAIN if leg else None
            await gates.refuse(tx, connection.id, place, failure.code, message, now, until)

    async def probe(self, connections: Iterable[Connection], open_api: Callable[[Connection], Api]) -> int:
        """Asks those vendors whose turn has come; returns how many were asked."""
        known = {one.id: one for one in connections}
        if not known:
            return 0
        async with transaction(self._pool) as tx:
            vendor, moved = next(iter(known.values())).vendor, moved_by(self._clock)
            due = await gates.probes_due(tx, vendor, moved, PROBES_AT_ONCE)
        asked = [known[one] for one in due if one in known]
        await asyncio.gather(*(self._try(one, open_api) for one in asked))
        return len(asked)

    async def _try(self, connection: Connection, open_api: Callable[[Connection], Api]) -> None:
        try:
            failure = await self._pinged(connection, open_api(connection))
        except Failure as refusal:
            failure = refusal
        away = failure is not None and is_sign(failure)
        _log.info("vendor.probed", connection=connection.id, away=away)
        if away:
            return
        async with transaction(self._pool) as tx:
            await gates.open_away(tx, connection.id, self._clock.now())
        self.is_open(connection.id)

    async def _confirmed(self, connection: Connection, sign: Failure, api: Api) -> bool:
        """Calls that fail at the same moment share one ping, if it began after they had failed."""
        noticed = monotonic()
        if self.holds_back(connection.id):
            return True
        async with self._asking[connection.id]:
            asked = self._asked[connection.id]
            if asked.began < noticed and not self.holds_back(connection.id):
                asked.began = monotonic()
                asked.away = await self._is_away(connection, sign, api)
                if asked.away:
                    await self._close(connection, sign)
            return asked.away or self.holds_back(connection.id)

    async def _is_away(self, connection: Connection, sign: Failure, api: Api) -> bool:
        if self._ping is None:
            return sign.code == "VENDOR_UNREACHABLE"
        failure = await self._pinged(connection, api)
        return failure is not None and is_sign(failure)

    async def _pinged(self, connection: Connection, api: Api) -> Failure | None:
        if self._ping is None:
            return None
        try:
            await api.call(replace(self._ping(connection), deadline=monotonic() + PING_PATIENCE_S))
        except Failure as failure:
            return failure
        return None

    async def _close(self, connection: Connection, sign: Failure) -> None:
        self._closed.add((connection.id, ""))
        async with _Patient("vendor_away", connection.id), transaction(self._pool) as tx:
            now, moved = self._clock.now(), moved_by(self._clock)
            words = "The vendor does not answer; it is asked again by itself, and everything goes on then."
            await gates.close_away(tx, connection.id, connection.vendor, sign.code, words, now, moved)


def is_sign(failure: Failure) -> bool:
    """Whether a failure may mean that the vendor is away; what it says of itself in a whole answer never does."""
    return failure.code in _SIGNS or failure.vendor_status in _GATEWAY


@dataclass(frozen=True, slots=True)
class _Patient:
    """A gate that cannot be stored now is stored by the next call that fails; what came of this one must not be lost for it."""

    gate: str
    connection: str

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None or trouble_of(error) is not DatabaseTrouble.AWAY:
            return False
        _log.warning("gate.not_stored", gate=self.gate, connection=self.connection, error=type(error).__name__)
        return True
