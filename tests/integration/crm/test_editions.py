"""The same history in every edition of Zoho CRM, in the place that it has for it: the template's own legs, mapping and facts, and the real writer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.contracts.facts import INVOICE
from common.contracts.ids import Entity, RecordId
from common.contracts.messages import WriteCommand
from console.use_cases.account_legs import left_out, of_account
from console.use_cases.leg_drafting import End
from console.use_cases.remembered_reads import RememberedReads
from mapper.facts import FeedRow, facts_of
from mapper.mapping.definitions import read_definition, template
from mapper.mapping.engine import CompiledMapping, compile_mapping
from mapper.mapping.fact_use import with_facts
from mapper.state import RecordState
from mapper.wish import wish_of
from tests.support.crm_world import CrmWorld
from vendors import zoho_crm
from vendors.catalogue import AskedField
from vendors.vendor import connection_of

TODAY = date(2026, 5, 4)
COMPANY, ALONE, SENT, PAID, SHARE = "4600001", "4600002", "9001", "9002", "77-9001"
OWED = {"status": "overdue", "currency": "EUR", "total": "100.10", "balance": "60.05", "issued_on": "2026-03-01", "due_on": "2026-04-01"}  # fmt: skip
GIVEN = {"status": "paid", "currency": "JPY", "total": "5000", "balance": "0", "issued_on": "2026-05-01", "due_on": "2026-05-09"}  # fmt: skip
HISTORY: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "customer": {
        COMPANY: {"company": "Alder Works", "email": "office@alder.example"},
        ALONE: {"company": None, "email": "ida@birch.example", "last_name": "Birch"},
    },
    "person": {"501": {"company": "Alder Works", "customer_id": COMPANY, "email": "p@alder.example", "last_name": "Ash"}},
    "invoice": {
        SENT: {"number": "INV-1", "customer_id": COMPANY, **OWED}, PAID: {"number": "INV-2", "customer_id": ALONE, **GIVEN},
    },
    "invoice_payment": {
        SHARE: {"invoice_id": SENT, "customer_id": COMPANY, "amount": "40.05", "currency": "EUR", "paid_on": "2026-03-09"},
    },
}  # fmt: skip


@dataclass
class Place:
    """An account of one edition with the template's legs, as applying them makes it."""

    world: CrmWorld
    legs: dict[str, tuple[Mapping[str, Any], CompiledMapping]] = field(default_factory=dict)
    owed: Mapping[str, Any] = field(default_factory=lambda: OWED)

    async def prepare(self, edition: str) -> list[str]:
        """Fields, and legs in the database; what the account does not get, in words."""
        world = self.world
        world.sandbox.post("limits", {"vendor": "zoho-crm", "account": world.account, "edition": edition})
        [known] = await world.rows("select details from core.connection where id = 'crm'")
        connection = connection_of(zoho_crm.NAME, "crm", **dict(known["details"]) | {"edition": edition})
        await world.execute("delete from core.leg where sync = 's1'")
        door, given = world.door(), template("zoho-books-zoho-crm")
        try:
            api = door.open(zoho_crm.VENDOR.profile, connection)
            end = End(connection, zoho_crm.VENDOR, api, RememberedReads(api))
            for at, leg in enumerate(of_account(given, end)["legs"]):
                if leg.get("direction") != "back":
                    await self._leg(end, at, leg)
        finally:
            await door.aclose()
        return left_out(given, end)

    async def _leg(self, end: End, at: int, leg: Mapping[str, Any]) -> None:
        target = zoho_crm.VENDOR.targets[Entity(leg["target"]["entity"])]
        definition = with_facts(read_definition(1, leg))
        asked = [AskedField(row.target, row.new_field) for row in definition.rows if row.new_field]
        if asked:
            made = await target.create_fields(end.connection, self.world.place, asked, end.api)
            assert not made.refused
        fields = await target.catalogue(end.connection, self.world.place, end.api)
        self.legs[leg["name"]] = (leg, compile_mapping(definition, fields, collected=target.choices.collected))
        await self.world.execute(
            """insert into core.leg (sync, position, name, source_connection, source_entity, target_connection, target_entity, target_place, mode)
               values ('s1', $1, $2, 'books', $3, 'crm', $4, $5, $6)""",
            at, leg["name"], leg["source"]["entity"], leg["target"]["entity"], self.world.place, target.mode,
        )  # fmt: skip

    def wishes(self, deal: str) -> Iterator[Delivered[WriteCommand]]:
        """What the mapping makes of the history; whoever needs somebody comes first."""
        told = {**HISTORY, "deal": {deal: {}}}
        for name, (leg, mapping) in reversed(self.legs.items()):
            target = zoho_crm.VENDOR.targets[Entity(leg["target"]["entity"])]
            for record, fields in told[leg["source"]["entity"]].items():
                fields = {"id": record, **fields}
                state = RecordState(fields=fields, field_versions=dict.fromkeys(fields, "1"), sequence="1")
                wish = wish_of(state, mapping, target, self._facts(record, deal), id=record)
                if wish.wish == "present":
                    made = self.world.wished(Entity(name), record, wish.document)
                    becomes = {"target_entity": Entity(leg["target"]["entity"])}
                    yield Delivered(made.message.model_copy(update=becomes), made.record)

    def _facts(self, record: str, deal: str) -> Mapping[str, Any]:
        given = {COMPANY: self.owed, deal: {**self.owed, "named_by": "custom field"}, ALONE: GIVEN}.get(record)
        rows = [FeedRow(INVOICE, RecordId("1"), given)] if given is not None else []
        return facts_of(rows, TODAY).values

    def notes(self, module: str, record: str) -> list[tuple[str, str]]:
        answer = self.world.crm.send("GET", f"/{module}/{record}/Notes", fields="Note_Title,Note_Content")
        rows = answer.json()["data"] if answer.status_code == 200 else []
        return [(row["Note_Title"], row["Note_Content"]) for row in rows]

    def one(self, module: str, **values: Any) -> dict[str, Any]:
        found = [self.world.crm.read(module, row["id"]) for row in self.world.listed(module, "id")]
        [its] = [row for row in found if all(row.get(name) == value for name, value in values.items())]
        return its


@pytest.mark.parametrize(
    ("world", "edition"),
    [("demo-au", "free"), ("demo-jp", "standard"), ("demo", "professional"), ("demo", "enterprise")],
    indirect=["world"],
)
async def test_the_same_history_is_in_the_place_that_the_edition_has_for_it(world: CrmWorld, edition: str) -> None:
    place = Place(world)
    lacking = await place.prepare(edition)
    [made] = world.crm.add("Deals", {"Deal_Name": "Roof", "Stage": "Qualification"})
    for route in ("POST /Accounts", "POST /Notes", "POST /Accounts/upsert"):
        world.fault("reset_after", route, count=1)
    await world.want(*place.wishes(made))
    await world.through(executors=2)
    account, contact = place.one("Accounts"), place.one("Contacts", Email="ida@birch.example")
    assert account["Account_Name"] == "Alder Works"
    assert place.one("Contacts", Email="p@alder.example")["Account_Name"]["id"] == account["id"]
    PLACES[edition](place, account, contact, made, lacking)
    before = len(world.listed("Notes", "Note_Title"))
    place.owed = {**OWED, "status": "paid", "balance": "0.00"}
    await world.want(*place.wishes(made))
    await world.through()
    if edition == "free":
        [(_, text)] = place.notes("Accounts", account["id"])
        assert text.startswith("Status: paid\nInvoiced: 100.10 EUR\nPaid: 100.10 EUR\nLast invoice: 2026-03-01\n")
    # Rewritten in place: nobody has one note more.
    assert len(world.listed("Notes", "Note_Title")) == before


def in_one_note(place: Place, account: Any, contact: Any, deal: str, lacking: list[str]) -> None:
    [(title, text)] = place.notes("Accounts", account["id"])
    said = "Status: overdue\nInvoiced: 100.10 EUR\nPaid: 40.05 EUR\nTo be paid: 60.05 EUR\nOverdue: 60.05 EUR\nLast invoice: 2026-03-01"
    assert (title, text.splitlines()[:-1]) == (f"Customer of the books {COMPANY}", said.splitlines())
    [(title, text)] = place.notes("Contacts", contact["id"])
    assert title == f"Customer of the books {ALONE}" and text.startswith(
        "Status: paid\nInvoiced: 5000 JPY\nPaid: 5000 JPY\n"
    )
    assert [name for name in account if name.startswith("Books_")] == []
    assert [note.split(":")[0] for note in lacking] == [
        "Leg invoice is left out", "Leg payment is left out", "Leg deal is left out",
        "crm has no fields of its own in its edition",
    ]  # fmt: skip


def in_fields(place: Place, account: Any, contact: Any, deal: str, lacking: list[str]) -> None:
    found = {name: account[f"Books_{name}"] for name in ("Outstanding", "Overdue", "Status", "Last_Invoice")}
    assert found == {"Outstanding": 60.05, "Overdue": 60.05, "Status": "overdue", "Last_Invoice": "2026-03-01"}
    assert (contact["Books_Status"], contact["Books_Outstanding"]) == ("paid", 0)
    assert [title for title, _ in place.notes("Accounts", account["id"])] == ["Payment: 40.05 EUR"]
    assert [note.split(":")[0] for note in lacking] == ["Leg invoice is left out"]
    _deal_adds_up(place, deal)


def in_invoices(place: Place, account: Any, contact: Any, deal: str, lacking: list[str]) -> None:
    invoice = place.one("Invoices", Books_Invoice_Id=SENT)
    found = {name: invoice[f"Books_{name}"] for name in ("Total", "Balance", "Status", "Due")}
    assert found == {"Total": 100.1, "Balance": 60.05, "Status": "overdue", "Due": "2026-04-01"}
    assert invoice["Account_Name"]["id"] == account["id"]
    assert place.one("Invoices", Books_Invoice_Id=PAID)["Contact_Name"]["id"] == contact["id"]
    assert [title for title, _ in place.notes("Invoices", invoice["id"])] == ["Payment: 40.05 EUR"]
    assert lacking == []
    _deal_adds_up(place, deal)


def _deal_adds_up(place: Place, deal: str) -> None:
    found = place.one("Deals", id=deal)
    sums = {name: found[f"Books_{name}"] for name in ("Invoiced", "Paid", "Outstanding", "Status", "Linked_By")}
    assert sums == {
        "Invoiced": 100.1,
        "Paid": 40.05,
        "Outstanding": 60.05,
        "Status": "overdue",
        "Linked_By": "custom field",
    }


PLACES = {"free": in_one_note, "standard": in_fields, "professional": in_invoices, "enterprise": in_invoices}


def _again(one: Delivered[WriteCommand], record: str, values: Mapping[str, Any]) -> Delivered[WriteCommand]:
    document = {**one.message.document, **values}
    return Delivered(one.message.model_copy(update={"document": document}), one.record)


def _refused(world: CrmWorld) -> int:
    listed: Any = world.sandbox.get("log", since=0)["calls"]
    return sum(call["status"] == 400 for call in listed if not call["operator"])


async def test_what_a_smaller_edition_has_not_waits_behind_one_notice_and_everything_else_goes_on(
    world: CrmWorld,
) -> None:
    place = Place(world)
    await place.prepare("professional")
    [made] = world.crm.add("Deals", {"Deal_Name": "Roof", "Stage": "Qualification"})
    await world.want(*place.wishes(made))
    await world.through(executors=2)
    world.sandbox.post("limits", {"vendor": "zoho-crm", "account": world.account, "edition": "standard"})
    changed = {
        "invoice": (SENT, {"custom.Books_Balance": "1.00"}), "payment": (SHARE, {"amount": "99.10"}), "account": (COMPANY, {"name": "Alder Ltd"}),
    }  # fmt: skip
    await world.want(
        *(
            _again(one, *changed[one.message.entity])
            for one in place.wishes(made)
            if changed.get(one.message.entity, ("",))[0] == one.message.record
        )
    )

    async def waits() -> bool:
        rows = await world.rows("select entity, state, code from flow.work_item where state <> 'done' order by 1")
        return {row["entity"] for row in rows} == {"invoice", "payment"} and all(
            row["code"] == "ZC_NO_MODULE" for row in rows
        )

    async with world.running():
        await world.until(waits, "the others are written")
    assert place.one("Accounts")["Account_Name"] == "Alder Ltd"
    items = await world.rows("select state, attempts from flow.work_item where state <> 'done'")
    assert {tuple(one) for one in items} == {("waiting", 0)}
    told = await world.rows("select message from core.notification where kind = 'gate.refused' order by id")
    assert sorted(one["message"].split(":")[0] for one in told) == [
        "Leg invoice waits, and is tried again every 10 minutes",
        "Leg payment waits, and is tried again every 10 minutes",
    ]
    asked = _refused(world)
    world.sandbox.post("clock", {"advance_s": 60})
    async with world.running():
        await asyncio.sleep(1)
    assert _refused(world) == asked, "nobody asks behind a gate"

    # The edition is back, and nobody says so.
    world.sandbox.post("limits", {"vendor": "zoho-crm", "account": world.account, "edition": "professional"})
    world.sandbox.post("clock", {"advance_s": 700})
    await world.through()
    assert place.one("Invoices", Books_Invoice_Id=SENT)["Books_Balance"] == 1
    world.sandbox.post("clock", {"advance_s": 700})

    async def told_of_no_more() -> bool:
        open_ones = "select from core.gate union all select from core.notification where resolved_at is null"
        return not await world.rows(open_ones)

    async with world.running():
        await world.until(told_of_no_more, "the notices are resolved")
