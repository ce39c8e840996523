"""Today's code on the database of the last release: it knows what was known then, and has nothing to write."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.clock import OffsetClock
from common.state.configuration import ConfigurationReader
from common.state.migration import migrate
from common.state.pool import close_pool, open_pool
from mapper.mappings import Mappings
from mapper.publisher import Publisher
from mapper.remap import Remapper
from tests.integration.mapper.test_handlers import Wire
from tests.support.database import Database, Server, in_a_loop
from tests.support.releases import Release
from tests.support.sandbox import SandboxProcess
from tests.support.writing import LIST, World, close_world

LAST = Release(80)
SYNC = "demo-customers"
COUNTED = (
    "flow.journal",
    "flow.target_record",
    "flow.target_owner",
    "flow.work_item",
    "flow.write_intent",
    "flow.record_state",
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    started = SandboxProcess(tmp_path_factory.mktemp("sandbox"), snapshot_seconds=600.0).start()
    yield started
    started.stop()


@pytest.fixture
def release(database_server: Server, database_template: str, tmp_path: Path) -> Iterator[Database]:
    """A database as the release has left it."""
    name = f"u_{uuid.uuid4().hex[:16]}"
    created = in_a_loop(database_server.create(name))
    in_a_loop(LAST.put_into(created, tmp_path))
    yield created
    in_a_loop(database_server.drop(name))


@pytest.fixture
async def world(release: Database, sandbox: SandboxProcess) -> AsyncIterator[World]:
    """A writer of today on that database, and the audience as it was then."""
    await migrate(release.owner_url)
    sandbox.post("reset")
    listed: Any = sandbox.get("accounts")["accounts"]
    account = next(one for one in listed if one["vendor"] == "mailchimp")
    owner = await open_pool(release.owner_url, name="test owner", size=2)
    pool = await open_pool(release.url("service"), name="writer", size=8)
    world = World(pool, owner, sandbox, account, OffsetClock(sandbox.home))
    _fill(world)
    yield world
    await close_world(world)


def _fill(world: World) -> None:
    for email, (status, fields, tags) in LAST.members().items():
        body = {"email_address": email, "status": "subscribed" if status == "archived" else status, "merge_fields": fields, "tags": tags}  # fmt: skip
        answer = world.call("POST", f"/lists/{LIST}/members", json=body)
        assert answer.status_code == 200, answer.text
        if status == "archived":
            world.call("DELETE", f"/lists/{LIST}/members/{answer.json()['id']}")


async def _wanted_again(world: World) -> None:
    """Every record's wish of then comes once more as a newer one, as a replay or a new mapping version would bring it."""
    for row in await world.rows("select * from flow.work_item"):
        same = world.command(
            row["record"], sync=SYNC, revision=row["revision"] + 1, place=row["place"], source=row["source"], target=row["connection"]
        )  # fmt: skip
        wish = {"wish": row["wish"], "document": row["document"], "skip": row["skip"]}
        await world.store(Delivered(same.message.model_copy(update=wish), same.record))


class TestTheDatabaseOfTheLastRelease:
    async def test_keeps_every_row(self, release: Database) -> None:
        before = await _counts(release)
        await migrate(release.owner_url)
        assert await _counts(release) == before
        assert min(before.values()) > 30

    async def test_the_writer_has_nothing_to_write(self, world: World) -> None:
        await _wanted_again(world)
        await world.settled()
        assert world.calls() == []
        rows = await world.rows("select outcome, count(*) as many from flow.work_item group by 1")
        assert {row["outcome"] for row in rows} <= {"unchanged", "skipped"}, rows

    async def test_the_mapper_wants_nothing_new(self, world: World) -> None:
        wire, configuration, mappings = Wire(), ConfigurationReader(), Mappings()
        remapper = Remapper(
            world.pool, world.clock, configuration, mappings, Publisher(world.pool, wire, configuration)
        )
        await world.execute(
            """insert into core.mapping_version select (jsonb_populate_record(m, '{"version": 2}')).* from core.mapping_version m"""
        )
        await world.execute("update core.sync set mapping_version = 2")
        before = await world.rows("select sync, entity, record, revision from flow.wanted order by 1, 2, 3")
        while await remapper.step():
            pass
        assert await world.rows("select sync, entity, record, revision from flow.wanted order by 1, 2, 3") == before
        assert wire.sent == []

    async def test_who_left_then_is_not_subscribed_under_another_address_now(self, world: World) -> None:
        left = [email for email, (status, _, _) in LAST.members().items() if status == "unsubscribed"]
        rows = await world.rows("select * from flow.work_item where target_key = any($1::text[])", left)
        assert len(rows) >= 5
        for row in rows:
            await world.store(
                world.command(
                    row["record"], f"moved-{row['record']}@ex.org", sync=SYNC, revision=row["revision"] + 1, place=row["place"],
                    source=row["source"], target=row["connection"],
                )
            )  # fmt: skip
        await world.settled()
        for row in rows:
            assert world.status(f"moved-{row['record']}@ex.org") in ("unsubscribed", "none")


async def _counts(database: Database) -> dict[str, int]:
    pool = await open_pool(database.owner_url, name="test", size=1)
    try:
        async with pool.acquire() as link:
            return {table: int(await link.fetchval(f"select count(*) from {table}")) for table in COUNTED}
    finally:
        await close_pool(pool)
