"""Renews an access token: one refresh in flight per grant over all replicas, and nothing handed out before it is on disk.

    lock -> read again -> intent and budget (durable) -> vendor -> new tokens (durable) -> callers -> unlock

A crash or a timeout between the vendor's answer and our disk leaves the intent. Where the refresh token stays the same the next
refresh simply asks again, within the budget; where it rotates, the former one is tried once more when the first sender can no
longer be alive, and if the vendor refuses it the grant is over and says why. Nothing here is ever tried in a loop.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta

from structlog.typing import FilteringBoundLogger

from common import failpoints
from common.api.refusal import Refusal
from common.clock import Clock, monotonic
from common.metric_register import TOKEN_REFRESH
from common.metrics import Metrics
from common.state.trouble import DATABASE_ERRORS, is_away, trouble_of
from token_broker import codes
from token_broker.accounts.client import Accounts
from token_broker.accounts.registry import Registry
from token_broker.refresh.locks import GrantLocks, LockBusy, LockLost, Sure
from token_broker.refresh.store import Postponed, RefreshIntent, RefreshStore
from token_broker.refusals import needs_reauth, unavailable, unknown_grant
from token_broker.vault.credentials import Credentials
from token_broker.vault.keyring import KeyLost
from token_broker.vault.open_credential import OpenCredential
from token_broker.vault.sealing import SealBroken
from token_broker.vault.times import Draw, Times, times_of
from vendors.grant import App, GrantCall, Granted, GrantReply, NotGranted, NotRegistered, OAuth, Renewal
from vendors.grant_codes import APP_REFUSED, REFRESH_ANSWER_LOST, TOKEN_THROTTLED

LOCK_WAIT_S = 22.0
STORE_FOR_S = 60.0
APP_PAUSE = timedelta(minutes=5)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 300.0

Outcome = OpenCredential | Refusal


class Refresher:
    """The one place from which refresh tokens are used."""

    def __init__(
        self,
        credentials: Credentials,
        store: RefreshStore,
        locks: GrantLocks,
        accounts: Accounts,
        registry: Registry,
        clock: Clock,
        metrics: Metrics,
        log: FilteringBoundLogger,
        draw: Draw = random.uniform,
    ) -> None:
        self._credentials = credentials
        self._store = store
        self._locks = locks
        self._accounts = accounts
        self._registry = registry
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._draw = draw
        self._flights: dict[str, asyncio.Task[Outcome]] = {}
        self._closed = False

    async def renew(self, connection: str, seen: int, because: str) -> OpenCredential:
        """A credential of a later generation than the one seen; whoever asks meanwhile waits for the same refresh."""
        flight = self._flights.get(connection)
        if flight is None:
            if self._closed:
                raise unavailable("This replica is stopping.", 1)
            flight = asyncio.create_task(self._fly(connection, seen, because), name=f"refresh:{connection}")
            self._flights[connection] = flight
            flight.add_done_callback(lambda _: self._flights.pop(connection, None))
        # Shielded: a caller that goes away must not stop a refresh between the answer and the disk.
        outcome = await asyncio.shield(flight)
        if isinstance(outcome, Refusal):
            raise Refusal(outcome.status, outcome.code, outcome.detail, outcome.retry_after_s)
        return outcome

    async def landed(self) -> None:
        """Begins no more refreshes and waits for those in flight: a process must not end between an answer and its disk."""
        self._closed = True
        while self._flights:
            await asyncio.wait(tuple(self._flights.values()))

    async def _fly(self, connection: str, seen: int, because: str) -> Outcome:
        try:
            async with self._locks.hold(connection, LOCK_WAIT_S) as sure:
                await failpoints.hit("broker.refresh.locked")
                return await self._alone(connection, seen, because, sure)
        except Refusal as refusal:
            return refusal
        except (LockBusy, LockLost):
            return unavailable("Another replica is refreshing this token.", 2)
        except (SealBroken, KeyLost) as broken:
            self._log.error("vault.credential_unreadable", connection=connection, reason=str(broken))
            return Refusal(503, codes.CREDENTIAL_UNREADABLE, retry_after_s=60)
        except DATABASE_ERRORS as error:
            if not is_away(error):
                raise
            self._log.error("refresh.database_away", connection=connection, error=type(error).__name__)
            return unavailable("The vault's database does not answer.", 2)

    async def _alone(self, connection: str, seen: int, because: str, sure: Sure) -> Outcome:
        held = await self._credentials.read(connection)
        await failpoints.hit("broker.refresh.reread")
        if held is None:
            raise unknown_grant(connection)
        if held.generation > seen and held.state == "active":
            return held
        oauth, renewal = self._renewable(held)
        now = self._clock.now()
        self._may_ask(held, now)
        intent = await self._store.begin(held, renewal, because, now)
        await failpoints.hit("broker.refresh.intended")
        if isinstance(intent, Postponed):
            return await self._postpone(held, intent, now)
        return await self._ask(held, oauth, renewal, intent, because, sure)

    def _renewable(self, held: OpenCredential) -> tuple[OAuth, Renewal]:
        oauth = self._registry.oauth(held.vendor)
        if held.state == "revoking":
            raise unknown_grant(held.connection)
        if held.state == "needs_reauth" or oauth is None or oauth.renewal is None or held.refresh is None:
            raise needs_reauth(held.reason or "This credential cannot be renewed.")
        return oauth, oauth.renewal

    def _may_ask(self, held: OpenCredential, now: datetime) -> None:
        if held.retry_at is not None and now < held.retry_at:
            raise _paused(held.reason_code, held.reason, (held.retry_at - now).total_seconds())

    async def _postpone(self, held: OpenCredential, postponed: Postponed, now: datetime) -> Outcome:
        wait_s = (postponed.until - now).total_seconds()
        if not postponed.budget:
            return unavailable("An earlier refresh may still be on its way; it is settled first.", wait_s)
        message = "The vendor's budget of new tokens is used up by our own count."
        await self._store.pause(held, None, NotGranted("wait", TOKEN_THROTTLED.name, message), postponed.until, now)
        self._count(held, "over_budget")
        return _paused(TOKEN_THROTTLED.name, message, wait_s)

    async def _ask(
        self, held: OpenCredential, oauth: OAuth, renewal: Renewal, intent: RefreshIntent, because: str, sure: Sure
    ) -> Outcome:
        began = monotonic()
        asked_at = self._clock.now()
        reply: GrantReply | NotGranted
        try:
            app, call = self._call(held, oauth)
            reply = await self._accounts.send(call, oauth.origins(app, held.site), sure)
        except NotRegistered as missing:
            reply = NotGranted("app", APP_REFUSED.name, str(missing))
        except LockLost:
            # Nothing was sent. The intent says so, so that nobody has to wait for an answer that cannot come.
            reply = NotGranted("transient", codes.TOKEN_UNAVAILABLE.name, "The lock was lost before anything was sent.")
        await failpoints.hit("broker.refresh.answered")
        said = oauth.refreshed(app, held.site, reply) if isinstance(reply, GrantReply) else reply
        self._log_line(held, said, intent, because, monotonic() - began)
        if isinstance(said, Granted):
            return await self._keep(held, said, renewal, intent, because, asked_at)
        return await self._no(held, said, intent)

    def _call(self, held: OpenCredential, oauth: OAuth) -> tuple[App, GrantCall]:
        assert held.refresh is not None
        if held.kind == "client_credentials":
            app = self._registry.self_client(held.vendor, held.refresh)
            return app, oauth.credentials(app, held.site, held.place)
        app = self._registry.app(held.vendor)
        return app, oauth.refresh(app, held.site, held.refresh)

    async def _keep(
        self,
        held: OpenCredential,
        granted: Granted,
        renewal: Renewal,
        intent: RefreshIntent,
        because: str,
        asked_at: datetime,
    ) -> Outcome:
        times = times_of(granted, renewal, asked_at, self._draw)
        if held.kind == "client_credentials":
            granted = replace(granted, refresh=None)
        await self._store_surely(held, granted, intent, times, because)
        await failpoints.hit("broker.refresh.stored")
        self._count(held, "granted")
        found = await self._credentials.read(held.connection)
        if found is None or found.generation <= held.generation or found.state != "active":
            raise unknown_grant(held.connection)
        await failpoints.hit("broker.refresh.released")
        return found

    async def _store_surely(
        self, held: OpenCredential, granted: Granted, intent: RefreshIntent, times: Times, because: str
    ) -> None:
        """The vendor has given, so this must reach the disk: whatever the trouble, it is tried again for a minute, and then raised.

        Another replica may meanwhile have found the grant dead by its former token; the generation is still the same then, and
        these tokens bring it back.
        """
        deadline = monotonic() + STORE_FOR_S
        while True:
            try:
                await self._store.succeed(held, intent, granted, times, because)
                return
            except DATABASE_ERRORS as error:
                trouble = str(trouble_of(error))
                self._log.error(
                    "refresh.store_failed", connection=held.connection, error=type(error).__name__, trouble=trouble
                )
                if monotonic() >= deadline:
                    raise
            await asyncio.sleep(0.25)
            if await self._is_stored(held, intent):
                return

    async def _is_stored(self, held: OpenCredential, intent: RefreshIntent) -> bool:
        """A commit whose answer was lost may have happened."""
        try:
            return await self._store.stored(held.connection, intent) is not None
        except DATABASE_ERRORS as error:
            if not is_away(error):
                raise
            return False

    async def _no(self, held: OpenCredential, said: NotGranted, intent: RefreshIntent) -> Outcome:
        now = self._clock.now()
        self._count(held, said.means)
        if said.means == "dead":
            said = _lost(said) if intent.unknown else said
            await self._store.end(held, intent, said, now)
            return needs_reauth(said.message)
        until = now + self._pause_of(held, said)
        await self._store.pause(held, intent, said, until, now)
        return _paused(said.code, said.message, (until - now).total_seconds())

    def _pause_of(self, held: OpenCredential, said: NotGranted) -> timedelta:
        match said.means:
            case "wait":
                return said.wait
            case "app":
                return APP_PAUSE
            case _:
                most = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**held.failures)
                return timedelta(seconds=max(1.0, self._draw(most / 4, most)))

    def _count(self, held: OpenCredential, outcome: str) -> None:
        self._metrics.count(TOKEN_REFRESH, system=held.vendor, outcome=outcome)

    def _log_line(
        self, held: OpenCredential, said: Granted | NotGranted, intent: RefreshIntent, because: str, took_s: float
    ) -> None:
        refused = said if isinstance(said, NotGranted) else None
        self._log.info(
            "refresh.attempted",
            connection=held.connection,
            vendor=held.vendor,
            generation=held.generation,
            because=because,
            attempt=str(intent.attempt),
            healing=intent.unknown > 0,
            outcome=refused.means if refused else "granted",
            code=refused.code if refused else "",
            words=refused.words if refused else "",
            duration_s=round(took_s, 3),
        )


def _paused(code: str, message: str, wait_s: float) -> Refusal:
    match code:
        case TOKEN_THROTTLED.name:
            return Refusal(503, TOKEN_THROTTLED, message, max(1.0, wait_s))
        case APP_REFUSED.name:
            return Refusal(503, APP_REFUSED, message, max(1.0, wait_s))
        case _:
            return unavailable(message or "The vendor makes no token now.", max(1.0, wait_s))


def _lost(said: NotGranted) -> NotGranted:
    message = (
        "A new refresh token was given in an answer that never reached our disk, and the vendor no longer takes the former one. "
        "Please reconnect."
    )
    return NotGranted("dead", REFRESH_ANSWER_LOST.name, message, said.words)
