"""One audit of a channel: the vendor's own list is held against what active syncs want to hear, and made so.

In: a channel that is due. Out: webhooks made, mended, removed; a source that was not heard meanwhile is read at once. Each step at the
vendor can be repeated and finds what is there by its address, so a crash in between doubles nothing: the next audit goes on. Calls are
made behind everything else, in the lane of a backfill.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from common import failpoints, retries
from common.clock import Clock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity
from common.contracts.syncs import Leg
from common.failures import Failure
from common.http.call import Api, Call, VendorAnswer
from common.redaction import redact_text
from common.state import channels, polls
from common.state.channels import DueAudit, HeardSubject
from common.state.configuration import Configuration, ConfigurationReader
from common.state.pool import Pool, transaction
from common.state.turns import alone_if_free
from ingest import notices
from ingest.sends import Opens
from vendors.channel import Audited, Channel, HookSecrets, HookSubscription, hook_address
from vendors.feeding import heard_of
from vendors.registry import vendor_named

EVERY = timedelta(minutes=10)
# A plan that allows no webhooks by API may be changed; until then one refused call an hour is enough.
BY_HAND_EVERY = timedelta(hours=1)
SOONEST = timedelta(seconds=30)
BUSY = timedelta(seconds=5)

_log = structlog.get_logger(__name__)


class ChannelAudit:
    """Audits one channel at a time, as often as it is asked."""

    def __init__(
        self,
        pool: Pool,
        door: Opens,
        vault: Callable[[Connection], HookSecrets],
        configuration: ConfigurationReader,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._pool = pool
        self._door = door
        self._vault = vault
        self._configuration = configuration
        self._clock = clock
        self._public_url = public_url

    async def run(self, due: DueAudit) -> None:
        """Alone: whoever applies a sync works at the same settings."""
        async with alone_if_free(self._pool, due.connection) as mine:
            if mine:
                await self._audit(due)
                return
        async with transaction(self._pool) as tx:
            await channels.release(tx, due, self._clock.now() + BUSY)

    async def _audit(self, due: DueAudit) -> None:
        async with transaction(self._pool) as tx:
            # Read now that nobody else changes it: what was wanted before may be what a sync has just left.
            configuration = await self._configuration.read(tx)
            await channels.want(tx, heard_by(configuration), self._clock.now())
            subjects = await channels.subjects(tx, due.connection)
        connection = configuration.connections.get(due.connection)
        if connection is None:
            return
        calls, wanted = _Bulk(), [subject for subject, is_wanted in subjects.items() if is_wanted]
        base = hook_address(self._public_url, connection.vendor, connection.id)
        left = sorted(set(subjects) - set(wanted))
        try:
            found = await self._held_against(connection, HookSubscription(base, sorted(wanted)), left, calls)
        except Failure as failure:
            await self._later(due, connection, failure, wanted if calls.has_written else ())
            return
        await self._done(due, base, found, left, wanted if due.was_cut_short or found.mended else ())

    async def _held_against(
        self, connection: Connection, wanted: HookSubscription, left: Sequence[str], calls: _Bulk
    ) -> Audited:
        vendor = vendor_named(connection.vendor)
        channel: Channel | None = vendor.channel
        assert channel is not None, f"somebody wants to hear of {vendor.name}, which tells nothing"
        calls.api = self._door.open(vendor.profile, connection)
        return await channel.audit(wanted, left, calls, self._vault(connection))

    async def _done(
        self, due: DueAudit, base: str, found: Audited, left: Sequence[str], unheard: Sequence[str]
    ) -> None:  # fmt: skip
        now, words = self._clock.now(), [*found.mended, *(f"removed: {one}" for one in found.removed)]
        if words:
            _log.warning("channel.mended", connection=due.connection, found=words)
        next_at = now + EVERY * random.uniform(0.95, 1.0)  # noqa: S311 - jitter, no secret
        async with transaction(self._pool) as tx:
            await notices.tell(tx, due.connection, found.notices, now)
            await notices.untell(tx, due.connection, set(found.judged) - {one.kind for one in found.notices}, now)
            if await channels.audited(tx, due, base, words, left, now, next_at):
                await polls.soon(tx, due.connection, unheard, now)

    async def _later(self, due: DueAudit, connection: Connection, failure: Failure, unheard: Sequence[str]) -> None:
        now, words, state = self._clock.now(), redact_text(str(failure))[:300], _state(connection, failure)
        _log.warning("channel.waits", connection=due.connection, state=state, reason=words)
        async with transaction(self._pool) as tx:
            until = failure.retry_at or now + _wait(due, state)
            await channels.postpone(tx, due, until, state, failure.code, words)
            await polls.soon(tx, due.connection, unheard, now)


def _state(connection: Connection, failure: Failure) -> str:
    """Whether it is patience that is asked for, or a person."""
    channel = vendor_named(connection.vendor).channel
    assistant = channel.assistant if channel is not None else None
    return "by_hand" if assistant is not None and failure.code in assistant.codes else "waits"


def _wait(due: DueAudit, state: str) -> timedelta:
    if state == "by_hand":
        return BY_HAND_EVERY
    # A refusal may be one of our address, by a vendor that looks whether it answers: a front door can be a little later than we are.
    return max(retries.delay(due.attempts + 1, random.Random(), EVERY), SOONEST)  # noqa: S311 - jitter, no secret


def heard_by(configuration: Configuration) -> list[HeardSubject]:
    """What the legs of syncs that judge want to be told of."""
    found = []
    for connection, entity, place in {side for leg in configuration.legs() for side in _heard_of(configuration, leg)}:
        known = configuration.connections.get(connection)
        channel = vendor_named(known.vendor).channel if known is not None else None
        subject = channel.subject(entity, place) if channel is not None else ""
        if subject:
            found.append(HeardSubject(connection, subject))
    return found


def _heard_of(configuration: Configuration, leg: Leg) -> Sequence[tuple[ConnectionId, Entity, str]]:
    start, end = configuration.connections.get(leg.source), configuration.connections.get(leg.target)
    if start is None or not configuration.syncs[leg.sync].judges:
        return ()
    target = vendor_named(end.vendor).targets.get(leg.target_entity) if end is not None else None
    return heard_of(vendor_named(start.vendor).source, target, leg)


@dataclass(slots=True)
class _Bulk:
    """The door, behind everything that cannot wait."""

    api: Api | None = None
    has_written: bool = False

    async def call(self, call: Call) -> VendorAnswer:
        assert self.api is not None
        self.has_written = self.has_written or call.writes
        answer = await self.api.call(replace(call, priority="backfill"))
        if call.writes:
            await failpoints.hit("channels.after_write")
        return answer

    def lines(self, call: Call) -> AsyncIterator[bytes]:
        assert self.api is not None
        return self.api.lines(call)
