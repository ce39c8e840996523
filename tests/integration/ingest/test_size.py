"""A webhook of 2 MiB goes the whole road; one byte more is refused with its first part kept: a real process and a real Kafka."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from common.bus.connection import KafkaAddress
from common.bus.reading import ReadFrom, WantedRecords, read
from common.bus.republishing import republisher
from common.bus.topics_admin import create_topics, topic_states
from common.contracts.messages import ChangeEvent, Receipt
from common.contracts.topics import MAX_MESSAGE_BYTES
from common.state.dead_letters import DeadLetters, LetterFilter, StoredLetter
from common.state.pool import close_pool, connection, open_pool
from tests.support.bus import sql, until
from tests.support.database import Database
from tests.support.ingest_service import QUERY, IngestService, secret_broker, signature
from tests.support.local_stack import LocalStack
from vendors.registry import TOPICS

MOST = 2 * 2**20


@pytest.fixture
def service(stack: LocalStack, database: Database, tmp_path: Path) -> Iterator[IngestService]:
    asyncio.run(create_topics(KafkaAddress(stack.kafka), TOPICS))
    with secret_broker("books") as broker:
        made = IngestService(stack, database, broker.url, tmp_path)
        made.start()
        made.until_ready()
        yield made
        made.kill_all()


def contact(record: str, size: int) -> bytes:
    told = {"contact_id": record, "contact_name": "Ana", "contact_type": "customer", "email": "ana@ex.org",
            "last_modified_time": "2026-05-04T10:11:12+0200", "notes": ""}  # fmt: skip
    bare = len(json.dumps({"contact": told}))
    return json.dumps({"contact": told | {"notes": "n" * (size - bare)}}).encode()


async def post(service: IngestService, body: bytes, *, chunked: bool = False) -> int | None:
    """The status, or None when the line was closed on a sender that was still sending."""

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 60_000):
            yield body[at : at + 60_000]

    headers = {"content-type": "application/json", "x-zoho-webhook-signature": signature(body)}
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client:
        with suppress(httpx.TransportError):
            content = chunks() if chunked else body
            url = f"{service.url()}/hooks/zoho-books/books?{QUERY}"
            return (await client.post(url, content=content, headers=headers)).status_code
    return None


async def letter(service: IngestService, record_value: bytes) -> StoredLetter | None:
    pool = await open_pool(service.database.url("service"), name="test", size=1)
    async with connection(pool) as link:
        found = await DeadLetters(link).find(LetterFilter())
    await close_pool(pool)
    return next(
        (one for one in found if Receipt.model_validate_json(one.letter.value or b"").body == record_value), None
    )


class TestTwoMebibytes:
    @pytest.mark.parametrize("chunked", [False, True])
    async def test_become_a_receipt_and_a_change(self, service: IngestService, chunked: bool) -> None:
        record, address = uuid.uuid4().hex, KafkaAddress(service.stack.kafka)
        body = contact(record, MOST)
        assert len(body) == MOST
        assert await post(service, body, chunked=chunked) == 200
        key = f"books:customer:{record}".encode()
        found = [r async for r in read(address, "receipts.zoho-books", ReadFrom(), WantedRecords(key_prefix=key))]
        assert [Receipt.model_validate_json(r.value or b"").body for r in found] == [body]

        async def changed() -> list[str]:
            events = read(address, "changes.zoho-books", ReadFrom(), WantedRecords(key_prefix=key))
            return [ChangeEvent.model_validate_json(r.value or b"").record async for r in events]

        assert await until(changed, "the change", within=60) == [record]

    async def test_that_cannot_be_read_are_a_dead_letter_that_can_be_sent_again(self, service: IngestService) -> None:
        body = uuid.uuid4().bytes + b"\xff" * (MOST - 16)
        assert await post(service, body) == 200
        stored = await until(lambda: letter(service, body), "the dead letter", within=60)
        async with republisher(KafkaAddress(service.stack.kafka)) as again:
            await again.send(stored)
        key = stored.letter.key or b""
        found = [
            r
            async for r in read(
                KafkaAddress(service.stack.kafka), "receipts.zoho-books", ReadFrom(), WantedRecords(key_prefix=key)
            )
        ]
        assert [r.value for r in found] == [stored.letter.value] * 2

    @pytest.mark.parametrize("chunked", [False, True])
    async def test_and_one_byte_are_refused_with_their_first_part_kept(
        self, service: IngestService, chunked: bool
    ) -> None:
        body = contact(uuid.uuid4().hex, MOST + 1)
        assert await post(service, body, chunked=chunked) in (413, None)
        async with sql(service.database.owner_url) as link:
            (kept,) = await link.fetch("select * from flow.quarantine")
        assert body.startswith(kept["body"])
        assert len(kept["body"]) == 65_536
        assert kept["size"] > MOST


class TestTopics:
    async def test_take_what_producers_may_send(self, stack: LocalStack) -> None:
        await create_topics(KafkaAddress(stack.kafka), TOPICS)
        states = await topic_states(KafkaAddress(stack.kafka), [topic.name for topic in TOPICS])
        assert {state.config["max.message.bytes"] for state in states.values()} == {str(MAX_MESSAGE_BYTES)}
