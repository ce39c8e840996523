"""A webhook of an application tells of many accounts: each of its events is a receipt of the connection whose account it is about.

In: a verified body that mixes accounts. Out: a receipt for each event and connection, all durable with the broker's acknowledgement; events of
accounts that nobody has connected are in quarantine. Only then the gateway answers, and it answers 200: a vendor that is refused one body
holds back what comes after it, of every account.

A crash, or a broker or database that is away, before all of it is kept: 503, or no answer, and the vendor sends the whole body again. What was
kept is kept again under the same ids: an event's id is a function of its account and its own bytes, not of what else it came with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from common.bus.producer import Outgoing
from common.clock import Clock, monotonic
from common.codes import CODES
from common.contracts.ids import ConnectionId, VendorName
from common.contracts.topics import receipts
from common.failures import Rejected, Transient
from common.state.trouble import DATABASE_ERRORS, DatabaseTrouble, trouble_of
from ingest import asgi
from ingest.hook_address import Hook
from ingest.receipt_keeper import Heard, deadline
from ingest.receipt_message import keeping
from ingest.sends import SendsInTime
from vendors.channel import strangers_of
from vendors.vendor import HookPart, HookRequest

Keeps = Callable[[str, str, HookRequest, str, int], Awaitable[None]]
"""Where webhooks go that nobody can use: whose, vendor, request, reason, size."""
Counts = Callable[[VendorName, str, int], None]
"""Who counts events by what became of them."""


class FindsConnections(Protocol):
    """Who knows which connections speak for an account."""

    async def of_accounts(
        self, vendor: VendorName, accounts: Collection[str]
    ) -> Mapping[str, Sequence[ConnectionId]]:  # fmt: skip
        """Those that have any; asked anew before an account is called unknown."""


class AppReceipts:
    """Keeps what was recognised, each event by itself."""

    def __init__(
        self,
        producer: SendsInTime,
        connections: FindsConnections,
        quarantine: Keeps,
        heard: Heard,
        counted: Counts,
        clock: Clock,
    ) -> None:
        self._producer = producer
        self._connections = connections
        self._quarantine = quarantine
        self._heard = heard
        self._counted = counted
        self._clock = clock

    async def keep(self, request: HookRequest, hook: Hook, by: str, until: float) -> None:
        """Returns when all of it is durable; raises a `Failure` where it is not in time."""
        try:
            async with asyncio.timeout(max(0.0, until - monotonic())):
                await self._keep(request, hook, by, until)
        except DATABASE_ERRORS as error:
            if trouble_of(error) is not DatabaseTrouble.AWAY:
                raise
            raise Transient("WEBHOOK_NOT_KEPT", CODES["WEBHOOK_NOT_KEPT"].meaning) from error

    async def _keep(self, request: HookRequest, hook: Hook, by: str, until: float) -> None:
        try:
            assert hook.app is not None
            parts = hook.app.split(request)
        except Rejected as unreadable:
            # Whoever sent it has our secret, so this is the vendor's own: refused, it would come again and hold up all others.
            await self._quarantine(hook.owner, hook.vendor, request, unreadable.message, len(request.body))
            self._counted(hook.vendor, "unreadable", 1)
            return
        found = await self._connections.of_accounts(hook.vendor, {part.account for part in parts} - {""})
        told = [(one, replace(request, body=part.body)) for part in _once(parts) for one in found.get(part.account, ())]
        await self._send(told, hook, by, until)
        await self._unknown([part for part in parts if part.account not in found], request, hook)
        self._counted(hook.vendor, "kept", len(told))
        for connection, event in told:
            self._heard(hook.vendor, connection, event)

    async def _send(
        self, told: Sequence[tuple[ConnectionId, HookRequest]], hook: Hook, by: str, until: float
    ) -> None:  # fmt: skip
        now = self._clock.now()
        kept = [keeping(event, hook.vendor, connection, hook.inbox, by, now) for connection, event in told]
        topic = receipts(hook.vendor)
        messages = [Outgoing(topic, one.key, one.value, tuple(asgi.with_trace(one.headers))) for one in kept]
        if messages:
            await self._producer.send_all(messages, deadline=deadline(until))

    async def _unknown(self, parts: Sequence[HookPart], request: HookRequest, hook: Hook) -> None:
        """One row an account, apart from what nobody believed: a flood of forgeries pushes none of it out."""
        by_account: dict[str, list[bytes]] = {}
        for part in parts:
            by_account.setdefault(part.account, []).append(part.body)
        for account, bodies in by_account.items():
            reason = (
                f"no connection is of the account {account}" if account else "it does not say of which account it is"
            )
            body = b"\n".join(bodies)
            kept = replace(request, body=body)
            await self._quarantine(strangers_of(hook.vendor), hook.vendor, kept, reason, len(body))
            self._counted(hook.vendor, "unknown_account", len(bodies))


def _once(parts: Sequence[HookPart]) -> Sequence[HookPart]:
    """An event that a body holds twice is one."""
    return list(dict.fromkeys(parts))
