"""What is seen of calls to vendors: one span, one count and one attempt for each, and none of them holds a record's data."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

import httpx
from opentelemetry import trace

from common import telemetry
from common.contracts.connections import Connection
from common.failures import Failure
from common.http.attempts import CallAttempt, Sink
from common.http.call import Call, VendorAnswer
from common.http.exchange import NoAnswer, RawAnswer
from common.http.profile import Profile
from common.metric_register import VENDOR_REQUEST, VENDOR_REQUESTS
from common.metrics import Metrics


class Reporter:
    """Tells of the calls of one connection."""

    def __init__(self, profile: Profile, connection: Connection, base: str, metrics: Metrics, sink: Sink) -> None:
        self._profile = profile
        self._connection = connection
        self._metrics = metrics
        self._sink = sink
        address = httpx.URL(base)
        self._server: dict[str, str | int] = {
            "server.address": address.host,
            "server.port": address.port or 443,
            "millrace.system": profile.vendor,
            "millrace.connection.id": connection.id,
        }

    def span(self, call: Call, resend: int) -> AbstractContextManager[trace.Span]:
        """A client span by the HTTP conventions. No traceparent is sent: our trace ids are no vendor's business."""
        if not telemetry.tracing_on():
            return nullcontext(trace.INVALID_SPAN)
        attributes: dict[str, str | int] = {
            **self._server,
            "http.request.method": call.method,
            "url.template": call.template,
            "millrace.operation": call.operation,
        }
        if resend:
            attributes["http.request.resend_count"] = resend
        # A failure's message may be recorded, a foreign exception's text may not: the door raises none inside the span.
        return telemetry.tracer().start_as_current_span(
            f"{call.method} {call.template}", kind=trace.SpanKind.CLIENT, attributes=attributes, record_exception=False
        )

    def tell(
        self,
        call: Call,
        outcome: RawAnswer | NoAnswer,
        result: VendorAnswer | Failure,
        *,
        at: datetime,
        waited_s: float,
        resend: int,
        span: trace.Span,
    ) -> None:
        """One attempt is over."""
        failure = result if isinstance(result, Failure) else None
        self._mark(span, outcome, failure)
        self._count(call, outcome)
        self._sink.attempted(
            CallAttempt(
                vendor=self._profile.vendor,
                connection=self._connection.id,
                operation=call.operation,
                method=call.method,
                template=call.template,
                writes=call.writes,
                at=at,
                waited_s=waited_s,
                duration_s=outcome.duration_s,
                resend=resend,
                sent=isinstance(outcome, RawAnswer) or outcome.sent,
                outcome=failure.kind if failure else None,
                code=failure.code if failure else "",
                status=outcome.status,
                vendor_code=failure.vendor_code if failure else "",
                words=failure.vendor_words if failure else "",
                request_id=result.vendor_request_id if isinstance(result, Failure) else result.request_id,
            )
        )

    def _mark(self, span: trace.Span, outcome: RawAnswer | NoAnswer, failure: Failure | None) -> None:
        if outcome.status is not None:
            span.set_attribute("http.response.status_code", outcome.status)
        if failure is not None:
            span.set_attribute("error.type", failure.code)
            span.set_status(trace.StatusCode.ERROR)

    def _count(self, call: Call, outcome: RawAnswer | NoAnswer) -> None:
        status_class = "none" if isinstance(outcome, NoAnswer) else f"{outcome.status // 100}xx"
        labels = {"system": self._profile.vendor, "operation": call.operation, "status_class": status_class}
        self._metrics.count(VENDOR_REQUESTS, **labels)
        self._metrics.observe(VENDOR_REQUEST, outcome.duration_s, **labels)
