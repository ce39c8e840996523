"""The messaging trace: one trace for a live record, links for a batch, context in the headers, nothing when off."""

from __future__ import annotations

import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from common.bus.record import RawRecord
from common.bus.trace import MessagingTrace, sampled_context, trace_id_of

T1, T2, T3 = (f"{number:032x}" for number in (0xA1, 0xA2, 0xA3))
S1 = f"{0xB1:016x}"


def record(trace_id: str = "", *, kept: bool = True, offset: int = 5) -> RawRecord:
    headers = [("ce_id", b"event-1"), ("ce_type", b"millrace.books.customer.changed.v1")]
    if trace_id:
        headers.append(("traceparent", f"00-{trace_id}-{S1}-0{int(kept)}".encode()))
    return RawRecord("changes.books", 3, offset, b"anna@example.org", b"{}", tuple(headers), 0)


class Watched:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.trace = MessagingTrace(provider.get_tracer("test"))

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())


@pytest.fixture
def watched() -> Watched:
    return Watched()


def hex_trace(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


class TestProcessing:
    def test_a_single_record_continues_its_trace_by_parent_and_link(self, watched: Watched) -> None:
        with watched.trace.processing("mapper", [record(T1)]):
            pass
        (span,) = watched.spans()
        assert (span.name, span.kind) == ("process changes.books", SpanKind.CONSUMER)
        assert hex_trace(span) == T1
        assert span.parent is not None
        assert f"{span.parent.span_id:016x}" == S1
        assert [f"{link.context.trace_id:032x}" for link in span.links] == [T1]
        assert span.attributes is not None
        assert span.attributes["messaging.system"] == "kafka"
        assert span.attributes["messaging.operation.name"] == "process"
        assert span.attributes["messaging.operation.type"] == "process"
        assert span.attributes["messaging.consumer.group.name"] == "mapper"
        assert span.attributes["messaging.destination.partition.id"] == "3"
        assert span.attributes["messaging.kafka.offset"] == 5
        assert span.attributes["messaging.message.id"] == "event-1"
        assert span.attributes["cloudevents.event_type"] == "millrace.books.customer.changed.v1"

    def test_a_batch_is_a_new_trace_with_a_link_to_each_record(self, watched: Watched) -> None:
        with watched.trace.processing("mapper", [record(T1), record(T2), record(T3)]):
            pass
        (span,) = watched.spans()
        assert span.parent is None
        assert hex_trace(span) not in (T1, T2, T3)
        assert [f"{link.context.trace_id:032x}" for link in span.links] == [T1, T2, T3]
        assert span.attributes is not None
        assert span.attributes["messaging.batch.message_count"] == 3

    def test_a_batch_inside_another_span_is_still_a_new_trace(self, watched: Watched) -> None:
        with watched.trace.processing("outer", [record(T1)]), watched.trace.processing("m", [record(T2), record(T3)]):
            pass
        assert watched.spans()[0].parent is None

    @pytest.mark.parametrize("records", [[record()], [record(T1, kept=False)], [record(T1, kept=False), record()]])
    def test_what_is_not_kept_makes_no_span(self, watched: Watched, records: list[RawRecord]) -> None:
        with watched.trace.processing("mapper", records) as span:
            assert span is None
        assert watched.spans() == []

    def test_a_failure_is_on_the_span_without_its_words(self, watched: Watched) -> None:
        with pytest.raises(ValueError, match="anna"), watched.trace.processing("mapper", [record(T1)]):
            raise ValueError("anna@example.org")
        (span,) = watched.spans()
        assert span.status.status_code is StatusCode.ERROR
        assert span.attributes is not None
        assert span.attributes["error.type"] == "ValueError"
        assert "test_trace.py" in str(span.events[0].attributes)
        assert not otel.get_current_span().get_span_context().is_valid

    def test_nothing_personal_is_on_a_span(self, watched: Watched) -> None:
        with watched.trace.processing("mapper", [record(T1)]), watched.trace.sending("commands.x", [], record(T1)):
            pass
        assert "anna" not in "".join(span.to_json() for span in watched.spans())


class TestSending:
    def test_a_single_record_goes_on_in_one_trace(self, watched: Watched) -> None:
        headers: list[tuple[str, bytes]] = []
        one = record(T1)
        with watched.trace.processing("mapper", [one]), watched.trace.sending("commands.x", headers, one):
            pass
        send, process = watched.spans()
        assert (send.name, send.kind) == ("send commands.x", SpanKind.PRODUCER)
        assert send.parent is not None
        assert process.context is not None
        assert send.parent.span_id == process.context.span_id
        assert send.context is not None
        assert headers == [("traceparent", f"00-{T1}-{send.context.span_id:016x}-01".encode())]
        assert send.links == ()

    def test_in_a_batch_each_records_own_trace_goes_on_and_the_batch_is_linked(self, watched: Watched) -> None:
        records = [record(T1), record(T2)]
        headers: list[list[tuple[str, bytes]]] = [[], []]
        with watched.trace.processing("mapper", records):
            for one, given in zip(records, headers, strict=True):
                with watched.trace.sending("commands.x", given, one):
                    pass
        first, second, batch = watched.spans()
        assert [hex_trace(first), hex_trace(second)] == [T1, T2]
        assert [given[0][1][3:35].decode() for given in headers] == [T1, T2]
        assert [link.context.trace_id for link in first.links] == [batch.context.trace_id if batch.context else 0]

    def test_the_trace_id_travels_on_when_the_trace_is_not_kept(self, watched: Watched) -> None:
        headers: list[tuple[str, bytes]] = []
        with watched.trace.sending("commands.x", headers, record(T1, kept=False)):
            pass
        assert headers == [("traceparent", f"00-{T1}-{S1}-00".encode())]
        assert watched.spans() == []


class TestOff:
    def test_makes_no_span_and_hands_the_context_on(self) -> None:
        off = MessagingTrace()
        headers: list[tuple[str, bytes]] = []
        with off.processing("mapper", [record(T1)]) as span, off.sending("commands.x", headers, record(T1)):
            assert span is None
        assert headers == [("traceparent", f"00-{T1}-{S1}-01".encode())]

    def test_without_a_cause_it_adds_nothing(self) -> None:
        headers: list[tuple[str, bytes]] = []
        with MessagingTrace().sending("commands.x", headers):
            pass
        assert headers == []


class TestContext:
    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"x" * 55,
            b"00-" + b"0" * 32 + b"-" + b"b" * 16 + b"-01",
            b"ff-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",
            b"00-" + b"g" * 32 + b"-" + b"b" * 16 + b"-01",
            b"\xff" * 60,
        ],
    )
    def test_what_is_no_context_is_none(self, value: bytes) -> None:
        odd = RawRecord("t", 0, 0, None, None, (("traceparent", value),), 0)
        assert sampled_context(odd) is None

    def test_a_row_can_name_the_trace_whether_it_is_kept_or_not(self) -> None:
        assert trace_id_of(record(T1, kept=False)) == T1
        assert trace_id_of(record()) == ""
