"""Connecting and reconnecting an account: by consent in a browser, by a key, or by client credentials.

Steps, and what a crash after each leaves for a repeat to heal:

1. One transaction: the connection's row (`connecting`; on a reconnect it stays `active`) and its row in `core.connecting` (`open`).
   Nothing at the vendor yet. The same `add` takes the same row up again; nobody's name is blocked by a crash.
2. The broker is asked for a consent, or given the key. Before we know the consent's id nobody has seen its address, so it expires
   unused; a key that reached the broker is found there by step 4 without being asked for again.
3. The consent's id is stored. From here on whoever looks (the waiting command, the caretaker every few seconds) can finish.
4. `settle`: the broker holds the grant. Its details are tried by one cheap call, and only then the row is `active`: one transaction.
   A repeat tries again and writes the same. While the try fails for a passing reason it is repeated by the caretaker, later and later.

A reconnect keeps the id, so syncs survive; the former grant counts until the new one is known to open the same place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from structlog.typing import FilteringBoundLogger

from common import failpoints
from common.api.refusal import Refusal
from common.clock import Clock
from common.contracts.ids import VendorName
from common.secret import Secret
from common.state import pool as state
from common.state.turns import alone_in_time
from console import codes
from console.broker import Broker, BrokerConsent, BrokerGrant
from console.refusals import BrokerAway, unknown_connection, wrong_state
from console.state import connecting as roads
from console.state import connections as rows
from console.state.connections import ConnectionRow
from console.use_cases.trials import PATIENCE_S, Trial, Trials
from vendors.vendor import Vendor

_INTERRUPTED_AFTER_S = 120.0
_OVER = ("connected", "denied", "expired", "cancelled", "failed")


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What a person gave to connect an account; neither key nor client secret means: by consent."""

    site: str = ""
    place: str = ""
    api_key: Secret | None = None
    client_id: str = ""
    client_secret: Secret | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Road:
    """How far connecting has come. `state`: waiting, opened, exchanging, granted, choose, testing, then one of the ends."""

    connection: str
    state: str
    consent: BrokerConsent | None = None
    code: str = ""
    message: str = ""
    next: str = ""
    start_url: Secret | None = None

    @property
    def is_over(self) -> bool:
        return self.state in _OVER


class Connecting:
    """Begins roads and brings them to their end."""

    def __init__(
        self,
        pool: state.Pool,
        broker: Broker,
        trials: Trials,
        vendors: Mapping[VendorName, Vendor],
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._pool = pool
        self._broker = broker
        self._trials = trials
        self._vendors = vendors
        self._clock = clock
        self._log = log

    # --- beginning ----------------------------------------------------------------------------------------------------------

    async def add(self, vendor: str, name: str, wish: ConnectRequest) -> Road:
        """A connection of this name; one that was begun and never finished is gone on with."""
        self._refuse_unknown_way(vendor, wish)
        row, fresh = await self._row(vendor, name, wish.by)
        try:
            return await self._set_out(row, wish)
        except Refusal as refused:
            if fresh and not (isinstance(refused, BrokerAway) and refused.sent and wish.api_key):
                async with state.transaction(self._pool) as tx:
                    await rows.discard(tx, row.id)
            raise

    async def reconnect(self, connection: str, wish: ConnectRequest) -> Road:
        """A new grant for the same connection; without a key it is by consent, unless the former grant was a key."""
        async with state.transaction(self._pool) as tx:
            row = await rows.read(tx, connection, lock=True)
            if row is None or row.state == "deleted":
                raise unknown_connection(connection)
            if row.state == "deleting":
                raise wrong_state(row.name, row.state, "it cannot be connected again")
            await roads.begin(tx, connection, wish.by, self._clock.now())
        self._refuse_unknown_way(row.vendor, wish)
        held = await self._broker.grant(connection)
        if held is not None and held.kind == "api_key" and not wish.api_key:
            raise Refusal(422, codes.CONNECTION_WAY_UNKNOWN, "This connection uses an API key: give the new one.")
        site = wish.site or (held.site if held is not None and held.kind != "api_key" else "")
        return await self._set_out(row, replace(wish, site=site, place=_place_of(row, held) or wish.place))

    def _refuse_unknown_way(self, vendor: str, wish: ConnectRequest) -> None:
        known = self._vendors.get(VendorName(vendor))
        grant = known.grant if known is not None else None
        if known is None or grant is None:
            raise Refusal(422, codes.CONNECTION_WAY_UNKNOWN, f"No vendor {vendor[:40]} can be connected.")
        if wish.api_key is not None and grant.api_key is None:
            raise Refusal(422, codes.CONNECTION_WAY_UNKNOWN, f"{known.title} has no API keys: leave it out.")
        if wish.client_secret is not None and not (grant.oauth and grant.oauth.headless):
            raise Refusal(422, codes.CONNECTION_WAY_UNKNOWN, f"{known.title} has no client credentials.")
        if wish.api_key is None and grant.oauth is None:
            raise Refusal(422, codes.CONNECTION_WAY_UNKNOWN, f"{known.title} is connected by an API key: give one.")

    async def _row(self, vendor: str, name: str, by: str) -> tuple[ConnectionRow, bool]:
        now = self._clock.now()
        made = ConnectionRow(rows.fresh_id(vendor), vendor, name, "connecting", {}, (), now, by, now, None, "")
        async with state.transaction(self._pool) as tx:
            fresh = await rows.insert(tx, made)
            row = made if fresh else await rows.named(tx, name)
            if row is None or row.vendor != vendor or row.state != "connecting":
                raise Refusal(409, codes.CONNECTION_NAME_TAKEN, f"There is a connection named {name} already.")
            await roads.begin(tx, row.id, by, now)
        return row, fresh

    async def _set_out(self, row: ConnectionRow, wish: ConnectRequest) -> Road:
        await failpoints.hit("console.connecting.begun")
        if wish.api_key is not None:
            await self._broker.put_api_key(row.id, row.vendor, wish.api_key, place=wish.place, by=wish.by)
            await failpoints.hit("console.connecting.given")
            return await self.settle(row.id)
        if wish.client_secret is not None:
            await self._broker.put_client(
                row.id, row.vendor, site=wish.site, place=wish.place, client_id=wish.client_id,
                client_secret=wish.client_secret, by=wish.by,
            )  # fmt: skip
            return await self.settle(row.id)
        return await self._by_consent(row, wish)

    async def _by_consent(self, row: ConnectionRow, wish: ConnectRequest) -> Road:
        former = row.connecting.consent if row.connecting is not None else ""
        if former:
            # Two open addresses for one connection would race for it.
            await self._broker.cancel(former)
        consent, start_url = await self._broker.start_consent(
            row.id, row.vendor, row.name, site=wish.site, place=wish.place, by=wish.by
        )
        await failpoints.hit("console.connecting.given")
        async with state.transaction(self._pool) as tx:
            there = await rows.read(tx, row.id, lock=True)
            wanted = there is not None and there.state in ("connecting", "active")
            if wanted:
                await roads.remember_consent(tx, row.id, consent.id)
        if not wanted:
            await self._broker.cancel(consent.id)
            raise unknown_connection(row.id)
        return replace(_road(row.id, consent), start_url=start_url)

    # --- underway -----------------------------------------------------------------------------------------------------------

    async def road(self, connection: str, wait_s: float = 0.0) -> Road:
        """How far it is; with a wait, as soon as something changes at the vendor or the wait is over."""
        road = await self.settle(connection)
        if not wait_s or road.consent is None or road.is_over:
            return road
        await self._broker.consent(road.consent.id, wait_s)
        return await self.settle(connection)

    async def choose(self, connection: str, place: str) -> Road:
        """The person chose one of the places that the consent lists."""
        await self._broker.choose(await self._open_consent(connection), place)
        return await self.settle(connection)

    async def discover(self, connection: str) -> Road:
        """Asks the vendor once more what the grant opens."""
        await self._broker.discover(await self._open_consent(connection))
        return await self.settle(connection)

    async def _open_consent(self, connection: str) -> str:
        row = await self._known(connection)
        if row.connecting is None or row.connecting.state != "open" or not row.connecting.consent:
            raise wrong_state(row.name, "not being connected", "there is no consent that waits for a choice")
        return row.connecting.consent

    async def _known(self, connection: str) -> ConnectionRow:
        async with state.connection(self._pool) as link:
            row = await rows.read(link, connection)
        if row is None or row.state == "deleted":
            raise unknown_connection(connection)
        return row

    # --- the end ------------------------------------------------------------------------------------------------------------

    async def settle(self, connection: str) -> Road:
        """Does whatever can be done now; can be repeated by anybody at any time."""
        # The page and the caretakers hear of a consent at the same moment: the others find it settled, and spend no call on another try.
        async with alone_in_time(self._pool, f"connecting:{connection}", 2 * PATIENCE_S) as mine:
            return await self._settle(connection) if mine else Road(connection, "testing", next="It is being tried.")

    async def _settle(self, connection: str) -> Road:
        row = await self._known(connection)
        road = row.connecting
        if road is None or road.state != "open":
            return _settled(row)
        if road.tries and self._clock.now() < road.next_try_at:
            return Road(row.id, "testing", code=road.code, message=road.message, next="It is tried again by itself.")
        if road.consent:
            consent = await self._broker.consent(road.consent)
            if consent is not None and consent.state != "complete":
                return await self._not_complete(row, consent)
        return await self._adopt(row)

    async def _not_complete(self, row: ConnectionRow, consent: BrokerConsent) -> Road:
        if consent.is_over:
            async with state.transaction(self._pool) as tx:
                await roads.ended(tx, row.id, consent.code, consent.message)
            self._log.info("connection.not_connected", connection=row.id, state=consent.state, code=consent.code)
        return _road(row.id, consent)

    async def _adopt(self, row: ConnectionRow) -> Road:
        """The broker has the grant, or never will."""
        grant = await self._broker.grant(row.id)
        if grant is None or grant.state == "revoking":
            return await self._nothing_came(row)
        trial = await self._trials.attempt(row.for_calls(grant.details))
        if not trial.ok:
            return await self._not_working(row, trial)
        return await self._activate(row, grant)

    async def _nothing_came(self, row: ConnectionRow) -> Road:
        assert row.connecting is not None
        age = (self._clock.now() - row.connecting.began_at).total_seconds()
        if age < _INTERRUPTED_AFTER_S:
            return Road(row.id, "waiting", message="Nothing has been given yet.")
        ended = codes.CONNECTING_INTERRUPTED
        async with state.transaction(self._pool) as tx:
            await roads.ended(tx, row.id, ended.name, ended.meaning)
        return Road(row.id, "failed", code=ended.name, message=ended.meaning, next=ended.action)

    async def _not_working(self, row: ConnectionRow, trial: Trial) -> Road:
        """The grant is there and the try failed: the reason is kept, and it is tried again, seldom."""
        tries = row.connecting.tries if row.connecting is not None else 0
        async with state.transaction(self._pool) as tx:
            await rows.tested(tx, row.id, trial.result, trial.at)
            later = trial.at + roads.pause_before(tries)
            await roads.again_later(tx, row.id, trial.code, trial.message, later)
        words = f"{trial.message} The vendor said: {trial.vendor_words}" if trial.vendor_words else trial.message
        return Road(row.id, "testing" if trial.passing else "failed", code=trial.code, message=words, next=trial.action)

    async def _activate(self, row: ConnectionRow, grant: BrokerGrant) -> Road:
        message = f"{row.name} is connected."
        account = self._vendors[VendorName(row.vendor)].account(row.for_calls(grant.details))
        await failpoints.hit("console.connecting.tried")
        async with state.transaction(self._pool) as tx:
            alive = await rows.activate(tx, row.id, grant.details, account, self._clock.now())
            await roads.done(tx, row.id, grant.place, message)
        if not alive:
            raise unknown_connection(row.id)
        self._log.info("connection.active", connection=row.id, vendor=row.vendor, kind=grant.kind)
        return Road(row.id, "connected", message=message)


def _place_of(row: ConnectionRow, held: BrokerGrant | None) -> str:
    known = row.connecting.place if row.connecting is not None else ""
    return known or (held.place if held is not None and row.state == "active" else "")


def _road(connection: str, consent: BrokerConsent) -> Road:
    return Road(connection, consent.state, consent, consent.code, consent.message, consent.next)


def _settled(row: ConnectionRow) -> Road:
    if row.connecting is not None and row.connecting.state == "ended":
        ended: Literal["failed"] = "failed"
        return Road(row.id, ended, code=row.connecting.code, message=row.connecting.message)
    # Whoever waits for it is told the same, whether this request or the caretaker finished it.
    standing = "connected" if row.state == "active" else row.state
    return Road(row.id, "connected", message=f"{row.name} is {standing}.")
