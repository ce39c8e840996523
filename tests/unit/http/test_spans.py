"""What a trace shows of a call to a vendor: the template, never the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from common import telemetry
from common.clock import SystemClock
from common.failures import Failure
from common.http.door import Door
from tests.support.odd_vendor import answer, odd_vendor, reset
from tests.unit.http.fakes import CANARY, FakeBudget, FakeTokens, Remembered
from tests.unit.http.test_door import BOOKS, READ, UNAUTHORISED, WRITE, SmallProfile


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracing", True)
    monkeypatch.setattr(telemetry, "tracer", lambda: provider.get_tracer("millrace"))
    yield exporter
    provider.shutdown()


class TestSpan:
    async def test_follows_the_http_conventions_and_names_no_record(self, spans: InMemorySpanExporter) -> None:
        async with odd_vendor() as vendor:
            vendor.then(answer(401, UNAUTHORISED), answer())
            door = Door(FakeTokens(), FakeBudget(), SystemClock(), {"zoho": f"{vendor.url}/zoho"}, sink=Remembered())
            secretive = replace(WRITE, path={"contact": "46000777"}, query={"email": "ana@example.org"})
            await door.open(SmallProfile(), BOOKS).call(secretive)
            await door.aclose()

            first, second = spans.get_finished_spans()
            assert first.name == second.name == "PUT /contacts/{contact}"
            assert first.kind is SpanKind.CLIENT
            assert dict(second.attributes or {}) == {
                "http.request.method": "PUT",
                "url.template": "/contacts/{contact}",
                "server.address": "127.0.0.1",
                "server.port": vendor.port,
                "http.request.resend_count": 1,
                "http.response.status_code": 200,
                "millrace.system": "zoho-books",
                "millrace.operation": "contact.update",
                "millrace.connection.id": "books",
            }
            assert (first.attributes or {})["error.type"] == "ZB_UNAUTHORISED"
            assert first.status.status_code is StatusCode.ERROR
            told = "".join(span.to_json() for span in (first, second))
            assert not [word for word in (CANARY, "46000777", "ana@example.org") if word in told]
            assert "traceparent" not in vendor.seen[0].headers

    async def test_of_a_lost_answer_says_so(self, spans: InMemorySpanExporter) -> None:
        async with odd_vendor() as vendor:
            vendor.then(reset())
            door = Door(FakeTokens(), FakeBudget(), SystemClock(), {"zoho": f"{vendor.url}/zoho"})
            with pytest.raises(Failure):
                await door.open(SmallProfile(), BOOKS).call(READ)
            await door.aclose()

        (span,) = spans.get_finished_spans()
        assert (span.attributes or {})["error.type"] == "VENDOR_CONNECTION_LOST"
        assert span.events == ()

    async def test_is_not_made_when_nobody_looks(self) -> None:
        assert not telemetry.tracing_on()
        assert trace.get_current_span() is trace.INVALID_SPAN
