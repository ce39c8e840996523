"""A writer on a real database and the sandbox's CRM: customers and their persons go in, accounts and contacts come out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.clock import OffsetClock
from common.contracts.ids import CommandId, ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import Lane, WriteCommand
from common.contracts.topics import commands
from common.http.door import Door
from common.metrics import Metrics
from common.state.pool import open_pool, transaction
from tests.contract.sandbox.zoho_crm.crm import Crm, Tokens, account_of
from tests.support.books_world import OneToken
from tests.support.database import Database
from tests.support.ledger.calling import AnyNumber
from tests.support.ledger.world import TABLES, LedgerWorld, close_ledger_world
from tests.support.sandbox import SandboxProcess
from vendors import zoho_crm
from vendors.vendor import connection_of
from vendors.zoho_crm.grant import SCOPES
from writing.assembly import Writer, assemble
from writing.intake import CommandHandler

SERVICE = "writer-zoho"
TOPIC = commands("zoho-crm")
CUSTOMER, PERSON = Entity("customer"), Entity("person")
MODULES = {CUSTOMER: "Accounts", PERSON: "Contacts"}


@dataclass
class CrmWorld(LedgerWorld):
    """The writers' own side is the ledger's world; the vendor is the CRM."""

    sandbox: SandboxProcess = field(kw_only=True)
    crm: Crm = field(kw_only=True)
    account: str = field(kw_only=True)
    token: str = field(kw_only=True)

    def door(self) -> Door:
        return Door(OneToken(self.token), AnyNumber(), self.clock, {"zoho": f"{self.sandbox.base_url}/zoho"})

    def writer(self, door: Door) -> Writer:
        return assemble(
            zoho_crm.VENDOR, self.pool, self.clock, door, Metrics(), service=SERVICE, at_once=8, lease=self.lease
        )

    def wished(
        self, entity: Entity, record: str, document: dict[str, Any], *, lane: Lane = Lane.LIVE
    ) -> Delivered[WriteCommand]:
        self.revisions[entity, record] += 1
        number = self.revisions[entity, record]
        command = WriteCommand(
            id=CommandId(f"{entity}-{record}-{number}"), sync=SyncId("s1"), entity=entity, record=RecordId(record),
            source=ConnectionId("books"), target=ConnectionId("crm"), place=self.place, target_entity=entity, revision=number,
            mapping_version=1, wish="present", document=document, lane=lane, happened_at=self.clock.now(),
        )  # fmt: skip
        self.offset += 1
        raw = RawRecord(TOPIC.name, 0, self.offset, b"k", command.model_dump_json().encode(), (), 0)
        return Delivered(command, raw)

    async def want(self, *batch: Delivered[WriteCommand]) -> None:
        targets = zoho_crm.VENDOR.targets
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

    # --- the CRM

    def fault(self, kind: str, route: str = "*", **more: Any) -> None:
        self.sandbox.post("faults", {"vendor": "zoho-crm", "route": route, "kind": kind, **more})

    def listed(self, module: str, *names: str) -> list[dict[str, Any]]:
        """All rows of one module, however many."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"fields": ",".join(names), "per_page": 200, "page": len(found) // 200 + 1}
            answer = self.crm.send("GET", f"/{module}", **query)
            if answer.status_code == 204:
                return found
            found += answer.json()["data"]
            if not answer.json()["info"]["more_records"]:
                return found

    def made(self, *methods: str) -> list[str]:
        """The calls of ours by these methods, in their order."""
        listed: Any = self.sandbox.get("log", since=0)["calls"]
        ours = [call for call in listed if not call["operator"] and call["vendor"] == "zoho-crm"]
        return [call["route"] for call in ours if call["method"] in methods]


@asynccontextmanager
async def crm_world(database: Database, sandbox: SandboxProcess, account: str) -> AsyncIterator[CrmWorld]:
    """An account as it is from the start, and one sync into it."""
    sandbox.post("reset")
    row = account_of(sandbox, account)
    # Tests let hours of the sandbox pass, and the one token that they have has to last.
    sandbox.post("limits", {"vendor": "zoho-accounts", "token_s": 86_400})
    crm = Crm(row["base_url"], row["operator_token"])
    org = crm.reported("GET", "/org")["org"][0]["zgid"]
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("service"), name="writer", size=8)
    token = Tokens().of(sandbox, row["dc"], "demo", ",".join(SCOPES))
    world = CrmWorld(
        pool, owner, None, org, OffsetClock(sandbox.home),  # type: ignore[arg-type]
        sandbox=sandbox, crm=crm, account=account, token=token,
    )  # fmt: skip
    await _prepared(world, {"dc": row["dc"], "org_id": org})
    try:
        yield world
    finally:
        crm.http.close()
        await close_ledger_world(world)


async def _prepared(world: CrmWorld, details: dict[str, str]) -> None:
    await world.execute(f"truncate {TABLES} cascade")
    to = zoho_crm.VENDOR.account(connection_of(zoho_crm.NAME, "crm", **details))
    for name, vendor, of, known in (("books", "books", "books:1", {}), ("crm", "zoho-crm", to, details)):
        await world.execute(
            """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
               values ($1, $2, $1, 'active', $3, $4, now(), now())""",
            name, vendor, known, of,
        )  # fmt: skip
    await world.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
           values ('s1', 's1', 't', 'books', 'crm', 'active', now(), now())"""
    )
    for entity in MODULES:
        await world.execute(
            """insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place)
               values ('s1', $1, 'books', $1, 'crm', $1, $2)""",
            entity, world.place,
        )  # fmt: skip
