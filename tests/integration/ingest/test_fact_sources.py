"""What facts are made of is read because a mapping names them, before the records that have them, and not otherwise."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from common.http.call import Call, VendorAnswer
from common.state import feeding
from common.state.pool import transaction
from tests.integration.ingest.test_poller import EVERY, NOW, Books, World
from tests.integration.ingest.test_poller import world as world


@dataclass
class WholeBooks(Books):
    """With documents of its customers: so many of each kind."""

    documents: int = 250

    async def call(self, call: Call) -> VendorAnswer:
        if call.template == "/contacts":
            return await super().call(call)
        self.calls.append(call)
        word = {"/invoices": "invoice", "/customerpayments": "payment"}[call.template]
        page, size = int(call.query["page"]), int(call.query["per_page"])
        many = 0 if "last_modified_time" in call.query else self.documents
        listed = range(many)[(page - 1) * size : page * size]
        rows = [_document(word, n) for n in listed]
        told = {"code": 0, f"{call.template[1:]}": rows, "page_context": {"has_more_page": page * size < many}}
        return VendorAnswer(200, {}, json.dumps(told).encode(), self.clock.now(), "", 0.01)


def _document(word: str, n: int) -> dict[str, Any]:
    stamp = (NOW - timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%S+0000")
    return {f"{word}_id": str(n), "customer_id": str(n), "status": "sent", "amount": 1, "last_modified_time": stamp}


@pytest.fixture
async def full(world: World) -> AsyncIterator[World]:
    world.books = WholeBooks(world.clock)
    yield world


async def named(world: World, *facts: str, state: str = "active") -> None:
    """The mapping names these facts from now on."""
    definition = {"rows": [], "key": "email", "facts": list(facts)}
    version = (await world.sql("select max(version) + 1 as next from core.mapping_version"))[0]["next"]
    await world.sql(
        "insert into core.mapping_version (sync, version, leg, definition, created_at, created_by) values ('s', $1, 'customer', $2, $3, 'ada')",
        version, definition, NOW,
    )  # fmt: skip
    await world.sql("update core.leg set mapping_version = $1", version)
    await world.sql("update core.sync set state = $1", state)


async def arrived(world: World) -> None:
    """The mapper has merged everything."""
    async with transaction(world.pool) as tx:
        await feeding.meet(
            tx, [feeding.Met(e.connection, e.entity, e.run, e.record) for e in world.books.sent if e.run]
        )
        await feeding.arrive(tx, world.clock.now())


async def paths(world: World) -> list[str]:
    """What is asked for until nothing is due."""
    before, poller = len(world.books.calls), world.poller()
    while await poller.step():
        pass
    return [call.template for call in world.books.calls[before:]]


class TestInvoices:
    async def test_are_not_asked_for_where_no_mapping_names_a_fact(self, full: World) -> None:
        assert await paths(full) == ["/contacts"]

    async def test_are_read_first_and_whole_where_one_does(self, full: World) -> None:
        full.books.edit(*range(5), at=NOW - timedelta(days=9))
        await named(full, "invoice_count")
        assert await paths(full) == ["/invoices", "/invoices"]
        # On the topic is not merged.
        assert await paths(full) == []
        await arrived(full)
        assert await paths(full) == ["/contacts"]

    async def test_are_a_call_a_look_when_nothing_has_changed(self, full: World) -> None:
        await named(full, "payment_status")
        await paths(full)
        await arrived(full)
        await paths(full)
        await full.mapped()
        full.clock.advance(EVERY.total_seconds())
        assert sorted(await paths(full)) == ["/contacts", "/invoices"]

    async def test_of_payments_nobody_asks_for_a_fact_of_invoices(self, full: World) -> None:
        await named(full, "invoice_count", "last_payment_on")
        assert sorted(await paths(full)) == ["/customerpayments"] * 2 + ["/invoices"] * 2

    async def test_are_no_run_of_the_sync(self, full: World) -> None:
        await named(full, "invoice_count")
        await paths(full)
        assert await full.sql("select from flow.run") == []

    async def test_that_are_not_read_hold_a_source_up_only_for_those_who_need_them(self, full: World) -> None:
        await named(full, "invoice_count")
        await full.sql(
            "insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)"
            " values ('t', 'plain', 't', 'books', 'chimp', 'active', $1, $1)", NOW,
        )  # fmt: skip
        await full.sql(
            "insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)"
            " values ('t', 'customer', 'books', 'customer', 'chimp', 'member', 'other', 1)"
        )
        await full.sql(
            "insert into core.mapping_version (sync, version, leg, definition, created_at) values ('t', 1, 'customer', $1, $2)",
            {"rows": [], "key": "email"}, NOW,
        )  # fmt: skip
        assert sorted(await paths(full)) == ["/contacts", "/invoices", "/invoices"]

    async def test_are_forgotten_with_the_last_fact_and_read_anew_with_the_next(self, full: World) -> None:
        await named(full, "invoice_count")
        await paths(full)
        await arrived(full)
        await paths(full)
        await named(full)
        full.clock.advance(EVERY.total_seconds())
        assert await paths(full) == ["/contacts"]
        assert await full.sql("select from flow.feeding") == []
        await named(full, "invoice_count")
        assert await paths(full) == ["/invoices", "/invoices"]


class TestRecordsInsideOthers:
    async def test_are_found_by_the_listing_of_those_they_are_in(self, full: World) -> None:
        """Decision 68: contact persons have no list."""
        await full.sql("update core.leg set source_entity = 'person'")
        await full.sql("update core.sync set state = 'active'")
        assert await paths(full) == ["/contacts"]
        polled = await full.sql(
            "select entity from flow.poll where connection in (select source_connection from core.leg)"
        )
        assert [row["entity"] for row in polled] == ["customer"]
