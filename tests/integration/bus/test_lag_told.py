"""A process whose consumer is behind says by how much."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import httpx

from tests.support.bus import LedgerService, a_topic, create, fill, make_ledger, until
from tests.support.database import Database
from tests.support.local_stack import LocalStack


async def figures(ledger: LedgerService) -> dict[str, float]:
    """The lines of `/metrics` about this group, by name."""
    whole, _, _ = ledger.log().rpartition("\n")
    starting = next((line for line in whole.splitlines() if "service.starting" in line), None)
    if starting is None:
        return {}
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client:
        shown = (await client.get(f"{json.loads(starting)['urls'][0]}/metrics")).text
    mine = [line.rpartition(" ") for line in shown.splitlines() if ledger.group in line]
    return {name.partition("{")[0]: float(value) for name, _, value in mine}


class TestLag:
    async def test_is_told_in_records_and_in_seconds_and_ends(
        self, stack: LocalStack, database: Database, tmp_path: Path
    ) -> None:
        await make_ledger(database)
        topic = await create(stack.kafka, a_topic())
        ledger = LedgerService(stack.kafka, database, topic, f"ledger-{uuid.uuid4().hex[:8]}", tmp_path)
        await fill(stack.kafka, topic, range(30))
        await asyncio.sleep(1.0)  # what waits is at least a second old
        try:
            ledger.start(MILLRACE_LEDGER_MAX_RECORDS="1", MILLRACE_LEDGER_DELAY="1", PORT="0")

            async def behind() -> bool:
                told = await figures(ledger)
                return told.get("millrace_kafka_consumer_lag_records", 0) > 0

            await until(behind, "a lag", within=60)
            assert (await figures(ledger))["millrace_kafka_consumer_lag_seconds"] >= 1

            async def even() -> bool:
                told = await figures(ledger)
                return told["millrace_kafka_consumer_lag_records"] == told["millrace_kafka_consumer_lag_seconds"] == 0

            await until(even, "no lag", within=120)
        finally:
            ledger.kill_all()
