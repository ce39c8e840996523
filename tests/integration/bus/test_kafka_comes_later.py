"""A service that starts while Kafka is away says so, goes on with what needs none, and begins when a broker answers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from common.bus.connection import KafkaAddress
from common.bus.topics_admin import create_topics
from mapper.mapping.definitions import source_vendors
from tests.support.bus import until
from tests.support.database import Database
from tests.support.groups import from_now_on, of_mapper, of_writer
from tests.support.local_stack import LocalStack
from tests.support.programs import start
from tests.support.proxy import proxy_to
from vendors.registry import TOPICS

# Ingest answers for its gateway, which needs the producer; what it reads are parts.
SERVICES = {"ingest": "kafka", "mapper": "changes.zoho-books", "writer_mailchimp": "commands.mailchimp"}
# Those whose places the database keeps as well; the mapper reads what every source tells.
READS = {"ingest": [], "mapper": of_mapper(*source_vendors()), "writer_mailchimp": of_writer("mailchimp")}
GOES_ON = {"ingest": "connections", "mapper": "journal months", "writer_mailchimp": ""}


class Service:
    """One process and what it says."""

    def __init__(self, name: str, settings: dict[str, str], folder: Path) -> None:
        self._log = folder / "service.log"
        self._told: tuple[int, dict[str, Any]] | None = None
        (folder / "key").write_text("k")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("MILLRACE_")}
        own = {
            "PORT": "0",
            "MILLRACE_TEST": "1",
            "MILLRACE_HOME": str(folder),
            "MILLRACE_SERVICE_KEY_PATH": str(folder / "key"),
        }
        with self._log.open("wb") as log:
            self.process = start(name, environment=inherited | own | settings, output=log, folder=folder)

    def events(self, name: str) -> list[dict[str, Any]]:
        whole, _, _ = self._log.read_text().rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    async def says(self, event: str) -> dict[str, Any]:
        async def said() -> bool:
            assert self.process.poll() is None, self._log.read_text()[-3000:]
            return bool(self.events(event))

        await self._until(said, event)
        return self.events(event)[0]

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        url = (await self.says("service.starting"))["urls"][0]
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client:
            answer = await client.get(f"{url}/readyz")
        return answer.status_code, answer.json()

    async def until_told_of_kafka(self, check: str) -> None:
        """It is not ready, and says why."""

        async def told() -> bool:
            status, answer = self._told = await self.readiness()
            return status == 503 and "Kafka" in answer["checks"][check].get("error", "")

        await self._until(told, "the reason")

    async def until_it_goes_on(self, part: str) -> None:
        async def well() -> bool:
            self._told = await self.readiness()
            return bool(self._told[1]["parts"][part]["ok"])

        await self._until(well, part)

    async def until_ready(self) -> None:
        async def is_ready() -> bool:
            self._told = await self.readiness()
            return self._told[0] == 200

        await self._until(is_ready, "readiness")

    async def _until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            await until(condition, what)
        except AssertionError as late:
            raise AssertionError(f"{late}; /readyz: {self._told}; its log:\n{self._log.read_text()[-6000:]}") from late

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(25)


@pytest.fixture(params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def running() -> Iterator[list[Service]]:
    made: list[Service] = []
    yield made
    for service in made:
        if service.process.poll() is None:
            service.process.kill()
        service.process.wait(10)


class TestKafkaComesLater:
    async def test_is_waited_for_and_the_service_begins_then(
        self, name: str, stack: LocalStack, database: Database, tmp_path: Path, running: list[Service]
    ) -> None:
        await create_topics(KafkaAddress(stack.kafka), TOPICS)
        await from_now_on(stack.kafka, READS[name])
        async with proxy_to(stack.kafka) as kafka:
            kafka.cut()
            running.append(service := Service(name, settings(stack, database, kafka.port), tmp_path))
            await service.says("service.started")
            await service.until_told_of_kafka(SERVICES[name])
            if GOES_ON[name]:
                await service.until_it_goes_on(GOES_ON[name])
            kafka.mend()
            await service.until_ready()
            assert await asyncio.to_thread(service.end) == 0

    async def test_that_never_comes_does_not_keep_it_from_ending(
        self, name: str, stack: LocalStack, database: Database, tmp_path: Path, running: list[Service]
    ) -> None:
        running.append(service := Service(name, settings(stack, database, 1), tmp_path))
        await service.says("consumer.kafka_away")
        assert await asyncio.to_thread(service.end) == 0


def settings(stack: LocalStack, database: Database, kafka: int) -> dict[str, str]:
    return {
        "DATABASE_URL": database.url("service"),
        "REDIS_URL": stack.valkey_url,
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{kafka}",
        "MILLRACE_TOKEN_BROKER_URL": "http://127.0.0.1:1",
    }
