"""A writer on a real database and the sandbox's Books: customers and orders go in, contacts, invoices and payments come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.clock import OffsetClock
from common.contracts.ids import CommandId, ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import RecordRef, WriteCommand
from common.contracts.topics import commands
from common.failures import Unauthorised
from common.http.door import Door
from common.http.tokens import Token
from common.metrics import Metrics
from common.secret import Secret
from common.state.pool import open_pool, transaction
from common.state.stuck_items import StuckItems
from tests.contract.sandbox.zoho_books.books import Books, Tokens, account_of
from tests.support.database import Database
from tests.support.ledger.calling import AnyNumber
from tests.support.ledger.world import TABLES, LedgerWorld
from tests.support.sandbox import SandboxProcess
from vendors import zoho_books
from vendors.vendor import connection_of
from writing.assembly import Writer, assemble
from writing.intake import CommandHandler

SERVICE = "writer-zoho"
TOPIC = commands("zoho-books")
CUSTOMER, INVOICE, ORDER = Entity("customer"), Entity("invoice"), Entity("order")
_BECOMES = {CUSTOMER: CUSTOMER, ORDER: INVOICE}


class OneToken:
    """As the token-broker would give it."""

    def __init__(self, token: str) -> None:
        self._token = Secret(token)

    async def token(self, connection: ConnectionId) -> Token:
        return Token(self._token, 1, datetime(9999, 1, 1, tzinfo=UTC))

    async def replaced(self, connection: ConnectionId, generation: int) -> Token:
        raise Unauthorised("NEEDS_REAUTH", "reconnect")


@dataclass
class BooksWorld(LedgerWorld):
    """The writers' own side is the ledger's world; the vendor is Books."""

    sandbox: SandboxProcess = field(kw_only=True)
    books: Books = field(kw_only=True)
    account: str = field(kw_only=True)
    token: str = field(kw_only=True)

    def door(self) -> Door:
        return Door(OneToken(self.token), AnyNumber(), self.clock, {"zoho": f"{self.sandbox.base_url}/zoho"})

    def writer(self, door: Door) -> Writer:
        return assemble(
            zoho_books.VENDOR, self.pool, self.clock, door, Metrics(), service=SERVICE, at_once=8, lease=self.lease
        )

    # --- wishes

    def bought(self, record: str, order: dict[str, Any], **more: Any) -> Delivered[WriteCommand]:
        """An order of a customer whom the shop knows."""
        needs = [order["customer_id"]] if order.get("customer_id") else []
        return self.wished(ORDER, record, {"key": record, **order}, needs=needs, **more)

    def person(self, record: str, email: str = "", **fields: Any) -> Delivered[WriteCommand]:
        return self.wished(CUSTOMER, record, {"email": email or f"{record}@ex.org", "name": record.title(), **fields})

    def wished(
        self, entity: Entity, record: str, document: dict[str, Any], *, needs: Sequence[str] = (), wish: str = "present", again: bool = False
    ) -> Delivered[WriteCommand]:  # fmt: skip
        if not again:
            self.revisions[entity, record] += 1
        number = self.revisions[entity, record]
        command = WriteCommand.model_validate(
            {"id": CommandId(f"{entity}-{record}-{number}"), "sync": SyncId("s1"), "entity": entity, "record": RecordId(record),
             "source": ConnectionId("shop"), "target": ConnectionId("books"), "place": self.place, "target_entity": _BECOMES[entity],
             "revision": number, "mapping_version": 1, "wish": wish, "document": document, "happened_at": self.clock.now(),
             "needs": [RecordRef(entity=CUSTOMER, record=RecordId(one)) for one in needs]}
        )  # fmt: skip
        self.offset += 1
        return Delivered(
            command, RawRecord(TOPIC.name, 0, self.offset, b"k", command.model_dump_json().encode(), (), 0)
        )

    async def want(self, *batch: Delivered[WriteCommand]) -> None:
        targets = zoho_books.VENDOR.targets
        handler = CommandHandler(TOPIC, SERVICE, targets, clock=self.clock, metrics=Metrics(), wake=lambda: None)
        async with transaction(self.pool) as tx:
            await handler.store(batch, tx)
        await handler.after(batch)

    async def through(self, within: float = 90.0, executors: int = 1) -> None:
        """Until everything is done; whatever is on hold meanwhile has waited long enough."""

        async def done() -> bool:
            await self.time_passes()
            return not await self.rows("select from flow.work_item where state <> 'done' limit 1")

        async with self.running(executors):
            await self.until(done, "not everything is done", within)

    async def replayed(self, record: str) -> None:
        """As a person who has mended the cause has it tried again."""
        item = await self.item(record)
        id = "/".join((item["sync"], item["entity"], item["record"]))
        async with transaction(self.owner) as tx:
            assert await StuckItems(tx).retry([id], who="ada", now=self.clock.now())

    # --- Books

    def limits(self, **wanted: Any) -> None:
        self.sandbox.post("limits", {"vendor": "zoho-books", "account": self.account, **wanted})

    def fault(self, kind: str, route: str = "*", **more: Any) -> None:
        self.sandbox.post("faults", {"vendor": "zoho-books", "route": route, "kind": kind, **more})

    def listed(self, module: str) -> list[dict[str, Any]]:
        """All rows of one kind, however many."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.books.told("GET", f"/{module}?per_page=200&page={len(found) // 200 + 1}")
            found += page[module]
            if not page["page_context"]["has_more_page"]:
                return found

    def invoices(self) -> list[dict[str, Any]]:
        return [self.books.read("invoices", row["invoice_id"]) for row in self.listed("invoices")]

    def payments(self) -> list[dict[str, Any]]:
        return self.listed("customerpayments")

    def credit_notes(self) -> list[dict[str, Any]]:
        """Each with what has gone back of it."""
        ids = [row["creditnote_id"] for row in self.listed("creditnotes")]
        return [
            self.books.told("GET", f"/creditnotes/{id}")["creditnote"]
            | {"given": self.books.told("GET", f"/creditnotes/{id}/refunds")["creditnote_refunds"]}
            for id in ids
        ]

    def contacts(self) -> dict[str, dict[str, Any]]:
        rows = self.books.told("GET", "/contacts?per_page=200")["contacts"]
        return {row["contact_name"]: self.books.read("contacts", row["contact_id"]) for row in rows}

    def made(self) -> list[str]:
        """The calls of ours that can change something, in their order."""
        listed: Any = self.sandbox.get("log", since=0)["calls"]
        ours = [call for call in listed if not call["operator"] and call["vendor"] == "zoho-books"]
        return [call["route"] for call in ours if call["method"] != "GET"]

    async def refusal(self, record: str) -> tuple[str, str]:
        item = await self.item(record)
        return item["state"], item["code"]


# As many lines as the tests' orders have at most: their items are there, unless a test is about those that are not.
ITEMS = [f"SKU-{at}" for at in range(1, 8)]


async def open_books_world(database: Database, sandbox: SandboxProcess, account: str) -> BooksWorld:
    """An organisation as it is from the start, with the taxes of the tests' orders, and one sync into it."""
    sandbox.post("reset")
    row = account_of(sandbox, account)
    sandbox.post("limits", {"vendor": "zoho-books", "account": account, "per_minute": 100_000})
    # Tests let hours of the sandbox pass, and the one token that they have has to last.
    sandbox.post("limits", {"vendor": "zoho-accounts", "token_s": 86_400})
    books = Books(row["base_url"], row["organization_id"], row["operator_token"])
    for sku in ITEMS:
        books.told("POST", "/items", {"name": f"Thing {sku}", "sku": sku, "rate": "1.00"}, 201)
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("service"), name="writer", size=8)
    world = BooksWorld(
        pool, owner, None, row["organization_id"], OffsetClock(sandbox.home),  # type: ignore[arg-type]
        sandbox=sandbox, books=books, account=account, token=Tokens().of(sandbox, row["dc"]),
    )  # fmt: skip
    await world.execute(f"truncate {TABLES} cascade")
    details = {"dc": row["dc"], "organization_id": row["organization_id"]}
    to = zoho_books.VENDOR.account(connection_of(zoho_books.NAME, "books", **details))
    for name, vendor, of, known in (("shop", "shop", "shop:shop", {}), ("books", "zoho-books", to, details)):
        await world.execute(
            """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
               values ($1, $2, $1, 'active', $3, $4, now(), now())""",
            name, vendor, known, of,
        )  # fmt: skip
    await world.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
           values ('s1', 's1', 't', 'shop', 'books', 'active', now(), now())"""
    )
    for leg, entity in _BECOMES.items():
        await world.execute(
            """insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place)
               values ('s1', $1, 'shop', $1, 'books', $2, $3)""",
            leg, entity, row["organization_id"],
        )  # fmt: skip
    return world
