"""What cannot be mapped is skipped with its reason, and stays at the target as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from common.bus.handler import Delivered
from common.bus.producer import Outgoing
from common.bus.record import RawRecord
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Version, WriteCommand
from common.contracts.syncs import MappingDefinition, MappingRow
from common.contracts.topics import changes
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.pool import transaction
from mapper.handlers import ChangeHandler
from mapper.mappings import Mappings
from mapper.publisher import Publisher
from mapper.remap import Remapper
from tests.support.writing import World

FAULT = '{"title": "Internal Server Error", "status": 500, "detail": "x"}'
MISSING = "required_field_missing"


async def owned(world: World) -> list[tuple[str, str, str]]:
    rows = await world.rows("select record, key, standing from flow.target_owner order by record, key")
    return [(row["record"], row["key"], row["standing"]) for row in rows]


async def linked(world: World) -> list[tuple[str, str, str]]:
    rows = await world.rows("select left_id, right_key, state from flow.pair order by left_id")
    return [(row["left_id"], row["right_key"], row["state"]) for row in rows]


class TestKeep:
    async def test_ends_skipped_with_its_reason_and_touches_nothing(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        before, calls = (await owned(world), await linked(world), world.member("ana@ex.org")), len(world.calls())
        await world.want("1", keep=MISSING)
        await world.settled()
        item = await world.item("1")
        assert (item["state"], item["outcome"], item["reason"]) == ("done", "skipped", MISSING)
        assert (await owned(world), await linked(world), world.member("ana@ex.org")) == before
        assert (len(world.calls()), await world.rows("select from flow.target_lease")) == (calls, [])
        assert [row["reason"] for row in await world.journal("1", "skipped")] == [MISSING]
        assert item["target_key"] == "ana@ex.org"

    async def test_of_a_record_that_was_never_there_is_skipped_too(self, world: World) -> None:
        await world.want("1", keep="invalid_email")
        await world.settled()
        item = await world.item("1")
        assert (item["outcome"], item["reason"], world.calls(), await owned(world)) == (
            "skipped",
            "invalid_email",
            [],
            [],
        )

    async def test_a_mistyped_address_leaves_the_member_and_the_next_one_moves_it(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        await world.want("1", keep="invalid_email")
        await world.settled()
        assert world.status("ana@ex.org") == "subscribed"
        await world.want("1", "ana@new.org", FNAME="Ana")
        await world.settled()
        assert (world.status("ana@ex.org"), world.status("ana@new.org")) == ("archived", "subscribed")

    async def test_needs_no_lease(self, world: World) -> None:
        """It changes nothing, so it waits for nobody."""
        await world.want("1", "ana@ex.org")
        await world.settled()
        lease = """insert into flow.target_lease (account, place, target_entity, key, sync, entity, record)
            select account, place, target_entity, key, 's2', entity, '9' from flow.target_owner"""
        await world.execute(lease)
        await world.want("1", keep=MISSING)
        await world.settled()
        assert (await world.item("1"))["outcome"] == "skipped"

    async def test_deletion_afterwards_still_finds_what_it_owned(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("1", keep=MISSING)
        await world.settled()
        await world.want("1", how="archive")
        await world.settled()
        assert (world.status("ana@ex.org"), await owned(world)) == ("archived", [("1", "ana@ex.org", "left")])

    async def test_comes_while_the_record_is_on_hold(self, world: World) -> None:
        """R1, R2: what is in flight is settled first, and belongs to the record."""
        world.lags(120)
        world.fault("half_commit", "POST /lists/{id}", count=1, body=FAULT)
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.quiet("hold")
            assert (await world.item("1"))["state"] == "hold"
            await world.want("1", keep=MISSING)
            world.advance(3600)
            await world.quiet()
        item = await world.item("1")
        assert (item["outcome"], item["reason"], world.status("ana@ex.org")) == ("skipped", MISSING, "subscribed")
        assert await owned(world) == [("1", "ana@ex.org", "live")]

    async def test_two_of_one_address_do_not_wake_each_other(self, world: World) -> None:
        await world.store(world.command("1", "ana@ex.org"), world.command("2", "ana@ex.org"))
        await world.settled()
        await world.store(world.command("1", keep=MISSING), world.command("2", keep=MISSING))
        await world.settled()
        assert [len(await world.journal(record, "skipped")) for record in ("1", "2")] == [1, 2]

    async def test_another_of_that_address_writes_while_it_is_kept(self, world: World) -> None:
        """R13: who cannot write at the moment silences nobody."""
        await world.store(world.command("1", "ana@ex.org", FNAME="One"), world.command("2", "ana@ex.org", FNAME="Two"))
        await world.settled()
        await world.want("1", keep=MISSING)
        await world.settled()
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "Two"

    async def test_a_command_of_the_last_release_is_taken_for_what_it_means(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("1", how="archive", skip=MISSING)
        await world.settled()
        assert ((await world.item("1"))["reason"], world.status("ana@ex.org")) == (MISSING, "subscribed")

    async def test_what_has_lost_its_key_still_leaves(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("1", how="archive", skip="no_email")
        await world.settled()
        assert ((await world.item("1"))["reason"], world.status("ana@ex.org")) == ("no_email", "archived")


class Wire:
    """Commands go from the mapper to the intake without a topic between them."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        for message in messages:
            command = WriteCommand.model_validate_json(message.value)
            raw = RawRecord("commands.mailchimp", 0, 0, b"k", message.value, tuple(message.headers), 0)
            await self._world.store(Delivered(command, raw))


class TestNewMappingVersion:
    """From the source's change to the audience, with a row that became `required` in between."""

    async def test_that_requires_a_field_archives_nobody(self, world: World) -> None:
        await world.execute("truncate flow.record_state, flow.wanted, flow.remap, core.mapping_version")
        configuration, mappings = ConfigurationReader(), Mappings()
        publisher = Publisher(world.pool, Wire(world), configuration)
        handler = ChangeHandler(
            changes("zoho-books"), clock=world.clock, configuration=configuration, mappings=mappings, publisher=publisher, settle=timedelta(0)
        )  # fmt: skip
        remapper = Remapper(world.pool, world.clock, configuration, mappings, publisher)
        email, company = MappingRow("email", "email", required=True), MappingRow("merge.COMPANY", "company")

        await version(world, 1, email, company)
        batch = [told(world, "1", email="ana@ex.org", company="A"), told(world, "2", email="bob@ex.org", company=None)]
        async with transaction(world.pool) as tx:
            await handler.store(batch, tx)
        await handler.after(batch)
        await world.settled()
        assert [world.status(one) for one in ("ana@ex.org", "bob@ex.org")] == ["subscribed", "subscribed"]

        await version(world, 2, email, MappingRow("merge.COMPANY", "company", required=True))
        while await remapper.step():
            pass
        await world.settled()
        assert [world.status(one) for one in ("ana@ex.org", "bob@ex.org")] == ["subscribed", "subscribed"]
        item = await world.item("2")
        assert (item["outcome"], item["reason"]) == ("skipped", MISSING)


async def version(world: World, number: int, *rows: MappingRow) -> None:
    await world.execute(
        "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', 'customer', $1, $2, $3)",
        number, to_jsonb(MappingDefinition(number, rows, key="email")), world.clock.now(),
    )  # fmt: skip
    await world.execute("update core.leg set mapping_version = $1 where sync = 's1'", number)


def told(world: World, record: str, **fields: object) -> Delivered[ChangeEvent]:
    stamp = Version(stamp=world.clock.now(), settled=True)
    ids = (ConnectionId("books"), Entity("customer"), RecordId(record))
    change = ChangeEvent(
        id=ChangeEvent.derive_id(*ids, stamp, "detail", fields), connection=ids[0], vendor=VendorName("zoho-books"), entity=ids[1],
        record=ids[2], kind="changed", version=stamp, coverage="detail", fields=fields, observed_at=stamp.stamp, via="read",
    )  # fmt: skip
    return Delivered(change, RawRecord("changes.zoho-books", 0, 0, b"k", change.model_dump_json().encode(), (), 0))
