"""The OpenTelemetry side of telemetry: resource, sampler and the OTLP exporter, from our settings alone."""

from __future__ import annotations

import os
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased

from common.telemetry_settings import TracingSettings
from common.version import version

_FLUSH_MS = 2000
_EXPORT_TIMEOUT_S = 5


def start_tracing(service: str, settings: TracingSettings) -> Callable[[], None]:
    """Installs the tracer provider; the returned function sends the last spans and shuts it down."""
    provider = TracerProvider(resource=resource(service, settings), sampler=sampler(settings), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.otel_exporter_otlp_endpoint}/v1/traces",
        headers=_pairs(settings.otel_exporter_otlp_headers.reveal()),
        timeout=_EXPORT_TIMEOUT_S,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    def stop() -> None:
        provider.force_flush(_FLUSH_MS)
        provider.shutdown()

    return stop


def resource(service: str, settings: TracingSettings) -> Resource:
    """What every span says of the process that made it."""
    own = {
        "service.name": settings.otel_service_name or f"millrace-{service}",
        "service.namespace": "millrace",
        "service.version": version(),
        "service.instance.id": f"{settings.stack_id or 'local'}-{service}-{os.getpid()}",
    }
    return Resource.create(_pairs(settings.otel_resource_attributes) | own)


def sampler(settings: TracingSettings) -> Sampler:
    """Which traces are kept, by the names that OpenTelemetry gives its samplers."""
    kind = settings.otel_traces_sampler.removeprefix("parentbased_")
    root = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(settings.otel_traces_sampler_arg),
    }[kind]
    return ParentBased(root) if settings.otel_traces_sampler.startswith("parentbased_") else root


def _pairs(text: str) -> dict[str, str]:
    """`name=value` pairs separated by commas, as OpenTelemetry writes them."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}
