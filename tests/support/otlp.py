"""A collector for the tests: takes OTLP over HTTP, as protobuf, and keeps the spans."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Told

KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}


@dataclass(frozen=True)
class Span:
    """One span as it was told."""

    trace: str
    id: str
    parent: str
    name: str
    kind: str
    service: str
    links: tuple[tuple[str, str], ...]
    start_ns: int
    attributes: dict[str, object] = field(default_factory=dict)
    failed: bool = False


class Collector:
    """Listens on a free port until the block ends."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.bytes = b""
        takes = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                takes.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def take(self, body: bytes) -> None:
        self.bytes += body
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [_span(told, names.get("service.name", "")) for told in scope.spans]

    def trace(self, trace_id: str) -> list[Span]:
        """Its spans, in the order in which they began."""
        return sorted((one for one in self.spans if one.trace == trace_id), key=lambda one: one.start_ns)


def _span(told: Told, service: str) -> Span:
    attributes = {one.key: _value(one.value) for one in told.attributes}
    links = tuple((link.trace_id.hex(), link.span_id.hex()) for link in told.links)
    return Span(
        told.trace_id.hex(), told.span_id.hex(), told.parent_span_id.hex(), told.name, KINDS.get(told.kind, ""), service,
        links, told.start_time_unix_nano, attributes, told.status.code == 2,
    )  # fmt: skip


def _value(value: object) -> object:
    kind = value.WhichOneof("value")  # type: ignore[attr-defined]
    return getattr(value, kind) if kind else None
