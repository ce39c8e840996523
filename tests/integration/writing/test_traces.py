"""The vendor call of a single live record goes on with its trace; a batch is a trace of its own with a link to each record."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common import telemetry
from tests.support.writing import World


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracing_on", lambda: True)
    monkeypatch.setattr(telemetry, "tracer", lambda: provider.get_tracer("millrace"))
    yield exporter
    provider.shutdown()


def traceparent(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


class TestTraces:
    async def test_a_single_record_goes_on_with_its_own(self, world: World, spans: InMemorySpanExporter) -> None:
        await world.want("1", "ana@ex.org", trace=traceparent(7))
        await world.settled()
        (call,) = [span for span in spans.get_finished_spans() if span.name == "POST /lists/{list_id}"]
        assert call.parent is not None
        assert (call.context.trace_id, call.parent.span_id) == (7, 7)
        assert (await world.journal("1", "applied"))[0]["trace_id"] == f"{7:032x}"

    async def test_several_share_one_that_links_to_each(self, world: World, spans: InMemorySpanExporter) -> None:
        await world.store(*(world.command(str(n), f"m{n}@ex.org", trace=traceparent(n)) for n in range(1, 4)))
        await world.settled()
        finished = {span.name: span for span in spans.get_finished_spans()}
        batch, call = finished["write customer"], finished["POST /lists/{list_id}"]
        assert batch.parent is None
        assert {link.context.trace_id for link in batch.links} == {1, 2, 3}
        assert call.parent is not None
        assert call.parent.span_id == batch.context.span_id

    async def test_no_address_is_on_any_span(self, world: World, spans: InMemorySpanExporter) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana", trace=traceparent(7))
        await world.settled()
        await world.want("1", "ana@ex.org", FNAME="Anna", trace=traceparent(8))
        await world.settled()
        assert not [
            span
            for span in spans.get_finished_spans()
            if "ana" in span.to_json().lower().replace("millrace-analytics", "")
        ]
