"""One call: the last look at the lease before the first byte, its trace, and its answer row by row.

How long it waits for a permit, and how long for the vendor once it has one, is the door's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext

from common import failpoints, telemetry
from common.bus.record import RawRecord
from common.bus.trace import TRACEPARENT, sampled_context
from common.clock import monotonic
from common.contracts.connections import Connection
from common.contracts.messages import Lane
from common.failures import Failure, Transient
from common.http.call import Api
from common.http.outage import Outage
from common.state.gates import Spot
from vendors.acts import Act, Answered, Sending, Verdict
from vendors.deferred import Deferred
from vendors.target import Target
from writing.claimed import Claimed
from writing.codes import LEASE_LOST
from writing.items import most_urgent
from writing.journal_entries import CallReply
from writing.lease_renewer import Lease
from writing.lines import Share
from writing.looks import Found, looked
from writing.vendor_code import vendor_code


class Answers(NamedTuple):
    """What came of a call, row by row; `whole` is the failure of all of it."""

    verdicts: Sequence[Verdict]
    reply: CallReply
    whole: Failure | None = None


class VendorCaller:
    """Makes the calls of one claim."""

    def __init__(
        self,
        target: Target,
        connection: Connection,
        api: Api,
        line: asyncio.Semaphore,
        lease: Lease,
        stopping: asyncio.Event,
        *,
        share: Share,
    ) -> None:
        """`line` is shared by everything of one connection and one class of work; `share` hears which calls are to come."""
        self._target = target
        self.connection = connection
        self.api = api
        self.line = line
        self.stopping = stopping
        self.share = share
        self._lease = lease

    def stops(self, outage: Outage, spot: Spot) -> bool:
        """Whether no call may begin: on a stop, and behind a gate that we have closed ourselves."""
        return self.stopping.is_set() or outage.holds_back(self.connection.id, spot)

    async def look(self, rows: Sequence[Claimed], keys: Sequence[str]) -> Found:
        """Reads target records of one place, each for the sake of one of these rows."""
        with around(rows):
            return await looked(self._target, rows[0].item.place, keys, self.api, _lane(rows))

    async def call(self, name: str, batch: Sequence[tuple[Claimed, Act]], facts: object | None) -> Answers:
        """Sends once; a failure of the whole call is the verdict on each of its rows."""
        rows, began = [row for row, _ in batch], monotonic()
        sending, is_sent = self._sending(name, rows)
        with around(rows):
            try:
                with vendor_code(is_sent):
                    answered = await self._apply([act for _, act in batch], rows[0].item.place, facts, sending)
            except Failure as failure:
                return Answers([failure] * len(batch), CallReply.of(failure, monotonic() - began), failure)
        return Answers(answered.verdicts, CallReply.of(answered.answer, monotonic() - began))

    async def hand_in(self, name: str, batch: Sequence[tuple[Claimed, Act]], deferred: Deferred) -> str | Failure:
        """Hands in a call that is carried out later: the vendor's handle of it, or what became of it."""
        rows, acts = [row for row, _ in batch], [act for _, act in batch]
        sending, is_sent = self._sending(name, rows)
        with around(rows):
            try:
                with vendor_code(is_sent):
                    return await deferred.hand_in(rows[0].item.place, name, acts, self.api, sending)
            except Failure as failure:
                return failure

    async def _apply(self, acts: Sequence[Act], place: str, facts: object | None, sending: Sending) -> Answered:
        answered = await self._target.apply(place, acts, facts, self.api, sending)
        if len(answered.verdicts) != len(acts):
            raise ValueError(f"{len(answered.verdicts)} verdicts on {len(acts)} rows")
        return answered

    def _sending(self, name: str, rows: Sequence[Claimed]) -> tuple[Sending, Callable[[], bool]]:
        """How a call is sent, and whether it was by now."""
        sent = asyncio.Event()

        def before_send() -> None:
            self._before_send()
            sent.set()

        return Sending(_lane(rows).value, before_send, name), sent.is_set

    def _before_send(self) -> None:
        """R3: nothing leaves after the lease is over by this process's own clock; asked when the permit is there, just before the first byte."""
        failpoints.pass_("executor.before_send")
        if not self._lease.holds:
            raise Transient(LEASE_LOST.name, LEASE_LOST.meaning)


def _lane(rows: Sequence[Claimed]) -> Lane:
    return most_urgent(row.item.lane for row in rows)


@contextmanager
def around(rows: Sequence[Claimed]) -> Iterator[None]:
    """A single record goes on with its own trace; several are a trace of their own with a link to each."""
    contexts = (
        [context for row in rows if (context := _context(row.item.traceparent))] if telemetry.tracing_on() else []
    )
    if not contexts:
        yield
        return
    if len(rows) == 1:
        token = otel_context.attach(otel.set_span_in_context(NonRecordingSpan(contexts[0]), otel_context.Context()))
        try:
            yield
        finally:
            otel_context.detach(token)
        return
    with telemetry.tracer().start_as_current_span(
        f"write {rows[0].item.key.entity}", context=otel_context.Context(), links=[Link(one) for one in contexts],
        attributes={"messaging.batch.message_count": len(rows), "millrace.keep": True}, record_exception=False,
    ):  # fmt: skip
        yield


def _context(traceparent: str) -> SpanContext | None:
    if not traceparent:
        return None
    return sampled_context(RawRecord("", 0, 0, None, None, ((TRACEPARENT, traceparent.encode()),), 0))
