"""A consumer that is killed, stopped or starved in the middle of a batch loses nothing, and repeats are seen as repeats."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bus import (
    LedgerService,
    a_topic,
    committed,
    create,
    fetchval,
    fill,
    make_ledger,
    plain_producer,
    sql,
    until,
)
from tests.support.database import Database
from tests.support.local_stack import LocalStack
from tests.support.programs import Program

COUNT = 600
# As many keys have some in each partition.
FIRST = 30
STARTS_WITHIN_S = 60.0
LONG_SESSION_S = 90.0
LONG_SESSION = {"MILLRACE_LEDGER_SESSION_S": f"{LONG_SESSION_S:g}"}


@pytest.fixture
async def made(stack: LocalStack, database: Database, tmp_path: Path) -> LedgerService:
    await make_ledger(database)
    topic = await create(stack.kafka, a_topic())
    return LedgerService(stack.kafka, database, topic, f"ledger-{uuid.uuid4().hex[:8]}", tmp_path)


@pytest.fixture
def ledger(made: LedgerService) -> Iterator[LedgerService]:
    yield made
    made.kill_all()


async def exit_code(process: Program, within: float) -> int:
    deadline = time.monotonic() + within
    while process.poll() is None:
        assert time.monotonic() < deadline, f"the service still ran after {within} s"
        await asyncio.sleep(0.05)
    return process.wait()


class TestKilled:
    async def test_inside_its_transaction_it_repeats_the_batch_and_loses_nothing(self, ledger: LedgerService) -> None:
        await fill(ledger.kafka, ledger.topic, range(COUNT))
        slow = ledger.start(MILLRACE_LEDGER_DELAY="2")

        async def first_batch() -> bool:
            return await ledger.rows() > 0

        await until(first_batch, "the first batch")
        slow.send_signal(signal.SIGKILL)
        slow.wait(10)
        assert await ledger.rows() < COUNT
        ledger.start()
        await ledger.settled(COUNT)
        assert await fetchval(ledger.database.owner_url, "select count(distinct number) from flow.ledger") == COUNT

    async def test_its_successor_does_not_wait_until_its_session_is_over(self, ledger: LedgerService) -> None:
        await fill(ledger.kafka, ledger.topic, range(10))
        killed = ledger.start(**LONG_SESSION)
        await ledger.settled(10)
        killed.kill()
        killed.wait(10)
        await fill(ledger.kafka, ledger.topic, range(10, 20))
        began = time.monotonic()
        ledger.start(**LONG_SESSION)
        await ledger.settled(20)
        assert time.monotonic() - began < LONG_SESSION_S

    @pytest.mark.parametrize(("at_most", "count"), [(1, 30), (100, COUNT), (500, 1200)])
    async def test_between_store_and_commit_the_repeat_is_seen_as_one(
        self, ledger: LedgerService, at_most: int, count: int
    ) -> None:
        await fill(ledger.kafka, ledger.topic, range(count))
        size = {"MILLRACE_LEDGER_MAX_RECORDS": str(at_most)}
        killed = ledger.start(MILLRACE_FAILPOINTS="bus.after_store=kill@2", **size)
        assert await exit_code(killed, STARTS_WITHIN_S) == -signal.SIGKILL
        stored = await ledger.rows()
        before = await committed(ledger.kafka, ledger.group, ledger.topic)
        assert 0 < before < stored <= before + at_most
        ledger.start(**size)
        await ledger.settled(count)
        async with sql(ledger.database.owner_url) as link:
            assert await link.fetchval("select count(*) from flow.ledger") == count
            # Exactly the batch whose offsets were not committed came twice.
            assert await link.fetchval("select count(*) from flow.ledger where seen = 2") == stored - before
            assert await link.fetchval("select max(seen) from flow.ledger") == 2

    @pytest.mark.parametrize(("at_most", "count"), [(1, 30), (500, 1200)])
    async def test_with_stored_places_nothing_is_repeated_though_kafka_was_told_late(
        self, ledger: LedgerService, at_most: int, count: int
    ) -> None:
        size = {"MILLRACE_LEDGER_MAX_RECORDS": str(at_most), "MILLRACE_LEDGER_PLACES": "true"}
        await self._heard_of_everywhere(ledger, size)
        await fill(ledger.kafka, ledger.topic, range(count))
        killed = ledger.start(MILLRACE_FAILPOINTS="bus.after_store=kill@3", **size)
        assert await exit_code(killed, STARTS_WITHIN_S) == -signal.SIGKILL
        assert await committed(ledger.kafka, ledger.group, ledger.topic) < await ledger.rows()
        ledger.start(**size)
        await ledger.settled(FIRST + count)
        assert await fetchval(ledger.database.owner_url, "select max(seen) from flow.ledger") == 1

    async def _heard_of_everywhere(self, ledger: LedgerService, size: dict[str, str]) -> None:
        """A partition of which Kafka was never told anything is read from its beginning (R27), so each is told once before."""
        await fill(ledger.kafka, ledger.topic, range(-FIRST, 0), keys=FIRST)
        service = ledger.start(**size)
        await ledger.settled(FIRST)
        service.send_signal(signal.SIGTERM)
        assert await exit_code(service, 25) == 0, ledger.log()


class TestStopped:
    async def test_during_a_batch_it_ends_in_time_and_the_batch_is_committed(self, ledger: LedgerService) -> None:
        await fill(ledger.kafka, ledger.topic, range(COUNT))
        service = ledger.start(MILLRACE_LEDGER_DELAY="2")
        await until(lambda: _in_transaction(ledger), "a batch in its transaction")
        asked = time.monotonic()
        service.send_signal(signal.SIGTERM)
        assert await exit_code(service, 25) == 0, ledger.log()
        assert time.monotonic() - asked < 2 + ledger.granted(6)
        stored = await ledger.rows()
        assert 0 < stored < COUNT
        assert await committed(ledger.kafka, ledger.group, ledger.topic) == stored
        ledger.start()
        await ledger.settled(COUNT)
        assert await fetchval(ledger.database.owner_url, "select max(seen) from flow.ledger") == 1

    async def test_during_a_batch_that_does_not_end_it_gives_up_and_the_batch_is_repeated(
        self, ledger: LedgerService
    ) -> None:
        # The accident this holds off: an older framework committed a handler that it had cancelled.
        await fill(ledger.kafka, ledger.topic, range(50))
        service = ledger.start(MILLRACE_LEDGER_DELAY="120")
        await until(lambda: _in_transaction(ledger), "a batch in its transaction")
        asked = time.monotonic()
        service.send_signal(signal.SIGTERM)
        assert await exit_code(service, 25) == 0, ledger.log()
        assert time.monotonic() - asked < 25
        assert await ledger.rows() == 0
        assert await committed(ledger.kafka, ledger.group, ledger.topic) == 0
        ledger.start()
        await ledger.settled(50)

    async def test_with_nothing_to_do_it_ends_at_once(self, ledger: LedgerService) -> None:
        await fill(ledger.kafka, ledger.topic, range(10))
        service = ledger.start()
        await ledger.settled(10)
        asked = time.monotonic()
        service.send_signal(signal.SIGTERM)
        assert await exit_code(service, 25) == 0
        assert time.monotonic() - asked < ledger.granted(3)


class TestDeadLetterThatCannotBeWritten:
    async def test_stops_the_service_and_keeps_the_record(self, ledger: LedgerService) -> None:
        async with sql(ledger.database.owner_url) as link:
            await link.execute("revoke insert on flow.dead_letter from millrace_service")
        await fill(ledger.kafka, ledger.topic, range(20), keys=1)
        await _send_raw(ledger, b"not json")
        service = ledger.start()
        assert await exit_code(service, STARTS_WITHIN_S) == 1
        assert "Dead letters cannot be written" in ledger.log()
        assert await ledger.rows() == 0
        assert await committed(ledger.kafka, ledger.group, ledger.topic) == 0
        async with sql(ledger.database.owner_url) as link:
            await link.execute("grant insert on flow.dead_letter to millrace_service")
        ledger.start()

        async def all_read() -> bool:
            return await committed(ledger.kafka, ledger.group, ledger.topic) == 21

        await until(all_read, "the record and its neighbours")
        assert await ledger.rows() == 20
        assert await fetchval(ledger.database.owner_url, "select count(*) from flow.dead_letter") == 1


async def _in_transaction(ledger: LedgerService) -> bool:
    return bool(
        await fetchval(
            ledger.database.admin_url,
            "select count(*) from pg_stat_activity where application_name = 'ledger' "
            "and datname = current_database() and state = 'idle in transaction'",
        )
    )


async def _send_raw(ledger: LedgerService, value: bytes) -> None:
    async with plain_producer(ledger.kafka) as producer:
        await producer.send_and_wait(ledger.topic.name, value, key=b"k0")
