"""The messaging trace: `send`, `process` and batch spans, W3C trace context in message headers, nothing at all when off.

A single live record continues its own trace: parent and link. A batch is a new trace with a link to each record; it sends with
one span, and each message carries on the trace of the record it came of, so one trace shows a record's whole way. Whether anything is traced is
read from the headers before a span is made: an unsampled batch costs one look at each record. (OpenTelemetry messaging
conventions, development status of August 2026; no key and no personal data on any span.)
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from types import MappingProxyType, TracebackType
from typing import cast

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
)

from common import telemetry
from common.bus.record import RawRecord

TRACEPARENT = "traceparent"
HeaderList = list[tuple[str, bytes]]


class MessagingTrace:
    """Makes the spans of the bus; without a tracer every method returns at once."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer

    @classmethod
    def of_process(cls) -> MessagingTrace:
        """Traces when this process has set up tracing, and is off otherwise."""
        return cls(telemetry.tracer() if telemetry.tracing_on() else None)

    @contextmanager
    def processing(self, group: str, records: Sequence[RawRecord]) -> Iterator[Span | None]:
        """The span around the handling of a batch; None when nobody watches."""
        contexts = [context for record in records if (context := sampled_context(record))] if self._tracer else []
        if self._tracer is None or not contexts:
            yield None
            return
        alone = len(records) == 1
        span = self._tracer.start_span(
            f"process {records[0].topic}",
            context=_as_parent(contexts[0]) if alone else _NEW_TRACE,
            kind=SpanKind.CONSUMER,
            links=[Link(context) for context in contexts],
            # The decision was made upstream: a new root of a batch with kept records is kept too.
            attributes=_process_attributes(group, records) | {"millrace.keep": True},
        )
        with _current(span):
            yield span

    def sending(
        self, topic: str, headers: HeaderList, cause: RawRecord | None = None
    ) -> AbstractContextManager[Span | None]:
        """The span around one send; puts the trace context into `headers`, so that the reader goes on with it."""
        if self._tracer is None:
            _pass_on(headers, cause, None)
            return _NO_SPAN
        here = otel.get_current_span().get_span_context()
        parent = sampled_context(cause) if cause is not None else None
        if parent is None and not here.trace_flags.sampled:
            _pass_on(headers, cause, here)
            return _NO_SPAN
        joined = parent is None or here.trace_id == parent.trace_id
        span = self._tracer.start_span(
            f"send {topic}",
            # In a batch the record's own trace goes on; the batch, where it was handled, is linked.
            context=None if joined else _as_parent(cast(SpanContext, parent)),
            kind=SpanKind.PRODUCER,
            links=None if joined or not here.is_valid else (Link(here),),
            attributes=_send_attributes(topic),
        )
        _put(headers, span.get_span_context())
        return _Ended(span)

    def sending_batch(self, topic: str, count: int) -> AbstractContextManager[Span | None]:
        """One span for many messages of one topic; each carries its own context in its headers (`carry`)."""
        if self._tracer is None or not otel.get_current_span().get_span_context().trace_flags.sampled:
            return _NO_SPAN
        attributes = {**_send_attributes(topic), "messaging.batch.message_count": count}
        return _Ended(self._tracer.start_span(f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes))

    def carry(self, headers: HeaderList, cause: RawRecord | None) -> None:
        """Hands a record's context on as it is: its trace goes on at the reader, the batch is linked to it already."""
        _pass_on(headers, cause, otel.get_current_span().get_span_context() if self._tracer else None)


class _Ended:
    """Ends a span that is nobody's parent in this process, so it need not be the current one."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        return self._span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            record_error(self._span, error)
        self._span.end()


_NO_SPAN: AbstractContextManager[Span | None] = nullcontext()
_NEW_TRACE = otel.set_span_in_context(otel.INVALID_SPAN, otel_context.Context())


def sampled_context(record: RawRecord) -> SpanContext | None:
    """The trace that a record belongs to, if that trace is kept."""
    value = record.header(TRACEPARENT)
    # Version, 32 hex digits, 16 hex digits, flags: the last bit of the flags says whether it is kept.
    if value is None or len(value) < 55 or value[54] not in b"13579bdfBDF":
        return None
    try:
        version, trace_id, span_id, flags = value[:55].decode("ascii").split("-")
        context = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)), TraceState())
    except ValueError:
        return None
    return context if context.is_valid and version != "ff" else None


def trace_id_of(record: RawRecord) -> str:
    """The record's trace id, kept or not, for rows that name it; empty when it has none."""
    value = record.header(TRACEPARENT)
    return value[3:35].decode("ascii", "replace") if value is not None and len(value) >= 55 else ""


@contextmanager
def _current(span: Span) -> Iterator[None]:
    token = otel_context.attach(otel.set_span_in_context(span))
    try:
        yield
    except BaseException as error:
        record_error(span, error)
        raise
    finally:
        otel_context.detach(token)
        span.end()


def record_error(span: Span, error: BaseException) -> None:
    """Marks a span as failed, with the stack but without the error's words: those may quote a customer's record."""
    stack = "".join(traceback.format_tb(error.__traceback__))
    name = type(error).__qualname__
    span.add_event("exception", {"exception.type": name, "exception.stacktrace": stack})
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", name)


def _as_parent(context: SpanContext) -> otel_context.Context:
    return otel.set_span_in_context(NonRecordingSpan(context), otel_context.Context())


def _pass_on(headers: HeaderList, cause: RawRecord | None, here: SpanContext | None) -> None:
    # Also an unsampled trace keeps its id from hop to hop, and also with tracing off here: rows and logs name it.
    known = cause.header(TRACEPARENT) if cause is not None else None
    if known is not None:
        headers.append((TRACEPARENT, known))
    elif here is not None and here.is_valid:
        _put(headers, here)


def _put(headers: HeaderList, context: SpanContext) -> None:
    headers.append((TRACEPARENT, b"00-%032x-%016x-%02x" % (context.trace_id, context.span_id, context.trace_flags)))


def _system(name: str, kind: str) -> dict[str, str | int]:
    return {"messaging.system": "kafka", "messaging.operation.name": name, "messaging.operation.type": kind}


@cache
def _send_attributes(topic: str) -> Mapping[str, str | int]:
    return MappingProxyType({**_system("send", "send"), "messaging.destination.name": topic})


def _process_attributes(group: str, records: Sequence[RawRecord]) -> dict[str, str | int]:
    first = records[0]
    attributes = _system("process", "process")
    attributes |= {"messaging.destination.name": first.topic, "messaging.consumer.group.name": group}
    if len(records) > 1:
        return attributes | {"messaging.batch.message_count": len(records)}
    attributes |= {"messaging.destination.partition.id": str(first.partition), "messaging.kafka.offset": first.offset}
    for header, name in _CLOUDEVENTS:
        if (value := first.header(header)) is not None:
            attributes[name] = value.decode("utf-8", "replace")
    return attributes


_CLOUDEVENTS = (
    ("ce_id", "messaging.message.id"),
    ("ce_id", "cloudevents.event_id"),
    ("ce_source", "cloudevents.event_source"),
    ("ce_type", "cloudevents.event_type"),
    ("ce_subject", "cloudevents.event_subject"),
)
