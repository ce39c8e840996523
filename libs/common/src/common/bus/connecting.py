"""The producer of a service: connected at the start, or as soon as a broker answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from common.bus.connection import KafkaAddress
from common.bus.producer import Producer
from common.bus.trace import MessagingTrace
from common.failures import Transient
from common.runtime import Runtime, SettingsT

EVERY_S = 1.0
# Who hands over to Kafka is not ready until then: a broker that is back is not kept waiting.
LONGEST_S = 5.0


@asynccontextmanager
async def producing(runtime: Runtime[SettingsT], trace: MessagingTrace) -> AsyncIterator[Producer]:
    """A service that starts before its Kafka is not ready until a broker answers, and goes on with what needs none."""
    producer = Producer(KafkaAddress.of(runtime.settings), client_id=f"millrace-{runtime.service}", trace=trace)
    with suppress(Transient):
        await producer.connect()
    runtime.every("kafka producer", EVERY_S, producer.connect, longest_s=LONGEST_S)
    try:
        yield producer
    finally:
        await producer.stop()
