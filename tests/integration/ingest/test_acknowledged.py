"""How fast webhooks are acknowledged is told by the process that does it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from common.bus.connection import KafkaAddress
from common.bus.topics_admin import create_topics
from tests.support.database import Database
from tests.support.ingest_service import QUERY, IngestService, secret_broker, signature
from tests.support.local_stack import LocalStack
from vendors.registry import TOPICS


@pytest.fixture
def service(stack: LocalStack, database: Database, tmp_path: Path) -> Iterator[IngestService]:
    asyncio.run(create_topics(KafkaAddress(stack.kafka), TOPICS))
    with secret_broker("books") as broker:
        made = IngestService(stack, database, broker.url, tmp_path)
        yield made
        made.kill_all()


class TestAcknowledged:
    def test_each_answer_is_one_observation(self, service: IngestService) -> None:
        service.start()
        url = service.until_ready()
        body = b'{"contact": {"contact_id": "1"}}'
        with httpx.Client(trust_env=False, verify=False, timeout=60) as client:
            for secret, status in ((signature(body), 200), ("forged", 401)):
                headers = {"content-type": "application/json", "x-zoho-webhook-signature": secret}
                answer = client.post(f"{url}/hooks/zoho-books/books?{QUERY}", content=body, headers=headers)
                assert answer.status_code == status
            shown = client.get(f"{url}/metrics").text.splitlines()
        assert 'millrace_ingest_ack_seconds_count{system="zoho-books"} 2.0' in shown
        (total,) = (line for line in shown if line.startswith("millrace_ingest_ack_seconds_sum"))
        assert 0 < float(total.rpartition(" ")[2]) < 60
