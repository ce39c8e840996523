"""One reading of a source: its pages become change events, and the cursor follows them.

In: a source that is due. Out: change events. Durable with each page, once its events are on the topic: how far we are and whom it told of.
A crash in between reads one page again and publishes the same events once more. R11: the cursor is the vendor's own stamp and never
"now", so what was still changing is read again by the next reading.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from common import failpoints, retries
from common.bus.error_codes import HANDLER_BUG
from common.bus.producer import Landed, Outgoing
from common.clock import Clock
from common.contracts.ids import RunId, VendorName
from common.contracts.messages import ChangeEvent
from common.failures import Bug, Failure
from common.http.at_priority import AtPriority
from common.http.call import Api
from common.http.outage import Outage
from common.redaction import redact_text
from common.state import polls
from common.state.gates import Spot
from common.state.polls import NextLook, PageRead, Poll, Polled
from common.state.pool import DbConnection, Pool, transaction
from common.state.unannounced import unannounced
from ingest import schedule
from ingest.poll_job import Jobs, PollReading
from ingest.publishing import Via, change_event, outgoing
from ingest.schedule import Cadence
from ingest.sends import Opens, SendsAll
from vendors.registry import vendor_named
from vendors.vendor import Cursor, Page, Source, State, Vendor
from writing.own_echoes import own_echoes

LONGEST = timedelta(minutes=15)
PAUSE = timedelta(seconds=5)

_log = structlog.get_logger(__name__)


class PollTurn:
    """Reads one source from where it stands to its end."""

    def __init__(
        self, pool: Pool, door: Opens, producer: SendsAll, clock: Clock, outages: Mapping[VendorName, Outage],
        cadence: Callable[[Polled], Cadence],
    ) -> None:  # fmt: skip
        self._pool = pool
        self._door = door
        self._producer = producer
        self._clock = clock
        self._outages = outages
        # As it is wanted when a reading ends, not when it began.
        self._cadence = cadence
        self._jobs = Jobs(pool, clock)

    async def read(self, wanted: PollReading) -> None:
        """Until the listing ends, or something does not let it."""
        poll, connection = wanted.poll, wanted.connection
        vendor, outage = vendor_named(connection.vendor), self._outages[connection.vendor]
        source = vendor.source
        assert source is not None, f"somebody wants {vendor.name} to be read, which has no source"
        # It was leased, so nobody found a gate there.
        outage.is_open(connection.id)
        try:
            api = self._door.open(vendor.profile, connection)
        except Failure as refusal:
            await outage.refuse(connection, "", refusal)
            await self._later(poll, refusal, free=True)
            return
        reading = await self._jobs.begin(wanted)
        try:
            ended = reading and await self._pages(reading, source, AtPriority(api, reading.priority))
        except Failure as failure:
            away = await outage.is_on(connection, [(Spot(poll.polled.place), failure)], api)
            await self._later(poll, failure, free=away or retries.costs_nothing(failure))
            return
        if reading and ended:
            now, limits = self._clock.now(), vendor.profile.limits(connection)
            cadence, least = self._cadence(poll.polled), schedule.spacing(ended.told_nothing, limits)
            due = schedule.after(poll, now, cadence.after(now, source.polled_every, least), limits, ended.quick_until)
            await self._jobs.end(reading, NextLook(due, cadence.words), ended.sent, whole=ended.whole)

    async def _pages(self, reading: PollReading, source: Source, api: Api) -> _Ended | None:
        """None when somebody else reads by now."""
        poll, ended = reading.poll, _Ended(reading.poll.quick_until, dict(reading.poll.sent))
        since = Cursor(poll.cursor) if poll.cursor else None
        whole = vendor_named(reading.connection.vendor).whole if reading.kind == "backfill" else None
        pages = (whole or source).pages(reading.connection, poll.polled.entity, since, api, poll.polled.place)
        while (page := await _next(pages)) is not None:
            await self._jobs.finds(reading, len(page.states))
            ended.passes(await self._producer.send_all(await self._messages(reading, page)))
            await failpoints.hit("poller.after_produce")
            if not await self._store(reading, page, ended):
                return None
            await failpoints.hit("poller.after_page")
        return ended

    async def _messages(self, reading: PollReading, page: Page) -> list[Outgoing]:
        """What a page tells of; of a place that we write to not what we have written there ourselves."""
        events = [_event(reading, state) for state in page.states]
        if reading.changes_only and events:
            vendor, connection = vendor_named(reading.connection.vendor), reading.connection
            async with transaction(self._pool) as tx:
                ours = await own_echoes(tx, vendor.account(connection), vendor.targets, events)
            events = [event for number, event in enumerate(events) if number not in ours]
        return [outgoing(event) for event in events]

    async def _store(self, reading: PollReading, page: Page, ended: _Ended) -> bool:
        now, poll = self._clock.now(), reading.poll
        told = [state for state in page.states if state.kind == "changed"]
        named = [state.record for state in page.states if state.kind != "changed"]
        async with transaction(self._pool) as tx:
            if await _unannounced(tx, reading, told, now):
                ended.quick_until = now + schedule.QUICK_FOR
            ended.cursor, ended.whole = page.next or ended.cursor or poll.cursor, page.complete
            ended.told_nothing += not page.states
            read = PageRead(
                ended.cursor, [state.record for state in told], named, ended.quick_until, ended.sent, page.about
            )
            return await polls.advance(tx, poll, read, now)

    async def _later(self, poll: Poll, failure: Failure, *, free: bool) -> None:
        """It goes on from the last page that was stored."""
        wait = PAUSE if free else retries.delay(poll.attempts + 1, random.Random(), LONGEST)  # noqa: S311 - jitter, no secret
        until, words = failure.retry_at or self._clock.now() + wait, redact_text(str(failure))[:300]
        _log.warning("poller.waits", connection=poll.polled.connection, entity=poll.polled.entity, reason=words)
        async with transaction(self._pool) as tx:
            await polls.postpone(tx, poll, until, words, free=free)


@dataclass(slots=True)
class _Ended:
    """What the pages came to so far."""

    quick_until: datetime | None
    sent: dict[int, int]
    cursor: str = ""
    whole: bool = False
    told_nothing: int = 0
    """Pages without a word of news."""

    def passes(self, landed: Sequence[Landed]) -> None:
        """Whoever is behind these has judged everything that was sent so far."""
        for one in landed:
            self.sent[one.partition] = max(self.sent.get(one.partition, 0), one.offset + 1)


async def _unannounced(tx: DbConnection, reading: PollReading, told: Sequence[State], now: datetime) -> bool:
    """Whether something changed longer ago than any webhook takes, and nobody told us. Where no webhook is ever sent, nothing is amiss."""
    vendor, polled = vendor_named(reading.connection.vendor), reading.poll.polled
    if reading.lists_everything or reading.changes_only or not is_announced(vendor, polled):
        return False
    old = {one.record: _as_a_hook_tells(one) for one in told if one.version.stamp < now - schedule.GRACE}
    return bool(old) and await unannounced(tx, polled, old) > 0


def is_announced(vendor: Vendor, polled: Polled) -> bool:
    """Whether webhooks tell of such records: looks are not hurried for want of those that others register, as an application's."""
    channel = vendor.channel
    return vendor.inbox is not None and (channel is None or bool(channel.subject(polled.entity, polled.place)))


def _as_a_hook_tells(state: State) -> str:
    return state.version.model_copy(update={"settled": False}).sequence


def _event(reading: PollReading, state: State) -> ChangeEvent:
    via: Via = "backfill" if reading.lists_everything else "poll"
    event = change_event(reading.connection.id, reading.connection.vendor, state, via)
    return event.model_copy(update={"run": RunId(reading.poll.job), "lane": reading.lane})


async def _next(pages: AsyncIterator[Page]) -> Page | None:
    """The next page; a bug in the vendor's code is a failure of this reading and of nobody else's."""
    try:
        return await anext(pages, None)
    except Failure:
        raise
    except Exception as error:
        raise Bug(HANDLER_BUG, f"Our code failed on a page: {type(error).__name__}.") from error
