"""What a refresh writes: its intent before the vendor is asked, and afterwards new tokens, a pause, or the end of the grant.

The budget is counted with the intent, ahead of the call. A gate that closes or opens does so in the transaction that tells why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from common.state import pool as state
from token_broker.accounts.client import HORIZON
from token_broker.vault.credentials import Credentials, announce, sealed_pair
from token_broker.vault.envelope import Vault
from token_broker.vault.gates import close_gate, reopen_gates, sentence
from token_broker.vault.open_credential import CredentialStatus, OpenCredential
from token_broker.vault.times import Times
from token_broker.vault.token_calls import calls_since, count_call, outcome_of_call
from vendors.grant import Allowance, Granted, NotGranted, Renewal

# Our count may run ahead of the vendor's by as long as a call takes; a window that starts with the answer ends later than ours.
WINDOW_MARGIN = timedelta(seconds=30)
# Kept back from refreshes that callers ask for by reporting 401s: the refresh ahead of expiry must never find the budget empty.
KEPT_FOR_AHEAD = 2


@dataclass(frozen=True, slots=True)
class RefreshIntent:
    """A refresh that may be sent now; `unknown` is how many earlier ones of the same token nobody saw the answer of."""

    attempt: UUID
    unknown: int
    call: int


@dataclass(frozen=True, slots=True)
class Postponed:
    """A refresh that may not be sent before `until`."""

    until: datetime
    budget: bool


class RefreshStore:
    """The transactions of a refresh."""

    def __init__(self, pool: state.Pool, vault: Vault, credentials: Credentials, horizon: timedelta = HORIZON) -> None:
        """`horizon`: a refresh whose sender may still live and wait for its answer is left alone for so long."""
        self._pool = pool
        self._vault = vault
        self._credentials = credentials
        self._horizon = horizon

    async def begin(
        self, held: OpenCredential, renewal: Renewal, because: str, now: datetime
    ) -> RefreshIntent | Postponed:
        """Counts the call and leaves the intent, or says how long to wait."""
        async with state.transaction(self._pool) as tx:
            unknown, wait_s = await self._former(tx, held, renewal)
            if wait_s > 0:
                return Postponed(now + timedelta(seconds=wait_s), budget=False)
            free_at = await self._over_budget(tx, held, renewal.allowance, because, now)
            if free_at is not None:
                return Postponed(free_at, budget=True)
            attempt = uuid4()
            await tx.execute(
                """insert into vault.refresh_intent (connection, generation, attempt, started_at, deadline, unknown)
                   values ($1, $2, $3, $4, clock_timestamp() + $5, $6)
                   on conflict (connection) do update set generation = excluded.generation, attempt = excluded.attempt,
                       started_at = excluded.started_at, deadline = excluded.deadline, unknown = excluded.unknown""",
                held.connection,
                held.generation,
                attempt,
                now,
                self._horizon,
                unknown,
            )
            return RefreshIntent(attempt, unknown, await count_call(tx, held.connection, held.lineage, because, now))

    async def succeed(
        self, held: OpenCredential, intent: RefreshIntent, granted: Granted, times: Times, because: str
    ) -> bool:
        """Both tokens of the new generation, durable when this returns; false when another refresh was quicker."""
        async with state.transaction(self._pool) as tx:
            generation = held.generation + 1
            refresh = granted.refresh or held.refresh
            access, kept = await sealed_pair(tx, self._vault, held.connection, generation, granted.access, refresh)
            stored = await tx.fetchval(
                """update vault.credential set generation = $2, attempt = $3, sealed_access = $4, sealed_refresh = $5,
                       made_at = $6, made_because = $7, expires_at = $8, refresh_at = $9,
                       refresh_expires_at = coalesce($10, refresh_expires_at), refreshed_at = $6,
                       grant_ends_at = case when abs(extract(epoch from grant_ends_at - $14)) < 3600 then grant_ends_at
                                            else coalesce($14, grant_ends_at) end,
                       scopes = case when $11::text[] = '{}' then scopes else $11 end,
                       state = 'active', reason_code = '', reason = '', retry_at = null, failures = 0
                   where connection = $1 and generation = $12 and lineage = $13 and state <> 'revoking' returning true""",
                held.connection,
                generation,
                intent.attempt,
                access,
                kept,
                times.made_at,
                because,
                times.expires_at,
                times.refresh_at,
                times.refresh_expires_at,
                list(granted.scopes),
                held.generation,
                held.lineage,
                times.grant_ends_at,
            )
            await self._close(tx, held, intent, "granted")
            if stored:
                await reopen_gates(tx, held.connection, times.made_at)
                await announce(tx, held.connection)
            return bool(stored)

    async def stored(self, connection: str, intent: RefreshIntent) -> OpenCredential | None:
        """The credential if this refresh is what it came from: asked when a commit's outcome was lost."""
        found = await self._credentials.read(connection)
        return found if found is not None and found.attempt == intent.attempt else None

    async def pause(
        self, held: CredentialStatus, intent: RefreshIntent | None, said: NotGranted, until: datetime, now: datetime
    ) -> None:
        """It did not work and the grant lives: not before `until`. An answer that may yet have counted leaves the intent."""
        async with state.transaction(self._pool) as tx:
            await tx.execute(
                """update vault.credential set retry_at = $2, failures = failures + 1, reason_code = $3, reason = $4
                   where connection = $1 and generation = $5""",
                held.connection,
                until,
                said.code,
                sentence(said),
                held.generation,
            )
            if intent is not None:
                await self._settle(tx, intent, said)
            if said.means == "app":
                await close_gate(tx, held, "needs_reauth", None, said, now)
            await announce(tx, held.connection)

    async def end(self, held: OpenCredential, intent: RefreshIntent | None, said: NotGranted, now: datetime) -> None:
        """The grant is over; the gate closes with it, once, with one notification."""
        async with state.transaction(self._pool) as tx:
            ended = await tx.fetchval(
                """update vault.credential set state = 'needs_reauth', reason_code = $2, reason = $3, retry_at = null
                   where connection = $1 and generation = $4 and lineage = $5 and state = 'active' returning true""",
                held.connection,
                said.code,
                sentence(said),
                held.generation,
                held.lineage,
            )
            if intent is not None:
                await self._close(tx, held, intent, said.code, said.words)
            if ended:
                await close_gate(tx, held, "needs_reauth", None, said, now)
                await announce(tx, held.connection)

    async def starving(self, now: datetime, patience: int) -> Sequence[str]:
        """Connections whose token is gone while the vendor makes no new one, and whose work does not wait yet."""
        async with state.connection(self._pool) as link:
            rows = await link.fetch(
                """select connection from vault.credential
                    where state = 'active' and expires_at <= $1 and retry_at > $1 and not 'throttled' = any(closed)
                      and (reason_code = 'TOKEN_THROTTLED' or failures >= $2)""",
                now,
                patience,
            )
        return [row["connection"] for row in rows]

    async def starve(self, standing: CredentialStatus, now: datetime) -> None:
        """Closes the gate until the vendor may be asked again."""
        said = NotGranted("wait", standing.reason_code, standing.reason)
        async with state.transaction(self._pool) as tx:
            await close_gate(tx, standing, "throttled", standing.retry_at, said, now)

    async def _former(self, tx: state.DbConnection, held: OpenCredential, renewal: Renewal) -> tuple[int, float]:
        """Of an earlier refresh of the same token whose answer nobody saw: how many there were, and how long its sender may live."""
        row = await tx.fetchrow(
            """select unknown, extract(epoch from deadline - clock_timestamp())::float8 as left_s from vault.refresh_intent
                where connection = $1 and generation = $2""",
            held.connection,
            held.generation,
        )
        if row is None or not renewal.rotates:
            # Where the refresh token stays the same, a lost answer cost one call of the budget and nothing else.
            return 0, 0.0
        return row["unknown"] + 1, max(0.0, row["left_s"])

    async def _over_budget(
        self, tx: state.DbConnection, held: OpenCredential, allowance: Allowance | None, because: str, now: datetime
    ) -> datetime | None:
        if allowance is None:
            return None
        window = allowance.window + WINDOW_MARGIN
        made = await calls_since(tx, held.connection, held.lineage, now - window)
        allowed = allowance.count - (KEPT_FOR_AHEAD if because == "unauthorised" else 0)
        # The call that has to leave the window before one more fits in.
        return None if len(made) < allowed else made[allowed - 1] + window

    async def _settle(self, tx: state.DbConnection, intent: RefreshIntent, said: NotGranted) -> None:
        """An unknown outcome keeps its intent, and so does any that tells nothing of an earlier unknown one."""
        if said.means == "unknown" or intent.unknown > 0:
            await outcome_of_call(tx, intent.call, said.means, said.words)
            if said.means != "unknown":
                # This try certainly did nothing: nobody has to wait for it, the doubt is about an earlier one.
                await tx.execute(
                    "update vault.refresh_intent set deadline = clock_timestamp(), unknown = unknown - 1 where attempt = $1",
                    intent.attempt,
                )
        else:
            # By the attempt: if this one lost its lock, another may have left an intent of its own.
            await tx.execute("delete from vault.refresh_intent where attempt = $1", intent.attempt)
            await outcome_of_call(tx, intent.call, said.code or said.means, said.words)

    async def _close(
        self, tx: state.DbConnection, held: OpenCredential, intent: RefreshIntent, outcome: str, words: str = ""
    ) -> None:
        await tx.execute(
            "delete from vault.refresh_intent where connection = $1 and generation = $2",
            held.connection,
            held.generation,
        )
        await outcome_of_call(tx, intent.call, outcome, words)
