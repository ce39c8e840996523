"""R27: the place of a group is stored with its batches, a consumer begins there, and a database that was put back closes every gate."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from common.bus import groups
from common.bus.batch import ConsumerFailed
from common.bus.connection import KafkaAddress
from common.failures import Transient
from common.state import group_offsets
from common.state.group_offsets import BatchStep, GroupTopic, StoredPlace
from common.state.pool import close_pool, open_pool, transaction
from tests.integration.bus.test_consumer import Scene
from tests.integration.bus.test_consumer_process import exit_code
from tests.support.bus import LedgerService, a_topic, committed, create, fetchval, fill, make_ledger, sql, until
from tests.support.database import Database
from tests.support.local_stack import LocalStack

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
COUNT = 600


@pytest.fixture
async def scene(stack: LocalStack, database: Database) -> AsyncIterator[Scene]:
    await make_ledger(database)
    topic = await create(stack.kafka, a_topic())
    pool = await open_pool(database.url("service"), name="test", size=4)
    made = Scene(stack.kafka, database, topic, pool)
    made.stores_places = True
    async with sql(database.owner_url) as link:
        for name, state in (("books", "active"), ("chimp", "active"), ("gone", "deleted")):
            await link.execute(
                "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ($1, 'v', $1, $2, $3, $3)",
                name, state, NOW,
            )  # fmt: skip
    yield made
    await close_pool(pool)


@pytest.fixture
def ledger(scene: Scene, tmp_path: Path) -> Iterator[LedgerService]:
    made = LedgerService(scene.kafka, scene.database, scene.topic, scene.group, tmp_path)
    yield made
    made.kill_all()


async def places(scene: Scene) -> dict[int, StoredPlace]:
    async with sql(scene.database.owner_url) as link:
        return dict((await group_offsets.read(link, GroupTopic(scene.group, scene.topic.name))).stored)


async def stored(scene: Scene) -> int:
    return sum(place.next_offset for place in (await places(scene)).values())


async def gates(scene: Scene) -> list[str]:
    async with sql(scene.database.owner_url) as link:
        return [
            row[0] for row in await link.fetch("select connection from core.gate where reason = 'restored' order by 1")
        ]


async def read_to(scene: Scene, count: int) -> None:
    async with scene.running():
        await scene.until_committed(count)


class TestBeginning:
    async def test_is_stored_with_the_batch_and_told_to_kafka_afterwards(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30))
        await read_to(scene, 30)
        assert (await stored(scene), await committed(scene.kafka, scene.group, scene.topic)) == (30, 30)

    @pytest.mark.parametrize("point", ["bus.after_store", "bus.before_commit"])
    async def test_after_a_death_behind_the_store_no_record_comes_twice(
        self, scene: Scene, ledger: LedgerService, point: str
    ) -> None:
        await fill(scene.kafka, scene.topic, range(-30, 0), keys=30)
        await read_to(scene, 30)
        await fill(scene.kafka, scene.topic, range(COUNT), keys=30)
        killed = ledger.start(MILLRACE_LEDGER_PLACES="true", MILLRACE_FAILPOINTS=f"{point}=kill@2")
        assert await exit_code(killed, 60) == -signal.SIGKILL
        assert await committed(scene.kafka, scene.group, scene.topic) < await ledger.rows() == await stored(scene)
        ledger.start(MILLRACE_LEDGER_PLACES="true")
        await ledger.settled(COUNT + 30)
        assert await fetchval(scene.database.owner_url, "select max(seen) from flow.ledger") == 1
        assert await gates(scene) == []

    async def test_with_kills_at_every_point_and_two_members_nobody_is_told_of_a_database_that_went_back(
        self, scene: Scene, ledger: LedgerService
    ) -> None:
        steady = {"PLACES": "true", "MAX_RECORDS": "20", "SESSION_S": "1.5"}
        steady = {f"MILLRACE_LEDGER_{name}": value for name, value in steady.items()}
        ledger.start(**steady)
        sent = 0
        for point in ("bus.before_store", "bus.after_store", "bus.before_commit"):
            killed = ledger.start(**steady, MILLRACE_FAILPOINTS=f"{point}=kill")
            for _ in range(300):
                # So few that two members on a busy machine keep up with them.
                await fill(scene.kafka, scene.topic, range(sent, sent + 6), keys=30)
                sent += 6
                if killed.poll() is not None:
                    break
                await asyncio.sleep(0.2)
            assert await exit_code(killed, 5) == -signal.SIGKILL, "the one that was to die had no record"
        await ledger.settled(sent)
        assert await fetchval(scene.database.owner_url, "select count(distinct number) from flow.ledger") == sent
        assert (await gates(scene), await stored(scene)) == ([], sent)

    async def test_of_a_group_of_the_last_release_is_where_kafka_was_told(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30))
        scene.stores_places = False
        await read_to(scene, 30)
        scene.stores_places = True
        await fill(scene.kafka, scene.topic, range(30, 40))
        await read_to(scene, 40)
        assert (sorted(scene.stored), await stored(scene), await gates(scene)) == (list(range(40)), 40, [])

    async def test_while_both_releases_take_turns_is_where_the_other_one_ended(self, scene: Scene) -> None:
        for turn, stores in enumerate((True, False, True, False, True)):
            scene.stores_places = stores
            await fill(scene.kafka, scene.topic, range(turn * 20, turn * 20 + 20))
            await read_to(scene, turn * 20 + 20)
        assert (sorted(scene.stored), await stored(scene), await gates(scene)) == (list(range(100)), 100, [])

    async def test_after_a_seek_is_where_the_seek_said_and_the_stored_place_follows(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30), keys=1)
        await read_to(scene, 30)
        (partition,) = [p for p, place in (await places(scene)).items() if place.next_offset]
        before = (await places(scene))[partition]
        await groups.commit(KafkaAddress(scene.kafka), scene.group, {(scene.topic.name, partition): 10})
        scene.stored.clear()
        await read_to(scene, 30)
        assert (scene.stored, (await places(scene))[partition]) == (
            list(range(10, 30)),
            StoredPlace(before.era + 1, 30),
        )
        assert await gates(scene) == []

    async def test_of_a_topic_made_anew_is_its_first_record(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30), keys=1)
        await read_to(scene, 30)
        await _made_anew(scene)
        await fill(scene.kafka, scene.topic, range(100, 150), keys=1)
        await read_to(scene, 50)
        assert (scene.stored[30:], await gates(scene)) == (list(range(100, 150)), [])


class TestLateBatch:
    """A member that lost its partition and does not know it yet: its transaction may come at any time."""

    @pytest.fixture
    async def whose(self, scene: Scene) -> GroupTopic:
        whose = GroupTopic(scene.group, scene.topic.name)
        async with transaction(scene.pool) as tx:
            await group_offsets.begin(tx, whose, {0: StoredPlace(3, 100), 1: StoredPlace(3, 100)})
        return whose

    async def test_does_not_take_the_place_back(self, scene: Scene, whose: GroupTopic) -> None:
        async with transaction(scene.pool) as tx:
            assert await group_offsets.advance(tx, whose, [BatchStep(0, 3, 100, 180)]) == {0}
            assert await group_offsets.advance(tx, whose, [BatchStep(0, 3, 100, 150)]) == {0}
        assert (await places(scene))[0] == StoredPlace(3, 180)

    async def test_of_an_era_before_counts_no_more(self, scene: Scene, whose: GroupTopic) -> None:
        async with transaction(scene.pool) as tx:
            await group_offsets.begin(tx, whose, {0: StoredPlace(4, 10)})
            assert await group_offsets.advance(tx, whose, [BatchStep(0, 3, 100, 180), BatchStep(1, 3, 100, 180)]) == {1}
        assert (await places(scene))[0] == StoredPlace(4, 10)

    async def test_that_leaves_a_gap_is_not_taken(self, scene: Scene, whose: GroupTopic) -> None:
        async with transaction(scene.pool) as tx:
            assert await group_offsets.advance(tx, whose, [BatchStep(0, 3, 120, 180)]) == set()

    async def test_is_not_stored_at_all_and_read_again_from_where_the_place_is(self, scene: Scene) -> None:
        """The place is set anew while the batch is in its handler; the batch comes to nothing, the next one begins there."""
        await fill(scene.kafka, scene.topic, range(30), keys=1)
        await read_to(scene, 30)
        (partition,) = [p for p, place in (await places(scene)).items() if place.next_offset]
        async with scene.running():
            await until(lambda: _connected(scene), "the consumer has begun")
            async with sql(scene.database.owner_url) as link:
                await link.execute(
                    "update flow.group_offset set era = era + 1, next_offset = 20 where partition = $1", partition
                )
            await fill(scene.kafka, scene.topic, range(30, 35), keys=1)
            await scene.until_committed(35)
        assert scene.stored[30:] == list(range(20, 35))


class TestDatabaseThatWentBack:
    async def test_closes_every_gate_and_handles_nothing_until_somebody_lifts_it(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30))
        await read_to(scene, 30)
        backup = await _backed_up(scene)
        await fill(scene.kafka, scene.topic, range(30, 60))
        await read_to(scene, 60)
        await _put_back(scene, backup)
        assert await scene.rows() == list(range(30))

        consumer = scene.consumer()
        async with scene.running(consumer):
            await until(lambda: _closed(scene), "the gates are closed")
            with pytest.raises(ConsumerFailed, match="The database was put back to an older state") as told:
                await consumer.ready()
            assert "Nothing is written at any vendor, and webhooks are still taken" in str(told.value)
            await fill(scene.kafka, scene.topic, range(60, 70))
            await asyncio.sleep(1.0)
            assert (await gates(scene), await scene.rows()) == (["books", "chimp"], list(range(30)))
            assert not consumer._beginning.placed.is_set()  # type: ignore[union-attr]
            async with sql(scene.database.owner_url) as link:
                (told_once,) = await link.fetch("select * from core.notification where kind = 'gate.restored'")
                assert (told_once["code"], told_once["resolved_at"]) == ("DATABASE_WENT_BACK", None)
                await link.execute("select core.lift_restored(now())")

            async def read_again() -> bool:
                return await scene.rows() == list(range(70))

            await until(read_again, "what was lost is read again")
            await asyncio.wait_for(consumer.placed(), 60)
            await consumer.ready()
        assert await gates(scene) == []
        await read_to(scene, 70)

    async def test_under_a_consumer_with_nothing_to_do_is_seen_too(self, scene: Scene) -> None:
        """A silent failover to an older copy: the sessions end, and the database that answers knows less."""
        await fill(scene.kafka, scene.topic, range(30))
        await read_to(scene, 30)
        backup = await _backed_up(scene)
        async with scene.running():
            await fill(scene.kafka, scene.topic, range(30, 60))
            await scene.until_committed(60)
            # Long enough for the consumer to look several times at a database that takes nobody.
            await _put_back(scene, backup, takes_s=1.5)
            await until(lambda: _closed(scene), "the gates are closed")
        assert await scene.rows() == list(range(30))

    async def test_before_kafka_was_told_is_known_to_the_consumer_that_stored_it(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30), keys=1)
        await read_to(scene, 30)
        async with scene.running():
            await until(lambda: _connected(scene), "the consumer has begun")
            async with sql(scene.database.owner_url) as link:
                # Kafka was told 30; the table says more by then, and less again.
                await link.execute("update flow.group_offset set next_offset = next_offset - 10 where next_offset > 0")
            await until(lambda: _closed(scene), "the gates are closed")

    async def test_that_is_empty_now_is_one_that_went_back(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30))
        await read_to(scene, 30)
        async with sql(scene.database.owner_url) as link:
            await link.execute("truncate flow.group_offset, flow.ledger")
        async with scene.running():
            await until(lambda: _closed(scene), "the gates are closed")
            async with sql(scene.database.owner_url) as link:
                await link.execute("select core.lift_restored(now())")

            async def read_again() -> bool:
                return await scene.rows() == list(range(30))

            await until(read_again, "everything is read again")

    async def test_a_gate_that_was_opened_unknowingly_is_closed_again(self, scene: Scene) -> None:
        await fill(scene.kafka, scene.topic, range(30))
        await read_to(scene, 30)
        async with sql(scene.database.owner_url) as link:
            await link.execute("update flow.group_offset set next_offset = 0")
            async with scene.running():
                await until(lambda: _closed(scene), "the gates are closed")
                await link.execute("delete from core.gate")
                await until(lambda: _closed(scene), "the gates are closed again")


@dataclass(frozen=True)
class Backup:
    """A copy of the whole database as it was."""

    name: str


async def _backed_up(scene: Scene) -> Backup:
    copy = Backup(f"b_{uuid.uuid4().hex[:16]}")
    async with _without_sessions(scene) as link:
        await link.execute(f"create database {copy.name} template {scene.database.name}")
    return copy


async def _put_back(scene: Scene, backup: Backup, *, takes_s: float = 0.0) -> None:
    async with _without_sessions(scene) as link:
        await asyncio.sleep(takes_s)
        async with link.transaction():
            await link.execute(f"alter database {scene.database.name} rename to {backup.name}_later")
            await link.execute(f"alter database {backup.name} rename to {scene.database.name}")
        await link.execute(f"drop database {backup.name}_later with (force)")


_PUT_OUT = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"


class _without_sessions:
    """Everybody is put out, and nobody comes in before the end."""

    def __init__(self, scene: Scene) -> None:
        self._name, self._url = scene.database.name, scene.database.server.url("admin", "postgres")

    async def __aenter__(self) -> Any:
        self._link = await asyncpg.connect(self._url)
        await self._link.execute(f"alter database {self._name} allow_connections false")
        # Who was just coming in may be there only after the first round.
        while await self._link.fetch(_PUT_OUT, self._name):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)
        return self._link

    async def __aexit__(self, *_: object) -> None:
        await self._link.execute(f"alter database {self._name} allow_connections true")
        await self._link.close()


async def _closed(scene: Scene) -> bool:
    try:
        return await gates(scene) == ["books", "chimp"]
    except (asyncpg.PostgresError, OSError):
        return False


async def _connected(scene: Scene) -> bool:
    try:
        found = await groups.group(KafkaAddress(scene.kafka), scene.group)
    except Transient:  # a busy broker has no coordinator for a moment
        return False
    return found is not None and found.state == "Stable" and bool(found.members)


async def _made_anew(scene: Scene) -> None:
    from common.bus.topics_admin import administration

    async with administration(KafkaAddress(scene.kafka)) as admin:
        await admin.delete_topics([scene.topic.name])

        async def gone() -> bool:
            return scene.topic.name not in await admin.list_topics()

        await until(gone, "the topic is gone")

    async def there() -> bool:
        try:
            await create(scene.kafka, scene.topic)
        except Exception:  # noqa: BLE001 - the broker is still at it
            return False
        return True

    await until(there, "the topic is there again")
