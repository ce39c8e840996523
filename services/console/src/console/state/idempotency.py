"""The rows of `core.idempotency`: which request a key belongs to, who works on it, what the answer was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from common.state import pool as state

LEASE_S = 60.0


@dataclass(frozen=True, slots=True)
class Claim:
    """What is known of a key: nobody has it, somebody works on it, it was answered, or it belongs to another request."""

    verdict: Literal["mine", "busy", "answered", "other"]
    status: int = 0
    body: Any = None


async def claim(pool: state.Pool, key: str, fingerprint: str) -> Claim:
    """Takes the key for a minute. A lease that ran out is taken over: its owner died, and every use case can be repeated."""
    async with state.transaction(pool) as tx:
        fresh = await tx.execute(
            """insert into core.idempotency (key, fingerprint, lease_until)
               values ($1, $2, clock_timestamp() + make_interval(secs => $3)) on conflict do nothing""",
            key,
            fingerprint,
            LEASE_S,
        )
        if fresh == "INSERT 0 1":
            return Claim("mine")
        row = await tx.fetchrow(
            """select fingerprint, status, body, lease_until > clock_timestamp() as busy
                 from core.idempotency where key = $1 for update""",
            key,
        )
        if row is None:
            return Claim("busy")
        if row["fingerprint"] != fingerprint:
            return Claim("other")
        if row["status"] is not None:
            return Claim("answered", row["status"], row["body"])
        if row["busy"]:
            return Claim("busy")
        await tx.execute(
            "update core.idempotency set lease_until = clock_timestamp() + make_interval(secs => $2) where key = $1",
            key,
            LEASE_S,
        )
        return Claim("mine")


async def answered(pool: state.Pool, key: str, status: int, body: Any) -> None:
    """The same request gets this from now on."""
    async with state.connection(pool) as link:
        await link.execute("update core.idempotency set status = $2, body = $3 where key = $1", key, status, body)


async def released(pool: state.Pool, key: str) -> None:
    """Nothing was done: the same request may be made anew."""
    async with state.connection(pool) as link:
        await link.execute("delete from core.idempotency where key = $1 and status is null", key)
