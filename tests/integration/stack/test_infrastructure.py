"""The three servers of the test session are real and are ours."""

from __future__ import annotations

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis

from tests.support.local_stack import LocalStack


class TestInfrastructure:
    async def test_kafka_answers_as_one_node(self, stack: LocalStack) -> None:
        client = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
        await client.start()
        try:
            cluster = await client.describe_cluster()
        finally:
            await client.close()
        assert [f"{broker['host']}:{broker['port']}" for broker in cluster["brokers"]] == [stack.kafka]

    async def test_postgres_lets_its_superuser_in(self, stack: LocalStack) -> None:
        link = await asyncpg.connect(stack.postgres_url)
        try:
            assert await link.fetchval("select rolsuper from pg_roles where rolname = current_user")
        finally:
            await link.close()

    async def test_postgres_lets_nobody_in_without_a_password(self, stack: LocalStack) -> None:
        address = stack.postgres_url.rpartition("@")[2]
        refused = None
        try:
            await asyncpg.connect(f"postgresql://millrace_admin@{address}", password="wrong")
        except asyncpg.InvalidPasswordError as error:
            refused = error
        assert refused is not None

    async def test_valkey_keeps_what_it_is_told(self, stack: LocalStack) -> None:
        client = Redis.from_url(stack.valkey_url)
        try:
            await client.set("infrastructure", "1", ex=60)
            assert await client.get("infrastructure") == b"1"
        finally:
            await client.aclose()
