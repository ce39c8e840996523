"""PostgreSQL is put back to an older state while Kafka and the vendors go on (R27): everything waits, and says why."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import asyncpg

from millrace.connection_words import line_of
from tests.e2e.background import Sql
from tests.e2e.fleet import ROAD
from tests.e2e.road import Road
from tests.support.database import in_a_loop

SERVICES = ("token-broker", "console", *ROAD)


class TestDatabasePutBack:
    def test_closes_every_gate_creates_nothing_again_and_goes_on_when_it_is_lifted(self, road: Road) -> None:
        kept = road.customer_created("kept@ex.org", first_name="Kept")
        road.wait_for_member("kept@ex.org")
        road.wait_until_quiet()
        backup = self.backed_up(road)

        forgotten = [f"forgotten{n}@ex.org" for n in range(3)]
        for email in forgotten:
            road.customer_created(email, first_name="New")
        for email in forgotten:
            road.wait_for_member(email)
        road.wait_until_quiet()

        mark = road.mark()
        self.put_back(road, backup)
        closed = "select count(*) from core.gate where reason = 'restored'"
        road.until(lambda: road.sql.value(closed) == 2, "the gates are closed")

        # Webhooks are still taken, and nothing of it reaches a vendor.
        road.books.person_edited(kept, "kept@ex.org", first="Edited")
        road.until(lambda: self.taken(road, kept, mark), "the webhook was taken")
        time.sleep(3)
        assert [call for call in road.calls_of(mark) if call["method"] != "GET"] == []

        with road.console() as console:
            shown: Any = console.get("/connections")
        assert {one["standing"] for one in shown["items"]} == {"restored"}
        for one in shown["items"]:
            line = line_of(one, 20)
            assert "Database went back" in line and "The database was put back to an older state" in line
            assert "Nothing is written at any vendor, and webhooks are still taken" in line

        road.sql.execute("select core.lift_restored(now())")
        road.wait_for_member("kept@ex.org", FNAME="Edited")
        road.wait_until_quiet()
        created = [one for call in road.calls_of(mark) for one in call["applied"] if one["op"] == "create"]
        assert created == [], "who was there is found, and not made again"
        known = {row["record"] for row in road.sql.rows("select record from flow.work_item where state = 'done'")}
        assert len(known) == 1 + len(forgotten)

    def taken(self, road: Road, record: str, mark: Any) -> bool:
        return any(one["status"] == 200 for one in road.deliveries_of(record, mark) if "status" in one)

    def backed_up(self, road: Road) -> str:
        name = f"b_{uuid.uuid4().hex[:12]}"
        self.exchanged(road, [f"create database {name} template {road.database.name}"])
        road.fleet.start(*SERVICES)
        return name

    def put_back(self, road: Road, backup: str) -> None:
        mine = road.database.name
        self.exchanged(road, [f"drop database {mine} with (force)", f"alter database {backup} rename to {mine}"])
        road.fleet.start("token-broker", "console", "ingest")
        for name in ("mapper", "writer-mailchimp"):
            road.fleet.begin(name)

    def exchanged(self, road: Road, statements: list[str]) -> None:
        road.fleet.stop(*SERVICES)
        road.sql.close()
        in_a_loop(self._run(road, statements))
        road.sql = Sql(road.sql._background, road.database.owner_url)

    async def _run(self, road: Road, statements: list[str]) -> None:
        link = await asyncpg.connect(road.database.server.url("admin", "postgres"))
        try:
            sessions = "select count(*) from pg_stat_activity where datname = $1"
            async with asyncio.timeout(60):
                while await link.fetchval(sessions, road.database.name):  # noqa: ASYNC110 - the server tells nobody
                    await asyncio.sleep(0.05)
            for statement in statements:
                await link.execute(statement)
            await link.execute(
                f"grant connect on database {road.database.name} to millrace_service, millrace_console, millrace_broker"
            )
        finally:
            await link.close()
