"""Logs are one JSON line each, without secrets and with their trace; traces are off until an endpoint is set."""

import io
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import structlog

from common import telemetry
from common.secret import Secret
from common.settings import ServiceSettings, load
from common.tracing import resource, sampler

CANARY = "canary-31"
BASE = {"DATABASE_URL": "postgresql://u@h/d", "REDIS_URL": "redis://h", "KAFKA_BOOTSTRAP_SERVERS": "k:1"}


def settings(**more: str) -> ServiceSettings:
    return load(ServiceSettings, BASE | more)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield io.StringIO()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def logged(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class TestLogging:
    def test_writes_one_json_line_per_event(self, stream: io.StringIO) -> None:
        telemetry.start("mapper", settings(), stream=stream)
        telemetry.logger("mapper.state").info("batch.done", records=3, secret_key=CANARY, thing=Secret(CANARY))
        (line,) = logged(stream)
        assert (line["event"], line["service"], line["level"], line["records"]) == ("batch.done", "mapper", "info", 3)
        assert line["logger"] == "mapper.state"
        assert str(line["timestamp"]).endswith("Z")
        assert CANARY not in stream.getvalue()

    def test_hides_secrets_in_exceptions(self, stream: io.StringIO) -> None:
        telemetry.start("mapper", settings(), stream=stream)
        try:
            raise ConnectionError(f"postgresql://u:{CANARY}@h refused, mail {CANARY}@example.org")
        except ConnectionError:
            telemetry.logger().error("failed", exc_info=True)
        assert "ConnectionError" in stream.getvalue()
        assert CANARY not in stream.getvalue()

    def test_takes_the_libraries_lines_in_too(self, stream: io.StringIO) -> None:
        telemetry.start("mapper", settings(), stream=stream)
        logging.getLogger("some.library").warning("token=%s is odd", CANARY)
        logging.getLogger("aiokafka.consumer").info("chatter")
        (line,) = logged(stream)
        assert (line["event"], line["logger"], line["level"]) == ("token=*** is odd", "some.library", "warning")

    def test_respects_the_level(self, stream: io.StringIO) -> None:
        telemetry.start("mapper", settings(LOG_LEVEL="WARNING"), stream=stream)
        telemetry.logger().info("quiet")
        telemetry.logger().warning("loud")
        assert [line["event"] for line in logged(stream)] == ["loud"]

    def test_writes_for_people_without_colours_when_piped(self, stream: io.StringIO) -> None:
        telemetry.start("mapper", settings(LOG_FORMAT="console"), stream=stream)
        telemetry.logger().info("batch.done", records=3)
        assert "batch.done" in stream.getvalue()
        assert "\x1b[" not in stream.getvalue()

    def test_binds_ids_of_the_context(self, stream: io.StringIO) -> None:
        telemetry.start("mapper", settings(), stream=stream)
        with structlog.contextvars.bound_contextvars(run_id="run-1"):
            telemetry.logger().info("x")
        assert logged(stream)[0]["run_id"] == "run-1"


class TestTracingOff:
    def test_makes_no_span_and_imports_no_exporter(self) -> None:
        code = (
            "import sys, time; from common import telemetry\n"
            "with telemetry.tracer().start_as_current_span('x') as span: assert not span.is_recording()\n"
            "assert not telemetry.tracing_on()\n"
            "assert 'opentelemetry.sdk.trace' not in sys.modules, 'the SDK costs a fifth of a second'\n"
            "began = time.thread_time()\n"
            "for _ in range(100_000): telemetry.tracing_on()\n"
            "assert time.thread_time() - began < 0.1\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


class _Collector(BaseHTTPRequestHandler):
    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((self.path, self.headers.get("x-key"), body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Collector)
    server.requests = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


CHILD = """
import sys, os
from common import telemetry
from common.settings import ServiceSettings, load
running = telemetry.start("mapper", load(ServiceSettings))
assert telemetry.tracing_on()
with telemetry.tracer().start_as_current_span("process changes.zoho-books"):
    telemetry.logger().info("inside")
running.stop()
assert not telemetry.tracing_on()
"""


class TestTracingOn:
    def run(self, endpoint: str, **more: str) -> subprocess.CompletedProcess[str]:
        env = BASE | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_SAMPLER": "always_on"} | more
        return subprocess.run([sys.executable, "-c", CHILD], env=env, capture_output=True, text=True, timeout=60)

    def test_sends_spans_to_the_endpoint_and_their_ids_to_the_log(self, collector: HTTPServer) -> None:
        child = self.run(f"http://127.0.0.1:{collector.server_port}/", OTEL_EXPORTER_OTLP_HEADERS="x-key=k1")
        assert child.returncode == 0, child.stderr
        (path, key, body) = collector.requests[0]  # type: ignore[attr-defined]
        line = json.loads(child.stderr.splitlines()[0])
        assert (path, key) == ("/v1/traces", "k1")
        assert b"process changes.zoho-books" in body
        assert b"millrace-mapper" in body
        assert bytes.fromhex(line["trace_id"]) in body

    def test_a_collector_that_is_away_delays_the_stop_by_a_bounded_time(self) -> None:
        began = time.monotonic()
        child = self.run("http://127.0.0.1:9")
        assert child.returncode == 0, child.stderr
        assert time.monotonic() - began < 15

    def test_keeps_the_share_and_follows_the_caller_by_default(self) -> None:
        assert "ParentBased{root:TraceIdRatioBased{0.05}" in sampler(settings()).get_description()
        chosen = settings(OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.5")
        assert sampler(chosen).get_description() == "TraceIdRatioBased{0.5}"
        assert sampler(settings(OTEL_TRACES_SAMPLER="always_off")).get_description() == "AlwaysOffSampler"

    def test_says_which_process_a_span_came_from(self) -> None:
        attributes = resource("mapper", settings(OTEL_RESOURCE_ATTRIBUTES="deployment.environment=test")).attributes
        assert attributes["service.name"] == "millrace-mapper"
        assert attributes["deployment.environment"] == "test"
        named = resource("mapper", settings(OTEL_SERVICE_NAME="mine")).attributes
        assert named["service.name"] == "mine"
