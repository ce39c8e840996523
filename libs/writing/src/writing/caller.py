"""One call: its deadline, the last look at the lease before the first byte, its trace, and its answer row by row."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext

from common import failpoints, telemetry
from common.bus.record import RawRecord
from common.bus.trace import TRACEPARENT, sampled_context
from common.clock import monotonic
from common.failures import Failure, Transient
from common.http.call import Api
from vendors.target import Act, Answered, Known, Sending, Target, Verdict
from writing.claimed import Claimed
from writing.codes import LEASE_LOST
from writing.heartbeat import Lease
from writing.telling import Reply


class Caller:
    """Makes the calls of one claim."""

    def __init__(
        self, target: Target, api: Api, line: asyncio.Semaphore, lease: Lease, call_s: float, stopping: asyncio.Event
    ) -> None:
        """`line` is shared by everything of one connection and one class of work; `call_s` is the whole patience for a call."""
        self._target = target
        self.api = api
        self.line = line
        self.stopping = stopping
        self._lease = lease
        self._call_s = call_s

    async def look(self, row: Claimed, key: str) -> Known | Failure:
        """Reads one target record."""
        async with self.line:
            with around([row]):
                try:
                    return await self._target.look(row.item.place, key, self.api)
                except Failure as failure:
                    return failure

    async def call(self, batch: Sequence[tuple[Claimed, Act]], facts: object | None) -> tuple[Sequence[Verdict], Reply]:
        """Sends once; a failure of the whole call is the verdict on each of its rows."""
        rows, began = [row for row, _ in batch], monotonic()
        sending = Sending(rows[0].item.lane.value, began + self._call_s, self._before_send)
        with around(rows):
            try:
                acts = [act for _, act in batch]
                answered: Answered = await self._target.apply(rows[0].item.place, acts, facts, self.api, sending)
            except Failure as failure:
                return [failure] * len(batch), Reply.of(failure, monotonic() - began)
        return answered.verdicts, Reply.of(answered.answer, monotonic() - began)

    def _before_send(self) -> None:
        """R3: nothing leaves after the lease is over by this process's own clock."""
        failpoints.pass_("executor.before_send")
        if not self._lease.holds:
            raise Transient(LEASE_LOST.name, LEASE_LOST.meaning)


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
