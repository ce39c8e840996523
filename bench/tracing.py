"""Tracing as a service has it when an endpoint is set: batches of spans, really encoded, thrown away instead of sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from common.bus.trace import MessagingTrace
from common.settings import ServiceSettings

RATIO = float(ServiceSettings.model_fields["otel_traces_sampler_arg"].default)


class Nowhere(SpanExporter):
    """Does all of an exporter's work but the sending."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        encode_spans(spans).SerializeToString()
        return SpanExportResult.SUCCESS


@contextmanager
def tracing() -> Iterator[MessagingTrace]:
    """A messaging trace at the default sampling; the spans are encoded before it ends."""
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(RATIO)))
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    try:
        yield MessagingTrace(provider.get_tracer("bench"))
    finally:
        provider.shutdown()


def traceparent(number: int) -> bytes:
    """The context of a record, kept as often as the default sampling keeps it."""
    kept = int(number % round(1 / RATIO) == 0)
    return b"00-%032x-%016x-%02x" % (number + 1, number + 1, kept)
