"""One turn of reads by id: a connection's requests come in, change events go out, and a request ends in the transaction that says so.

An answer is published, and acknowledged by the broker, before its request is removed: a crash in between reads once more and publishes
the same event again. An answer that is not settled yet does not settle a dispute, so it is read again when its second is over (R10).
What cannot be read ends as a dead letter (`unread.py`), in the transaction that removes its request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog

from common import failpoints
from common.bus.error_codes import HANDLER_BUG
from common.bus.producer import Outgoing
from common.clock import Clock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, RunId, VendorName
from common.contracts.messages import Lane, Version
from common.failures import Bug, Failure
from common.http.at_priority import AtPriority
from common.http.call import Api
from common.http.day_share import reads_share
from common.http.outage import Outage
from common.state import read_days, read_requests, runs
from common.state.configuration import Configuration
from common.state.gates import ANYWHERE
from common.state.pool import Pool, transaction
from common.state.read_days import DayShare
from common.state.read_requests import Later, ReadRequest
from ingest import unread
from ingest.publishing import change_event, outgoing
from ingest.sends import Opens, SendsAll
from ingest.unread import Unread
from vendors.registry import vendor_named
from vendors.vendor import Announcement, Source, State, Subject
from writing.own_webhooks import told_by_us

# When the answer to a write that is on its way is asked for again.
ANSWERED_SOON = timedelta(seconds=1)

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Sorted:
    """What came of one connection's turn: answers to publish, reads to make again, reads that have ended."""

    settled: list[tuple[ReadRequest, State]] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def failed(self, request: ReadRequest, failure: Failure, end: Later | Unread) -> None:
        _log.warning(
            "reader.failed", connection=request.connection, entity=request.entity, record=request.record,
            reason=str(failure), ended=isinstance(end, Unread),
        )  # fmt: skip
        if isinstance(end, Later):
            self.later.append(end)
        else:
            self.unread.append(end)


class ReadTurn:
    """Reads what one connection owes, and stores what came of it."""

    def __init__(
        self, pool: Pool, door: Opens, producer: SendsAll, clock: Clock, outages: Mapping[VendorName, Outage]
    ) -> None:
        self._pool = pool
        self._door = door
        self._producer = producer
        self._clock = clock
        self._outages = outages

    async def read(
        self, token: UUID, connection: Connection, requests: Sequence[ReadRequest], configuration: Configuration
    ) -> None:
        """Requests of one lane."""
        vendor, outage = vendor_named(connection.vendor), self._outages[connection.vendor]
        source = vendor.source
        assert source is not None, f"somebody asked to read from {vendor.name}, which has no source"
        # It was leased, so nobody found a gate there.
        outage.is_open(connection.id)
        try:
            api = self._door.open(vendor.profile, connection)
        except Failure as refusal:
            # The connection itself leads nowhere: a person has to look at it, and its records wait.
            await outage.refuse(connection, "", refusal)
            await self.wait(token, requests)
            return
        await failpoints.hit("reader.after_lease")
        requests = await self._but_told_by_us(token, connection, requests)
        if requests and requests[0].lane is Lane.BACKFILL:
            api = AtPriority(api, "backfill")
            requests = await self._within_share(token, connection, requests)
        # What is answered goes on its way, and does not wait for all that was taken with it.
        together = vendor.reads.together
        for at in range(0, len(requests), together):
            await self._answered(token, connection, requests[at : at + together], api, configuration)

    async def _answered(
        self,
        token: UUID,
        connection: Connection,
        requests: Sequence[ReadRequest],
        api: Api,
        configuration: Configuration,
    ) -> None:
        source, outage = vendor_named(connection.vendor).source, self._outages[connection.vendor]
        assert source is not None
        answers = await _answers(source, connection, list(map(_subject, requests)), api)
        away = await outage.is_on(connection, [(ANYWHERE, one) for one in answers], api)
        await failpoints.hit("reader.after_answer")
        await self._store(token, connection, self._sorted(requests, answers, source, away), configuration)

    async def _but_told_by_us(
        self, token: UUID, connection: Connection, requests: Sequence[ReadRequest]
    ) -> Sequence[ReadRequest]:
        """Those that tell of more than our own writes; of one to which a write is on its way, its answer says which it is."""
        vendor, now = vendor_named(connection.vendor), self._clock.now()
        for entity, own in vendor.own_webhooks.items():
            its = [one for one in requests if one.entity == entity and one.reason == "detail" and one.heard is not None]
            if not its:
                continue
            async with transaction(self._pool) as tx:
                told = await told_by_us(tx, vendor.account(connection), own, its, now)
                done = [one for one in its if one.record in told.ours]
                later = [one for one in its if one.record in told.under_way]
                await read_requests.answered(tx, token, done)
                await read_requests.postpone(tx, token, [Later(one, now + ANSWERED_SOON, free=True) for one in later])
            requests = [one for one in requests if one not in done and one not in later]
        return requests

    async def _within_share(
        self, token: UUID, connection: Connection, requests: Sequence[ReadRequest]
    ) -> Sequence[ReadRequest]:
        """As many as the day has left for what listings want; the others, and all that stand behind them, come with the next day."""
        share = self._share(connection)
        if share is None:
            return requests
        async with transaction(self._pool) as tx:
            taken = await read_days.take(tx, share, len(requests))
            later = [Later(one, share.ends, free=True) for one in requests[taken:]]
            if later:
                await read_requests.postpone(tx, token, later)
                await read_requests.not_today(tx, connection.id, share.ends)
        return requests[:taken]

    def _share(self, connection: Connection) -> DayShare | None:
        return reads_share(vendor_named(connection.vendor).profile.limits(connection), self._clock.now())

    async def _store(self, token: UUID, connection: Connection, turn: Sorted, configuration: Configuration) -> None:
        await self._producer.send_all([_message(connection, request, state) for request, state in turn.settled])
        await failpoints.hit("reader.after_produce")
        async with transaction(self._pool) as tx:
            await read_requests.postpone(tx, token, turn.later)
            ended = await read_requests.answered(tx, token, [one.request for one in turn.unread])
            # Only whoever still has the lease may say that a read has ended.
            await unread.write(tx, connection, [one for one in turn.unread if one.request in ended], self._clock.now())
            await read_requests.answered(tx, token, [request for request, _ in turn.settled])
            await runs.called(tx, _calls(connection, turn, configuration), self._clock.now())
            share = self._share(connection)
            unused = [one for one in turn.later if one.free and one.request.lane is Lane.BACKFILL]
            if share is not None and unused:
                await read_days.give_back(tx, share, len(unused))

    def _sorted(
        self, requests: Sequence[ReadRequest], answers: Sequence[State | Failure], source: Source, away: bool
    ) -> Sorted:
        turn, now = Sorted(), self._clock.now()
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Failure):
                turn.failed(request, answer, unread.after_failure(request, answer, now, outage=away))
            elif self._disputed(request, answer):
                due = max(now, answer.version.stamp + source.settles_after)
                turn.later.append(Later(request, due, free=True))
            else:
                turn.settled.append((request, answer))
        return turn

    def _disputed(self, request: ReadRequest, state: State) -> bool:
        """R10: unsettled reads cannot decide; read again."""
        return request.reason == "unsettled" and not state.version.settled

    async def wait(self, token: UUID, requests: Sequence[ReadRequest], apart: timedelta = timedelta(0)) -> None:
        """Later, at no cost; `apart` makes them come one after the other."""
        until = self._clock.now() + unread.PAUSE
        later = [Later(one, until + apart * number, free=True) for number, one in enumerate(requests)]
        async with transaction(self._pool) as tx:
            await read_requests.postpone(tx, token, later)

    async def forget(self, token: UUID, requests: Sequence[ReadRequest]) -> None:
        """The connection was deleted: nobody may read there any more, and nobody wants to know."""
        async with transaction(self._pool) as tx:
            await read_requests.answered(tx, token, requests)


def _subject(request: ReadRequest) -> Subject:
    heard = None if request.heard is None else Announcement(Version.of_sequence(request.version), request.heard)
    return Subject(request.entity, request.record, heard)


def _message(connection: Connection, request: ReadRequest, state: State) -> Outgoing:
    """What a backfill wanted to be read is written behind what people have just changed."""
    event = change_event(connection.id, connection.vendor, state, "read").model_copy(update={"lane": request.lane})
    return outgoing(event, traceparent=request.traceparent)


def _calls(
    connection: Connection, turn: Sorted, configuration: Configuration
) -> Mapping[tuple[RunId, ConnectionId], int]:
    """What a job's records have cost, in the run of each sync that it counts in."""
    made = [(request.entity, request.job) for request, _ in turn.settled]
    made += [(one.request.entity, one.request.job) for one in turn.unread]
    called = Counter[tuple[RunId, ConnectionId]]()
    for (entity, job), many in Counter(one for one in made if one[1]).items():
        for sync in {leg.sync for leg in configuration.legs_of(connection.id, entity)}:
            called[RunId(f"{configuration.syncs[sync].name}.{job}"), connection.id] += many
    return called


async def _answers(
    source: Source, connection: Connection, subjects: Sequence[Subject], api: Api
) -> Sequence[State | Failure]:
    """One answer a subject, whatever the vendor's code does: the record on which it breaks is found by reading each alone."""
    try:
        return await source.read(connection, subjects, api)
    except Failure as failure:
        return [failure] * len(subjects)
    except Exception as error:  # noqa: BLE001 - a bug of ours, and the end of its record alone
        if len(subjects) > 1:
            return [(await _answers(source, connection, [one], api))[0] for one in subjects]
        return [Bug(HANDLER_BUG, f"Our code failed on this record: {type(error).__name__}.")]
