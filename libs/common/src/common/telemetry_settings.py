"""What logs, metrics and traces need to know of a service's settings."""

from __future__ import annotations

from typing import Protocol

from common.secret import Secret


class TracingSettings(Protocol):
    """What tracing needs to know of the settings."""

    @property
    def stack_id(self) -> str: ...
    @property
    def otel_service_name(self) -> str: ...
    @property
    def otel_exporter_otlp_endpoint(self) -> str | None: ...
    @property
    def otel_exporter_otlp_headers(self) -> Secret: ...
    @property
    def otel_traces_sampler(self) -> str: ...
    @property
    def otel_traces_sampler_arg(self) -> float: ...
    @property
    def otel_resource_attributes(self) -> str: ...


class TelemetrySettings(TracingSettings, Protocol):
    """What telemetry needs to know of the settings."""

    @property
    def log_level(self) -> str: ...
    @property
    def log_format(self) -> str: ...
    @property
    def no_color(self) -> str: ...
    @property
    def redact_fields(self) -> tuple[str, ...]: ...
