"""The mapper's transaction on a real database: revisions, commands, journal, reads asked for, new mapping versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.bus.batch import BatchRunner, Origin
from common.bus.handler import Delivered
from common.bus.producer import Outgoing
from common.bus.record import RawRecord
from common.bus.trace import MessagingTrace
from common.clock import FixedClock
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Version, WriteCommand
from common.contracts.syncs import MappingDefinition, MappingRow
from common.contracts.topics import changes
from common.failures import Transient
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.pool import Pool, close_pool, open_pool, transaction
from mapper import publisher, wanted_rows
from mapper.handlers import ChangeHandler
from mapper.mappings import Mappings
from mapper.publisher import Publisher
from mapper.remap import Remapper
from mapper.state_rows import Key
from tests.support.bus import until
from tests.support.database import Database
from tests.support.explained import Explained
from tests.support.legs import ONE_LEG
from tests.support.statements import CountedPool

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NAME = MappingRow("merge.FNAME", "first_name")
EMAIL = MappingRow("email", "email", required=True)


@dataclass
class Wire:
    """The topic, as far as the publisher sees it."""

    sent: list[WriteCommand] = field(default_factory=list)
    away: bool = False

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        if self.away:
            raise Transient("BROKER_UNAVAILABLE", "away")
        self.sent += [WriteCommand.model_validate_json(message.value) for message in messages]


class Mapper:
    """One mapper process without Kafka: batches go in, commands come out."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.wire, self.clock = pool, Wire(), FixedClock(NOON)
        configuration, mappings = ConfigurationReader(), Mappings()
        self.publisher = Publisher(pool, self.wire, configuration)
        self.handler = ChangeHandler(
            changes("zoho-books"), clock=self.clock, configuration=configuration, mappings=mappings, publisher=self.publisher, settle=timedelta(seconds=3)
        )  # fmt: skip
        self.remapper = Remapper(pool, self.clock, configuration, mappings, self.publisher)

    async def handle(self, *events: ChangeEvent, publish: bool = True) -> list[WriteCommand]:
        before = len(self.wire.sent)
        batch = [Delivered(event, _record(n, event)) for n, event in enumerate(events)]
        async with transaction(self.pool) as tx:
            await self.handler.store(batch, tx)
        if publish:
            await self.handler.after(batch)
        return self.wire.sent[before:]

    async def rows(self, query: str, *args: Any) -> list[Any]:
        async with transaction(self.pool) as tx:
            return list(await tx.fetch(query, *args))

    async def steps(self, record: str = "1") -> list[str]:
        return [
            row["step"]
            for row in await self.rows("select step from flow.journal where record = $1 order by id", record)
        ]


def _record(offset: int, event: ChangeEvent) -> RawRecord:
    return RawRecord(
        "changes.zoho-books", 0, offset, b"k", event.model_dump_json().encode(), (("traceparent", TRACE.encode()),), 0
    )


def told(second: int, record: str = "1", *, kind: Any = "changed", via: Any = "webhook", **fields: Any) -> ChangeEvent:
    version = Version(stamp=NOON + timedelta(seconds=second), settled=kind == "deleted")
    coverage = {"changed": "detail", "deleted": "gone", "asked": "ask"}[kind]
    ids = (ConnectionId("books"), Entity("customer"), RecordId(record))
    return ChangeEvent(
        id=ChangeEvent.derive_id(*ids, version, coverage, fields), connection=ids[0], vendor=VendorName("zoho-books"), entity=ids[1],
        record=ids[2], kind=kind, version=version, coverage=coverage, fields=fields, observed_at=version.stamp, via=via,
    )  # fmt: skip


async def configure(owner: Pool, definition: MappingDefinition, *, state: str = "active") -> None:
    async with transaction(owner) as tx:
        for name, vendor in (("books", "zoho-books"), ("chimp", "mailchimp")):
            await tx.execute(
                "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ($1, $2, $1, 'active', $3, $3) on conflict do nothing",
                name, vendor, NOON,
            )  # fmt: skip
        await tx.execute(
            """insert into core.sync (id, name, template, source_connection, target_connection, state, mapping_version, created_at, updated_at)
               values ('s1', 's1', 't', 'books', 'chimp', $1, $2, $3, $3)
               on conflict (id) do update set mapping_version = $2, state = $1""",
            state, definition.version, NOON,
        )  # fmt: skip
        await tx.execute(ONE_LEG, "list1")
        await tx.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', 'customer', $1, $2, $3)",
            definition.version, to_jsonb(definition), NOON,
        )  # fmt: skip
        await tx.execute("update core.leg set mapping_version = $1", definition.version)


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.owner_url, name="test owner", size=2)
    yield pool
    await close_pool(pool)


@pytest.fixture
async def mapper(database: Database, owner: Pool) -> AsyncIterator[Mapper]:
    await configure(owner, MappingDefinition(1, (EMAIL, NAME), key="email"))
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    yield Mapper(pool)
    await close_pool(pool)


class TestChangeHandler:
    async def test_a_first_change_is_a_command_of_revision_one(self, mapper: Mapper) -> None:
        (command,) = await mapper.handle(told(1, email="ana@ex.org", first_name="Ana"))
        assert (command.revision, command.wish, command.document) == (
            1,
            "present",
            {"email": "ana@ex.org", "merge.FNAME": "Ana"},
        )
        assert (command.sync, command.place, command.target) == ("s1", "list1", "chimp")
        assert await mapper.steps() == ["received", "mapped"]

    async def test_a_repeat_is_a_journal_row_and_no_command(self, mapper: Mapper) -> None:
        event = told(1, email="ana@ex.org")
        await mapper.handle(event)
        assert await mapper.handle(event) == []
        assert await mapper.steps() == ["received", "mapped", "duplicate"]

    async def test_a_repeat_stands_by_what_the_same_release_and_mapping_have_judged(self, mapper: Mapper) -> None:
        event = told(1, email="ana@ex.org")
        await mapper.handle(event)
        (row,) = await mapper.rows("update flow.wanted set content = 'otherwise' returning judged_by")
        assert await mapper.handle(event) == []
        await mapper.rows("update flow.wanted set judged_by = 'another release/1'")
        assert [command.revision for command in await mapper.handle(event)] == [2]
        await mapper.rows("update flow.wanted set judged_by = ''")
        assert await mapper.handle(event) == []
        assert await mapper.rows("select judged_by from flow.wanted") == [row]

    async def test_an_older_change_is_stale_and_no_command(self, mapper: Mapper) -> None:
        await mapper.handle(told(5, email="ana@ex.org"))
        assert await mapper.handle(told(1, email="old@ex.org")) == []
        assert (await mapper.steps())[-1] == "stale"

    async def test_a_change_of_what_no_row_maps_is_no_command(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, email="ana@ex.org", website="a"))
        assert await mapper.handle(told(2, email="ana@ex.org", website="b")) == []

    async def test_several_edits_in_one_batch_are_one_command(self, mapper: Mapper) -> None:
        commands = await mapper.handle(*(told(n, email="ana@ex.org", first_name=f"Ana {n}") for n in range(1, 6)))
        assert [c.document["merge.FNAME"] for c in commands] == ["Ana 5"]

    async def test_every_journal_row_of_a_live_record_has_its_trace(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, email="ana@ex.org"))
        assert {row["trace_id"] for row in await mapper.rows("select trace_id from flow.journal")} == {TRACE[3:35]}

    async def test_a_crash_between_commit_and_send_is_made_good_by_the_repeat(self, mapper: Mapper) -> None:
        event = told(1, email="ana@ex.org")
        await mapper.handle(event, publish=False)
        assert [c.revision for c in await mapper.handle(event)] == [1]

    async def test_what_a_crash_left_unpublished_is_published_by_itself(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, email="ana@ex.org"), publish=False)
        assert await mapper.publisher.publish(None) == 1
        assert await mapper.publisher.publish(None) == 0

    async def test_what_was_stored_a_moment_ago_is_published_by_whoever_stored_it(
        self, mapper: Mapper, owner: Pool
    ) -> None:
        await mapper.handle(told(1, email="ana@ex.org"), publish=False)
        for age, published in (("0 seconds", 0), ("3 seconds", 1)):
            async with transaction(owner) as tx:
                await tx.execute(f"update flow.wanted set changed_at = now() - interval '{age}'")
            assert await mapper.publisher.publish(None) == published

    async def test_a_batch_that_owes_more_than_a_page_is_published_whole(
        self, mapper: Mapper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publisher, "PAGE", 2)
        sent = await mapper.handle(*(told(1, str(n), email=f"a{n}@ex.org") for n in range(5)))
        assert sorted(one.record for one in sent) == ["0", "1", "2", "3", "4"]

    async def test_a_disabled_sync_whose_target_is_gone_stops_nobody(self, mapper: Mapper, owner: Pool) -> None:
        await mapper.handle(told(1, email="ana@ex.org"), publish=False)
        async with transaction(owner) as tx:
            await tx.execute("update core.sync set state = 'disabled'")
            await tx.execute("update core.connection set state = 'deleted' where id = 'chimp'")
        assert await mapper.publisher.publish(None) == 0

    async def test_a_broker_that_is_away_keeps_the_batch(self, mapper: Mapper) -> None:
        mapper.wire.away = True
        with pytest.raises(Transient):
            await mapper.handle(told(1, email="ana@ex.org"))
        mapper.wire.away = False
        assert await mapper.publisher.publish(None) == 1

    async def test_without_an_address_the_record_is_filtered_with_its_reason(self, mapper: Mapper) -> None:
        (command,) = await mapper.handle(told(1, email=None, first_name="Ana"))
        assert (command.wish, command.skip) == ("absent", "no_email")
        assert await mapper.steps() == ["received", "filtered"]

    async def test_what_cannot_be_mapped_is_kept_as_it_is(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, email="ana@ex.org", first_name="Ana"))
        (command,) = await mapper.handle(told(2, email={"not": "an address"}, notes="x" * 300_000, first_name="Ana"))
        assert (command.wish, command.skip, command.document) == ("keep", "unmappable", {})
        assert (await mapper.steps())[-1] == "filtered"

    async def test_a_deletion_by_webhook_asks_and_a_read_decides(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, email="ana@ex.org"))
        assert await mapper.handle(told(2, kind="asked")) == []
        (request,) = await mapper.rows("select * from flow.read_request")
        assert (request["record"], request["reason"]) == ("1", "deletion")
        (command,) = await mapper.handle(told(3, kind="deleted", via="read"))
        assert (command.wish, command.document, command.revision) == ("absent", {"how": "archive"}, 2)

    async def test_two_reads_of_one_instant_that_disagree_ask_for_a_third(self, mapper: Mapper) -> None:
        await mapper.handle(told(2, email="ana@ex.org", via="read"))
        assert await mapper.handle(told(2, kind="deleted", via="read")) == []
        (request,) = await mapper.rows("select * from flow.read_request")
        assert (request["reason"], request["not_before"]) == ("tie", NOON + timedelta(seconds=5))
        (command,) = await mapper.handle(told(5, kind="deleted", via="read"))
        assert command.wish == "absent"

    async def test_two_unsettled_states_of_one_second_ask_for_a_read_after_it(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, email="ana@ex.org"), told(1, email="bob@ex.org"))
        (request,) = await mapper.rows("select * from flow.read_request")
        assert (request["reason"], request["not_before"]) == ("unsettled", NOON + timedelta(seconds=4))

    async def test_five_hundred_records_are_one_transaction(self, mapper: Mapper) -> None:
        commands = await mapper.handle(*(told(1, str(n), email=f"a{n}@ex.org") for n in range(500)))
        assert len({c.record for c in commands}) == 500


class TestNewMappingVersionMeetsABirth:
    """R9: a record whose first change is still in its transaction can be neither locked nor seen by a page."""

    @pytest.mark.parametrize("record", ["1", "9"])
    async def test_born_under_the_old_version_it_is_judged_by_the_new_one(
        self, mapper: Mapper, owner: Pool, record: str
    ) -> None:
        await mapper.handle(told(1, "5", email="five@ex.org", first_name="Five"))
        await self.remapped(mapper)
        birth = [Delivered(change := told(1, record, email="a@ex.org", first_name="Ana"), _record(7, change))]
        async with transaction(mapper.pool) as tx:
            await mapper.handler.store(birth, tx)
            await configure(owner, MappingDefinition(2, (EMAIL,), key="email"))
            remap = asyncio.create_task(self.remapped(mapper))
            await until(lambda: self.waits_or_ends(mapper, remap), "the remap waits for the batch, or is through")
        await remap
        await mapper.handler.after(birth)
        (row,) = await mapper.rows("select document from flow.wanted where record = $1", record)
        assert row["document"] == {"email": "a@ex.org"}

    async def test_a_batch_that_begins_meanwhile_reads_the_new_version(self, mapper: Mapper, owner: Pool) -> None:
        """A reader that asks while the remap waits comes after it, so the remap is not starved either."""
        first, second = told(1, "1", email="a@ex.org", first_name="A"), told(1, "2", email="b@ex.org", first_name="B")
        async with transaction(mapper.pool) as tx:
            await mapper.handler.store([Delivered(first, _record(1, first))], tx)
            await configure(owner, MappingDefinition(2, (EMAIL,), key="email"))
            remap = asyncio.create_task(self.remapped(mapper))
            await until(lambda: self.waits_or_ends(mapper, remap), "the remap waits for the batch")
            late = asyncio.create_task(mapper.handle(second))
        await asyncio.gather(remap, late)
        rows = await mapper.rows("select document from flow.wanted order by record")
        assert [row["document"] for row in rows] == [{"email": "a@ex.org"}, {"email": "b@ex.org"}]

    async def remapped(self, mapper: Mapper) -> None:
        while await mapper.remapper.step():
            pass

    async def waits_or_ends(self, mapper: Mapper, remap: asyncio.Task[None]) -> bool:
        waiting = "select from pg_locks where locktype = 'advisory' and not granted"
        return remap.done() or bool(await mapper.rows(waiting))


class TestNewMappingVersion:
    async def test_writes_exactly_what_it_changes(self, mapper: Mapper, owner: Pool) -> None:
        await mapper.handle(
            told(1, "1", email="a@ex.org", first_name="Ana"),
            told(1, "2", email="b@ex.org", first_name=None, last_name=None),
        )
        while await mapper.remapper.step():
            pass
        before = len(mapper.wire.sent)
        await configure(
            owner, MappingDefinition(2, (EMAIL, MappingRow("merge.FNAME", "upper_", ()), NAME), key="email")
        )
        while await mapper.remapper.step():
            pass
        assert mapper.wire.sent[before:] == []
        await configure(owner, MappingDefinition(3, (EMAIL, NAME), filter="first_name != 'Ana'", key="email"))
        while await mapper.remapper.step():
            pass
        (command,) = mapper.wire.sent[before:]
        assert (command.record, command.skip, command.mapping_version, command.lane) == ("1", "filtered", 3, "backfill")

    async def test_a_change_after_it_is_judged_by_it(self, mapper: Mapper, owner: Pool) -> None:
        await mapper.handle(told(1, email="a@ex.org", first_name="Ana"))
        await configure(owner, MappingDefinition(2, (EMAIL,), key="email"))
        (command,) = await mapper.handle(told(2, email="a@ex.org", first_name="Bea"))
        assert (command.mapping_version, command.document) == (2, {"email": "a@ex.org"})

    async def test_a_paused_sync_keeps_hearing(self, mapper: Mapper, owner: Pool) -> None:
        await configure(owner, MappingDefinition(2, (EMAIL,), key="email"), state="paused")
        assert len(await mapper.handle(told(1, email="a@ex.org"))) == 1

    async def test_a_disabled_sync_does_not(self, mapper: Mapper, owner: Pool) -> None:
        await configure(owner, MappingDefinition(2, (EMAIL,), key="email"), state="disabled")
        assert await mapper.handle(told(1, email="a@ex.org")) == []


class TestStatements:
    async def test_a_batch_costs_the_same_whatever_its_size(self, mapper: Mapper) -> None:
        await mapper.handle(told(1, "warm", first_name="W", email="w@ex.org"))
        counts = []
        for number, many in enumerate((1, 200)):
            counted = CountedPool(mapper.pool)
            ours: Any = counted
            runner = BatchRunner(
                mapper.handler, ours, Origin("mapper", "0", "map"), now=mapper.clock.now, trace=MessagingTrace(), on_letters=lambda _: None
            )  # fmt: skip
            mapper.publisher._pool = ours
            events = [told(1, f"{number}-{n}", first_name="A", email=f"a{number}-{n}@ex.org") for n in range(many)]
            await runner.run([_record(n, event) for n, event in enumerate(events)])
            counts.append(len(counted.statements))
            # One transaction, one look at what is owed, one mark: no more.
            assert counted.times == 3
        assert counts[0] == counts[1] <= 16, counted.statements
        assert len(mapper.wire.sent) == 202

    async def test_what_was_published_before_is_not_searched_for_what_is_owed(self, mapper: Mapper) -> None:
        """The index of what is owed keeps an entry of each wish that was, until it is vacuumed: a batch must not meet them once a record."""
        batches = [[told(1, f"{at}-{n}", email=f"a{at}-{n}@ex.org") for n in range(200)] for at in range(6)]
        for batch in batches:
            await mapper.handle(*batch)
        keys = [Key(one.connection, one.entity, one.record) for one in batches[0]]
        async with transaction(mapper.pool) as tx:
            known = await ConfigurationReader().read(tx)
            explained: Any = Explained(tx)
            assert await wanted_rows.unpublished(explained, known.syncs, keys, 500) == []
        (seen,) = explained.seen
        assert seen.plan["Shared Hit Blocks"] < 10 * len(keys), seen.plan
