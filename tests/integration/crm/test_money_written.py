"""Invoices and their payments into Zoho CRM by the real writer: each waits for whom it belongs to, and is there once though answers are lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

from common.bus.handler import Delivered
from common.contracts.ids import Entity
from common.contracts.messages import Lane, WriteCommand
from tests.integration.crm.test_written import make_fields
from tests.support.crm_world import CUSTOMER, CrmWorld
from vendors import zoho_crm
from vendors.catalogue import AskedField
from vendors.vendor import connection_of

INVOICE, SHARE = Entity("invoice"), Entity("invoice_payment")
BECOMES = {INVOICE: Entity("sales_invoice"), SHARE: Entity("note")}
CUSTOMERS, INVOICES, PAYMENTS = 3, 12, 2


async def make_legs(world: CrmWorld) -> None:
    await make_fields(world)
    for at, (entity, becomes) in enumerate(BECOMES.items(), 5):
        await world.execute(
            """insert into core.leg (sync, position, name, source_connection, source_entity, target_connection, target_entity, target_place, mode)
               values ('s1', $1, $2, 'books', $2, 'crm', $3, $4, $5)""",
            at, entity, becomes, world.place, zoho_crm.VENDOR.targets[becomes].mode,
        )  # fmt: skip
    connection, door = connection_of(zoho_crm.NAME, "crm", dc="in", org_id=world.place), world.door()
    try:
        api = door.open(zoho_crm.VENDOR.profile, connection)
        asked = [
            AskedField("key", "text"),
            AskedField("custom.Books_Balance", "number"),
            AskedField("custom.Books_Status", "text"),
        ]
        made = await zoho_crm.VENDOR.targets[BECOMES[INVOICE]].create_fields(connection, world.place, asked, api)
        assert not made.refused
    finally:
        await door.aclose()


def wished(world: CrmWorld, entity: Entity, record: str, document: dict[str, Any]) -> Delivered[WriteCommand]:
    made = world.wished(entity, record, document, lane=Lane.BACKFILL)
    return Delivered(made.message.model_copy(update={"target_entity": BECOMES[entity]}), made.record)


def invoice(world: CrmWorld, n: int, **more: Any) -> Delivered[WriteCommand]:
    line = {"name": f"INV-{n}", "quantity": "1", "rate": f"{n}.10"}
    said = {"custom.Books_Balance": f"{n}.10", "custom.Books_Status": "sent", **more}
    of = {"customer_id": f"c{n % CUSTOMERS}", "reference": f"INV-{n}", "lines": [line]}
    return wished(world, INVOICE, f"i{n}", {"key": f"i{n}", **of, **said})


def share(world: CrmWorld, n: int, payment: int) -> Delivered[WriteCommand]:
    key = f"p{payment}-i{n}"
    paid = {"amount": f"{payment}.05", "currency": "EUR", "paid_on": "2026-05-04"}
    return wished(world, SHARE, key, {"key": key, "invoice_id": f"i{n}", **paid})


async def test_each_is_there_once_under_whom_it_belongs_to_whatever_answers_are_lost(world: CrmWorld) -> None:
    await make_legs(world)
    world.fault("reset_after", "POST /Invoices/upsert", count=1)
    world.fault("reset_after", "POST /Products/upsert", count=1)
    world.fault("half_commit", "POST /Notes", count=1)
    numbers, payments = range(INVOICES), range(1, PAYMENTS + 1)
    # Payments come first, then invoices, then customers: each waits, without an attempt.
    await world.want(*(share(world, n, payment) for n in numbers for payment in payments))
    await world.want(*(invoice(world, n) for n in numbers))
    names = [{"key": f"c{n}", "name": f"Alder {n}"} for n in range(CUSTOMERS)]
    await world.want(*(world.wished(CUSTOMER, one["key"], one) for one in names))
    await world.through(executors=2)

    accounts = {row["id"]: row["Books_Id"] for row in world.listed("Accounts", "Books_Id")}
    papers = world.listed("Invoices", "Books_Invoice_Id", "Account_Name")
    assert {row["Books_Invoice_Id"]: accounts[row["Account_Name"]["id"]] for row in papers} == {
        f"i{n}": f"c{n % CUSTOMERS}" for n in numbers
    }
    assert len(papers) == INVOICES
    assert Counter(row["Product_Name"] for row in world.listed("Products", "Product_Name"))["Books invoice"] == 1
    for paper in papers:
        answer = world.crm.send("GET", f"/Invoices/{paper['id']}/Notes", fields="Note_Title,Note_Content")
        notes = [(row["Note_Title"], row["Note_Content"].splitlines()[-1]) for row in answer.json()["data"]]
        key = paper["Books_Invoice_Id"]
        assert sorted(notes) == [
            (f"Payment: {p}.05 EUR", f"[Books payment p{p}-{key} #1: {p}.05]") for p in payments
        ]  # fmt: skip

    before = len(world.made("POST", "PUT"))
    await world.want(
        *(invoice(world, n, **{"custom.Books_Balance": "0.00", "custom.Books_Status": "paid"}) for n in numbers)
    )
    await world.want(*(share(world, n, payment) for n in numbers for payment in payments))
    await world.through(executors=2)
    # Two executors share the rows as they come: one that has a single row writes it by its id.
    assert set(world.made("POST", "PUT")[before:]) <= {"PUT /Invoices", "PUT /Invoices/{id}", "POST /coql"}
    shown = world.listed("Invoices", "Books_Status", "Books_Balance")
    assert {(row["Books_Status"], row["Books_Balance"]) for row in shown} == {("paid", 0)}
