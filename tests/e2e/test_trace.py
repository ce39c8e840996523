"""A live record is one trace, from the vendor's webhook to the call at the other vendor, and its journal names that trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.fleet import ROAD
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack
from tests.support.otlp import Collector, Span

HOOK = "POST /hooks/{system}/{connection}"
# Name, kind, service, parent, linked to.
LIVE = [
    (HOOK, "SERVER", "ingest", "", ()),
    ("send receipts.zoho-books", "PRODUCER", "ingest", HOOK, ()),
    ("process receipts.zoho-books", "CONSUMER", "ingest", "send receipts.zoho-books", ("send receipts.zoho-books",)),
    ("send changes.zoho-books", "PRODUCER", "ingest", "process receipts.zoho-books", ()),
    ("process changes.zoho-books", "CONSUMER", "mapper", "send changes.zoho-books", ("send changes.zoho-books",)),
    ("map zoho-books-to-mailchimp", "INTERNAL", "mapper", "process changes.zoho-books", ()),
    ("send commands.mailchimp", "PRODUCER", "mapper", "process changes.zoho-books", ()),
    ("process commands.mailchimp", "CONSUMER", "writer-mailchimp", "send commands.mailchimp", ("send commands.mailchimp",)),
    ("POST /lists/{list_id}", "CLIENT", "writer-mailchimp", "send commands.mailchimp", ()),
]  # fmt: skip
EMAIL, FIRST = "trace@alder.example", "Theodora"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str,
    collector: Collector,
) -> Iterator[Road]:  # fmt: skip
    folder = tmp_path_factory.mktemp("road") / "home"
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_SAMPLER": "parentbased_always_on"}
    with opened(folder, stack, database_server, database_template, **traced) as road:
        # The first call also asks for what is then known: it is made before anybody looks at traces.
        road.customer_created("first@alder.example")
        road.wait_for_member("first@alder.example")
        yield road


@pytest.fixture(scope="module")
def told(road: Road, collector: Collector) -> list[Span]:
    """The spans of one customer's way; the services send what is left when they stop."""
    record = road.customer_created(EMAIL, first=FIRST)
    road.wait_for_member(EMAIL)
    road.wait_until_quiet()
    [trace_id] = {row["trace_id"] for row in road.journal_of(record)}
    road.fleet.stop(*ROAD)
    return collector.trace(trace_id)


class TestLiveRecord:
    def test_is_one_trace_with_the_spans_of_the_documentation(self, told: list[Span]) -> None:
        names = {span.id: span.name for span in told}
        shown = [
            (span.name, span.kind, span.service.removeprefix("millrace-"), names.get(span.parent, span.parent),
             tuple(names[linked] for _, linked in span.links))
            for span in told
        ]  # fmt: skip
        assert sorted(shown) == sorted(LIVE)

    def test_says_where_it_was_and_what_came_of_it(self, told: list[Span]) -> None:
        spans = {span.name: span for span in told}
        assert spans[HOOK].attributes["http.response.status_code"] == 200
        assert spans["map zoho-books-to-mailchimp"].attributes["millrace.mapping.version"] == 1
        processed = spans["process commands.mailchimp"].attributes
        assert processed["messaging.consumer.group.name"] == "writer-mailchimp"
        assert str(processed["cloudevents.event_type"]).endswith("customer.wanted.v1")
        assert spans["POST /lists/{list_id}"].attributes["http.response.status_code"] == 200
        assert not any(span.failed for span in told)

    def test_has_nothing_of_the_person_in_any_span(self, told: list[Span], collector: Collector) -> None:
        assert told
        for word in (EMAIL, "alder.example", FIRST):
            assert word.encode() not in collector.bytes
