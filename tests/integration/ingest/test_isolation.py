"""The gateway takes webhooks while its neighbours in the process crash: a real process, a real Kafka, a table taken away."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from common.bus.connection import KafkaAddress
from common.bus.topics_admin import create_topics
from tests.support.bus import sql, until
from tests.support.database import Database
from tests.support.ingest_service import QUERY, IngestService, secret_broker, signature
from tests.support.local_stack import LocalStack
from vendors.registry import TOPICS

NORMALISER = "receipts.zoho-books"


@pytest.fixture
def service(stack: LocalStack, database: Database, tmp_path: Path) -> Iterator[IngestService]:
    asyncio.run(create_topics(KafkaAddress(stack.kafka), TOPICS))
    with secret_broker("books") as broker:
        made = IngestService(stack, database, broker.url, tmp_path)
        yield made
        made.kill_all()


def contact(record: str) -> bytes:
    """Told by a webhook that only names its record: it has to be read."""
    return json.dumps({"contact": {"contact_id": record, "contact_name": "Ana"}}).encode()


async def post(client: httpx.AsyncClient, url: str, body: bytes) -> tuple[int, float]:
    began = time.monotonic()
    headers = {"content-type": "application/json", "x-zoho-webhook-signature": signature(body)}
    answer = await client.post(f"{url}/hooks/zoho-books/books?{QUERY}", content=body, headers=headers)
    return answer.status_code, time.monotonic() - began


class TestGateway:
    async def test_takes_webhooks_while_the_normaliser_crashes_again_and_again(self, service: IngestService) -> None:
        service.start()
        url = await asyncio.to_thread(service.until_ready)
        owner, record = service.database.owner_url, uuid.uuid4().hex
        async with sql(owner) as link, httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as client:
            await link.execute(
                "insert into core.connection (id, vendor, name, state, created_at, updated_at) "
                "values ('books', 'zoho-books', 'books', 'active', now(), now())"
            )
            # No consumer can work without it: it stops, and is started again, and stops.
            await link.execute("alter table flow.read_request rename to taken_away")
            answers = [await post(client, url, contact(record))]

            async def crashed_twice() -> bool:
                await asyncio.sleep(0.2)
                answers.append(await post(client, url, contact(record)))
                return service.log().count("service.part_crashed") >= 2

            await until(crashed_twice, "a second crash", within=60)

            async def shown() -> bool:
                told = await asyncio.to_thread(service.readiness)
                return NORMALISER in told["degraded"] or "crashes" in told["parts"][NORMALISER]["detail"]

            # Between two crashes it runs for a moment.
            await until(shown, "who looks sees that it crashes")
            assert (await client.get(f"{url}/readyz")).status_code == 200
            assert {status for status, _ in answers} == {200}
            await link.execute("alter table flow.taken_away rename to read_request")

            async def asked_for() -> bool:
                return bool(await link.fetchval("select count(*) from flow.read_request where record = $1", record))

            await until(asked_for, "the record's read", within=90)
        assert service.processes[-1].poll() is None

    async def test_ends_cleanly_while_a_part_rests(self, service: IngestService) -> None:
        service.start()
        url = await asyncio.to_thread(service.until_ready)
        async with (
            sql(service.database.owner_url) as link,
            httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as client,
        ):
            await link.execute("alter table flow.read_request rename to taken_away")
            await post(client, url, contact("1"))

            async def crashed() -> bool:
                return "service.part_crashed" in service.log()

            await until(crashed, "a crash", within=60)
        assert await asyncio.to_thread(service.end) == 0
