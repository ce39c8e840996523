"""Logs and traces of a process: structlog with secrets hidden, OpenTelemetry by OTLP when an endpoint is set.

Without an endpoint no span is ever made: `tracing_on()` is one attribute read, and `tracer()` is the no-op tracer.
"""

from __future__ import annotations

import logging
import sys
from typing import Protocol, TextIO

import orjson
import structlog
from opentelemetry import trace
from opentelemetry.trace import Tracer
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from common.redaction import Redactor
from common.telemetry_settings import TelemetrySettings
from common.version import version

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# Their INFO lines tell of every connection and every request; what matters of them we log ourselves.
_CHATTY = ("aiokafka", "httpx", "httpcore", "asyncio", "faststream", "uvicorn", "opentelemetry")


class Telemetry:
    """What `start` switched on; `stop` sends what is left and switches it off."""

    def __init__(self, stop_tracing: _Stop | None) -> None:
        self._stop_tracing = stop_tracing

    def stop(self) -> None:
        """Sends the last spans, bounded in time."""
        global _tracing, _tracer
        _tracing, _tracer = False, _NO_TRACER
        if self._stop_tracing is not None:
            self._stop_tracing()


class _Stop(Protocol):
    def __call__(self) -> None: ...


_tracing = False
_NO_TRACER: Tracer = trace.NoOpTracer()
# Kept while it is on: the library makes a new one whenever it is asked, at the cost of a span.
_tracer: Tracer = _NO_TRACER


def tracing_on() -> bool:
    """Whether spans are made at all: ask before building attributes."""
    return _tracing


def tracer() -> Tracer:
    """The tracer of Millrace; without an endpoint it does nothing."""
    return _tracer


def logger(name: str = "") -> FilteringBoundLogger:
    """A logger; one wide line per event, ids as fields."""
    log: FilteringBoundLogger = structlog.get_logger()
    return log.bind(logger=name) if name else log


def start(service: str, settings: TelemetrySettings, *, stream: TextIO | None = None) -> Telemetry:
    """Switches on logging, and tracing if an endpoint is set."""
    global _tracing, _tracer
    _start_logging(service, settings, stream or sys.stderr)
    if settings.otel_exporter_otlp_endpoint is None:
        return Telemetry(None)
    # Imported here: the SDK and its exporter take a fifth of a second, which a process without tracing need not pay.
    from common.tracing import start_tracing

    stop = start_tracing(service, settings)
    _tracing, _tracer = True, trace.get_tracer("millrace", version())
    return Telemetry(stop)


def _start_logging(service: str, settings: TelemetrySettings, stream: TextIO) -> None:
    redact = Redactor(settings.redact_fields).redact

    def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return redact(event)

    def _service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    level = _LEVELS[settings.log_level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _service,
        _trace_ids,
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, _renderer(settings, stream)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _adopt_standard_logging(shared, settings, stream, level)


def _renderer(settings: TelemetrySettings, stream: TextIO) -> Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer(serializer=_json)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty() and not settings.no_color)


def _adopt_standard_logging(shared: list[Processor], settings: TelemetrySettings, stream: TextIO, level: int) -> None:
    """Lets the libraries' own log lines take the same form and the same redaction."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(settings, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _json(event: object, **_: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _trace_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if _tracing:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            event["trace_id"] = f"{context.trace_id:032x}"
            event["span_id"] = f"{context.span_id:016x}"
    return event
