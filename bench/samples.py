"""Changes as a list of customers gives them, on a topic of their own."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from bench.tracing import traceparent
from common.bus.connection import KafkaAddress
from common.bus.topics_admin import create_topics
from common.contracts.ids import ConnectionId, Entity, EventId, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Envelope, Version
from common.contracts.topics import Topic
from tests.support.local_stack import LocalStack


async def made_topic(stack: LocalStack, vendor: str = "bench") -> Topic:
    """A topic of its own, with as many partitions as those of changes have."""
    name = f"bench.{uuid.uuid4().hex[:8]}"
    topic = Topic(name, "changes", vendor, ChangeEvent, "{key}", "A measurement.", partitions=12)
    await create_topics(KafkaAddress(stack.kafka), [topic])
    return topic


async def fill(stack: LocalStack, topic: Topic, records: int) -> None:
    """As many changes, each of another customer."""
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka, acks="all", linger_ms=5)
    await producer.start()
    sent = []
    for number in range(records):
        headers = [*headers_of(number), ("traceparent", traceparent(number))]
        key = b"books-1:customer:%d" % number
        sent.append(await producer.send(topic.name, body_of(number), key=key, headers=headers))
    await asyncio.gather(*sent)
    await producer.stop()


def change_of(number: int) -> ChangeEvent:
    """A customer as a list call of Zoho Books gives it."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return ChangeEvent(
        id=EventId(f"{number:032x}"),
        connection=ConnectionId("books-1"),
        vendor=VendorName("zoho-books"),
        entity=Entity("customer"),
        record=RecordId(f"460000000{number:08d}"),
        kind="changed",
        version=Version(stamp=at, settled=True),
        coverage="list",
        fields={
            "name": f"Customer {number}",
            "first_name": "Anna",
            "last_name": "Example",
            "company": "Example and Company",
            "email": f"customer-{number}@example.org",
            "phone": "+49 30 1234567",
            "status": "active",
            "currency": "EUR",
            "outstanding": "1234.50",
            "billing": {"street": "Main Street 1", "city": "Berlin", "zip": "10115", "country": "DE"},
            "tags": ["wholesale", "priority"],
            "custom": {"cf_segment": "gold", "cf_region": "north"},
        },
        observed_at=at,
        via="poll",
    )


def body_of(number: int) -> bytes:
    """As it lies on the topic."""
    return change_of(number).model_dump_json().encode()


def headers_of(number: int) -> list[tuple[str, bytes]]:
    """Those of the envelope."""
    return Envelope.of_change(change_of(number)).headers()
