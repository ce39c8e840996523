"""A webhook that tells of our own write into a customer's notes costs no read; one that tells of more does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from common.bus.producer import Outgoing
from common.contracts.ids import ConnectionId, RecordId
from common.contracts.messages import Version
from common.state import read_requests
from common.state.configuration import ConfigurationReader
from common.state.pool import transaction
from common.state.read_requests import ReadRequest
from ingest.reader import Reader
from tests.support.quickbooks_world import READS, QuickBooksWorld
from vendors.quickbooks import wire
from vendors.quickbooks.listing import CUSTOMER


@dataclass
class Sent:
    """What was told to the mapper."""

    messages: list[Outgoing] = field(default_factory=list)

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        self.messages += messages


async def known_as(world: QuickBooksWorld, customer: str, version: Version) -> None:
    """What the source has told of a customer last."""
    await world.execute(
        """insert into flow.record_state (connection, entity, record, sequence, first_at, changed_at)
           values ('company', 'customer', $1, $2, now(), now()) on conflict (connection, entity, record) do update set sequence = excluded.sequence""",
        customer, version.sequence,
    )  # fmt: skip


async def webhook(world: QuickBooksWorld, customer: str, **later: float) -> None:
    """As the normaliser asks, of the customer as it is now."""
    stamp = wire.stamp(world.stored()[customer])
    assert stamp is not None
    version = Version(stamp=stamp + timedelta(**later), settled=False).sequence
    request = ReadRequest(
        ConnectionId("company"), CUSTOMER, RecordId(customer), "detail", world.clock.now(), version=version, heard={}
    )
    async with transaction(world.pool) as tx:
        await read_requests.ask(tx, [request], world.clock.now())


async def reads(world: QuickBooksWorld) -> int:
    """How many the reader makes of what is asked for."""
    before, door = len(world.made(*READS)), world.door()
    try:
        await Reader(world.pool, door, Sent(), ConfigurationReader(), world.clock).step()
    finally:
        await door.aclose()
    return len(world.made(*READS)) - before


async def left(world: QuickBooksWorld) -> int:
    return len(await world.rows("select from flow.read_request"))


async def prepared(world: QuickBooksWorld) -> str:
    """A customer that is listed, and into whose notes we have written once."""
    await world.execute("truncate flow.read_request, flow.record_state")
    (customer,) = world.customers(1)
    states = await world.listed()
    await world.hear(*states)
    await known_as(world, customer, next(one.version for one in states if one.record == customer))
    await world.want(world.noted(customer, 1))
    await world.settled()
    return customer


class TestOwnWebhook:
    async def test_is_left_to_the_next_look_at_what_has_changed(self, world: QuickBooksWorld) -> None:
        customer = await prepared(world)
        for events in ((1, 2), (1, 2, 3)):
            await webhook(world, customer)
            assert (await reads(world), await left(world)) == (0, 0)
            await world.want(world.noted(customer, *events))
            await world.settled()

    async def test_that_is_later_than_our_answer_is_somebody_else_s(self, world: QuickBooksWorld) -> None:
        customer = await prepared(world)
        await webhook(world, customer, seconds=1)
        assert (await reads(world), await left(world)) == (1, 0)

    async def test_explains_no_edit_that_came_before_our_write_and_was_not_read(self, world: QuickBooksWorld) -> None:
        customer = await prepared(world)
        world.people("edit", entity="Customer", id=customer, values={"FamilyName": "Edited"})
        await world.want(world.noted(customer, 1, 2))
        await world.settled()
        await webhook(world, customer)
        assert (await reads(world), await left(world)) == (1, 0)

    async def test_that_is_faster_than_our_answer_waits_for_it(self, world: QuickBooksWorld) -> None:
        customer = await prepared(world)
        await world.execute("update flow.write_intent set state = 'sent', sent_at = $1", world.clock.now())
        await known_as(world, customer, Version(stamp=world.clock.now(), settled=True, count=0))
        await world.execute("update flow.target_record set memory = '{}'")
        await webhook(world, customer)
        assert (await reads(world), await left(world)) == (0, 1)
        await world.execute("update flow.write_intent set sent_at = sent_at - interval '1 minute'")
        await world.execute("update flow.read_request set not_before = not_before - interval '1 minute'")
        assert (await reads(world), await left(world)) == (1, 0)
