"""Sends what is owed: taken under a lease, sent, ended; each in a transaction of its own.

A crash after the take and before the end leaves a lease that runs out: the message goes once more, under the same id. A mail of which nobody
saw the end twice is given up, so that there is one repeat at most; a webhook's receiver knows repeats by the id, so it is tried on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from structlog.typing import FilteringBoundLogger

from common import failpoints
from common.clock import Clock
from common.state import pool as state
from console.notify import wording
from console.notify.notice import Notice, NotTaken, Outlet, Unseen
from console.state import deliveries, summaries
from console.state.deliveries import Delivery
from console.state.destinations import Kind

# Longer than every step of a mail that takes its whole time.
LEASE = timedelta(minutes=5)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
"""Between attempts; a destination that is away for a day has missed it, and the list of notifications has it still."""
_MOST_ATTEMPTS = len(WAITS) + 1
_REPEATS_OF_MAIL = 1
_GIVEN_UP = "Nobody saw whether it was taken: it is not sent again."


class NoticeSender:
    """Every replica runs one; the lease decides which of them sends."""

    def __init__(
        self,
        pool: state.Pool,
        channels: Mapping[Kind, Outlet],
        clock: Clock,
        log: FilteringBoundLogger,
        *,
        lease: timedelta = LEASE,
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._clock = clock
        self._log = log
        self._lease = lease

    async def send_due(self) -> int:
        """Everything that is due now; how many attempts that were."""
        count = 0
        while (one := await self._take()) is not None:
            count += 1
            await self._send(one)
        return count

    async def _take(self) -> Delivery | None:
        async with state.transaction(self._pool) as tx:
            return await deliveries.take(tx, self._clock.now(), self._lease)

    async def _send(self, one: Delivery) -> None:
        if (one.to.kind == "email" and one.unseen > _REPEATS_OF_MAIL) or one.attempts > _MOST_ATTEMPTS:
            await self._end(one, "failed", _GIVEN_UP)
            return
        try:
            await failpoints.hit("console.delivery.taken")
            await self._channels[one.to.kind].send(one.to.address, one.to.id, await self._message(one))
            await failpoints.hit("console.delivery.sent")
        except NotTaken as refused:
            await self._later(one, str(refused), unseen=False)
        except Unseen as lost:
            await self._later(one, str(lost), unseen=True)
        else:
            await self._end(one, "sent", "")

    async def _message(self, one: Delivery) -> Notice:
        if one.kind != "summary":
            return wording.alert(one)
        async with state.connection(self._pool) as link:
            told = await summaries.of_notification(link, one.notification)
        return wording.summary(one.id, told) if told is not None else wording.alert(one)

    async def _later(self, one: Delivery, words: str, *, unseen: bool) -> None:
        if one.attempts == _MOST_ATTEMPTS:
            await self._end(one, "failed", words)
            return
        self._log.warning("delivery.later", destination=one.to.id, attempt=one.attempts, words=words)
        due_at = self._clock.now() + WAITS[one.attempts - 1]
        async with state.transaction(self._pool) as tx:
            await deliveries.put_off(tx, one, due_at, words, unseen=unseen)

    async def _end(self, one: Delivery, ended: str, words: str) -> None:
        if ended == "failed":
            self._log.error("delivery.given_up", destination=one.to.id, attempts=one.attempts, words=words)
        async with state.transaction(self._pool) as tx:
            await deliveries.end(tx, one, ended, words, self._clock.now())
