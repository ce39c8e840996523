"""What sales people see of money: invoices of Zoho Books as invoices of the CRM, and what was invoiced for each deal, to the cent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.failures import Rejected
from tests.contract.vendors.hand import Hand
from tests.contract.vendors.zoho_crm import account as accounts
from tests.contract.vendors.zoho_crm.account import CrmAccount
from tests.support.sandbox import SandboxProcess
from vendors import zoho_crm
from vendors.acts import Act, NeedFacts, Nothing, Sending, Skip, Wait, Work
from vendors.catalogue import AskedField
from vendors.target import Target

CUSTOMER = RecordRef(entity=Entity("customer"), record=RecordId("77"))
OWN = {"Status": "text", "Total": "number", "Balance": "number", "Due": "date"}
SUMS = {"Invoiced": "number", "Paid": "number", "Outstanding": "number", "Status": "text"}


@dataclass
class LinkedHand(Hand):
    """Whose records need others that are there."""

    linked: dict[RecordRef, str] = field(default_factory=dict)
    linked_as: dict[RecordRef, Entity] = field(default_factory=dict)

    def work(self, document: Mapping[str, Any], leaves: str = "") -> Work:
        return replace(super().work(document, leaves), linked=self.linked, linked_as=self.linked_as)


@dataclass
class Desk:
    """The account of the sales people, with our own fields, as applying a sync makes them."""

    account: CrmAccount
    target: Target
    module: str

    @property
    def hand(self) -> LinkedHand:
        return LinkedHand(self.target, self.account.place, self.account.api)

    async def make(self, fields: Mapping[str, str]) -> None:
        asked = [AskedField(name if name == "key" else f"custom.Books_{name}", kind) for name, kind in fields.items()]
        made = await self.target.create_fields(self.account.connection, "", asked, self.account.api)
        assert not made.refused

    def rows(self) -> list[dict[str, Any]]:
        answer = self.account.crm.send("GET", f"/{self.module}", fields="id", per_page=200)
        found = answer.json()["data"] if answer.status_code == 200 else []
        return [self.account.crm.read(self.module, row["id"]) for row in found]

    def mine(self) -> dict[str, Any]:
        (row,) = [row for row in self.rows() if row.get("Books_Invoice_Id")]
        return row


@pytest.fixture
async def desk(sandbox: SandboxProcess) -> AsyncIterator[Desk]:
    async with accounts.opened(sandbox) as account:
        made = Desk(account, zoho_crm.VENDOR.targets[Entity("sales_invoice")], "Invoices")
        await made.make({"key": "text", **OWN})
        yield made


def invoice(**more: Any) -> dict[str, Any]:
    money = {"custom.Books_Total": "119.10", "custom.Books_Balance": "119.10", "custom.Books_Due": "2026-05-20"}
    said = {"custom.Books_Status": "sent", "issued_on": "2026-04-20", "currency": "EUR", "customer_id": "77"}
    lines = [{"name": "INV-1", "quantity": "1", "rate": "119.10"}]
    return {"key": "4600001", "reference": "INV-1", **money, **said, "lines": lines} | more


class TestAnInvoice:
    @pytest.fixture
    def hand(self, desk: Desk) -> LinkedHand:
        hand = desk.hand
        hand.linked[CUSTOMER] = desk.account.crm.add("Accounts", {"Account_Name": "Alder Works"})[0]
        hand.linked_as[CUSTOMER] = Entity("customer")
        return hand

    async def test_is_there_with_what_books_says_on_one_product(self, desk: Desk, hand: LinkedHand) -> None:
        assert (await hand.settle(invoice()))[0] == Nothing()
        row = desk.mine()
        assert (row["Subject"], row["Books_Invoice_Id"], row["Currency"]) == ("INV-1", "4600001", "EUR")
        assert (row["Books_Total"], row["Books_Balance"], row["Books_Due"]) == (119.1, 119.1, "2026-05-20")
        assert row["Account_Name"]["id"] == hand.linked[CUSTOMER] and row["Contact_Name"] is None
        (line,) = row["Invoiced_Items"]
        assert (line["Product_Name"]["name"], line["Quantity"], line["List_Price"]) == ("Books invoice", 1, 119.1)

    async def test_of_a_person_is_the_contacts(self, desk: Desk, hand: LinkedHand) -> None:
        hand.linked[CUSTOMER], hand.linked_as[CUSTOMER] = desk.account.crm.contact("Ida"), Entity("person")
        await hand.settle(invoice())
        row = desk.mine()
        assert row["Contact_Name"]["id"] == hand.linked[CUSTOMER] and row["Account_Name"] is None

    async def test_that_is_paid_is_one_write_of_what_differs(self, desk: Desk, hand: LinkedHand) -> None:
        await hand.settle(invoice())
        paid = invoice(**{"custom.Books_Status": "paid", "custom.Books_Balance": "0.00"})
        end, (act,) = await hand.settle(paid)
        assert end == Nothing() and set(act.values) == {"custom.Books_Status", "custom.Books_Balance"}
        assert (desk.mine()["Books_Status"], desk.mine()["Books_Balance"]) == ("paid", 0)
        assert hand.planned(hand.work(paid)) == Nothing()

    async def test_of_yen_and_another_price_keeps_its_one_line_and_product(self, desk: Desk, hand: LinkedHand) -> None:
        yen = [{"name": "INV-1", "quantity": "1", "rate": "120000"}]
        await hand.settle(invoice())
        await hand.settle(invoice(**{"custom.Books_Total": "120000", "lines": yen}))
        (line,) = desk.mine()["Invoiced_Items"]
        assert (line["List_Price"], desk.mine()["Books_Total"]) == (120000, 120000)
        again = desk.hand
        again.linked, again.linked_as = hand.linked, hand.linked_as
        other = invoice(key="4600002", reference="INV-2")
        await again.settle(other)
        products = desk.account.crm.send("GET", "/Products", fields="Product_Name", per_page=200).json()["data"]
        assert [row["Product_Name"] for row in products].count("Books invoice") == 1

    async def test_is_found_by_its_field_and_not_by_its_number(self, desk: Desk, hand: LinkedHand) -> None:
        """The vendor's own way would take any invoice of this subject for ours."""
        product = desk.account.crm.add("Products", {"Product_Name": "Timber"})[0]
        line = {"Product_Name": {"id": product}, "Quantity": 1}
        desk.account.crm.add("Invoices", {"Subject": "INV-1", "Invoiced_Items": [line]})
        await hand.settle(invoice())
        assert [row["Subject"] for row in desk.rows()].count("INV-1") == 2
        stranger = desk.hand
        stranger.linked, stranger.linked_as = hand.linked, hand.linked_as
        assert await stranger.settle(invoice()) == (Nothing(), [])

    async def test_sent_again_after_an_answer_that_nobody_saw_it_is_there_once(self, desk: Desk, hand: LinkedHand) -> None:  # fmt: skip
        act = await hand.step(invoice())
        assert isinstance(act, Act) and hand.target.brings(act)
        attempt = hand.attempt(act)
        await hand.target.apply("", [act], hand.facts, desk.account.api, Sending())
        seen = (await hand.target.look("", [act.key], desk.account.api))[act.key]
        assert hand.target.landed(attempt, seen) is not None  # type: ignore[arg-type]
        await hand.target.apply("", [act], hand.facts, desk.account.api, Sending())
        assert desk.mine()["Subject"] == "INV-1"

    async def test_that_was_deleted_says_so_and_stays(self, desk: Desk, hand: LinkedHand) -> None:
        await hand.settle(invoice())
        gone, key = hand.target.gone("status", {}), hand.key(invoice())
        assert (await hand.settle(gone, leaves=key))[0] == Nothing()
        assert desk.mine()["Books_Status"] == "deleted"
        assert await hand.settle(gone, leaves=key) == (Nothing(), [])
        await hand.settle(invoice())
        assert desk.mine()["Books_Status"] == "sent"

    async def test_by_item_is_on_the_products_of_these_codes(self, desk: Desk, hand: LinkedHand) -> None:
        desk.account.crm.add("Products", {"Product_Name": "Timber", "Product_Code": "T-1"})
        lines = [
            {"sku": "T-1", "name": "Timber", "quantity": "2", "rate": "50"},
            {"sku": "X", "name": "Saw", "quantity": "1", "rate": "19.10"},
        ]
        await hand.settle(invoice(lines=lines))
        assert [(one["Product_Name"]["name"], one["Quantity"]) for one in desk.mine()["Invoiced_Items"]] == [("Timber", 2), ("Books invoice", 1)]  # fmt: skip

    async def test_in_a_currency_that_is_not_switched_on_is_not_written(self, desk: Desk, hand: LinkedHand) -> None:
        unknown = invoice(currency="XAU")
        await hand.look(hand.key(unknown))
        hand.facts = await desk.target.facts("", desk.account.api)
        step = desk.target.plan(hand.work(unknown), hand.facts)
        assert isinstance(step, NeedFacts) and isinstance(step.otherwise, Rejected)
        assert step.otherwise.code == "ZC_CHOICE_UNKNOWN" and "Currency" in step.otherwise.message


class TestADeal:
    @pytest.fixture
    async def deals(self, desk: Desk) -> Desk:
        made = Desk(desk.account, zoho_crm.VENDOR.targets[Entity("deal")], "Deals")
        await made.make(SUMS)
        return made

    async def test_says_what_was_invoiced_and_nothing_else_of_it_changes(self, deals: Desk) -> None:
        id = deals.account.crm.add("Deals", {"Deal_Name": "Roof", "Stage": "Qualification"})[0]
        sums = {"custom.Books_Invoiced": "100.00", "custom.Books_Paid": "33.32", "custom.Books_Outstanding": "66.68", "custom.Books_Status": "overdue"}  # fmt: skip
        hand = deals.hand
        assert (await hand.settle({"key": id, **sums}))[0] == Nothing()
        row = deals.account.crm.read("Deals", id)
        assert (row["Books_Invoiced"], row["Books_Paid"], row["Books_Outstanding"]) == (100, 33.32, 66.68)
        assert (row["Deal_Name"], row["Stage"], row["Books_Status"]) == ("Roof", "Qualification", "overdue")
        await hand.settle(
            {"key": id, **sums, "custom.Books_Invoiced": None, "custom.Books_Status": "overdue (EUR, JPY)"}
        )
        assert deals.account.crm.read("Deals", id)["Books_Invoiced"] is None

    async def test_that_is_not_there_is_never_made(self, deals: Desk) -> None:
        before = len(deals.rows())
        end, done = await deals.hand.settle({"key": "999", "custom.Books_Status": "paid"})
        assert isinstance(end, Skip) and not done and len(deals.rows()) == before

    async def test_whose_id_somebody_has_mistyped_keeps_no_other_from_being_looked_at(self, deals: Desk) -> None:
        document = {"key": "see the offer", "custom.Books_Status": "paid"}
        assert deals.target.identify(document) is None and deals.target.keys(document) == []
        assert isinstance(deals.target.plan(Work("present", document, ""), None), Skip)

    async def test_offers_our_fields_alone(self, deals: Desk) -> None:
        found = await deals.target.catalogue(deals.account.connection, "", deals.account.api)
        assert {"key", "custom.Books_Paid"} <= {one.path for one in found.fields}
        assert not {"name", "stage"} & {one.path for one in found.fields}


def share(**more: Any) -> dict[str, Any]:
    told = {"amount": "60.1", "currency": "EUR", "paid_on": "2026-05-04", "method": "bank", "reference": "R-1"}
    return {"key": "900-4600001", "invoice_id": "4600001", "customer_id": "77", **told} | more


class TestAPayment:
    INVOICE = RecordRef(entity=Entity("invoice"), record=RecordId("4600001"))

    @pytest.fixture
    async def hand(self, desk: Desk) -> LinkedHand:
        """Its invoice is there."""
        product = desk.account.crm.add("Products", {"Product_Name": "Timber"})[0]
        line = {"Product_Name": {"id": product}, "Quantity": 1}
        there = {"Subject": "INV-1", "Books_Invoice_Id": "4600001", "Invoiced_Items": [line]}
        hand = LinkedHand(zoho_crm.VENDOR.targets[Entity("note")], "", desk.account.api)
        hand.linked[self.INVOICE] = desk.account.crm.add("Invoices", there)[0]
        hand.linked_as[self.INVOICE] = Entity("sales_invoice")
        return hand

    def notes(self, desk: Desk, hand: LinkedHand) -> list[tuple[str, str]]:
        path = f"/Invoices/{hand.linked[self.INVOICE]}/Notes"
        answer = desk.account.crm.send("GET", path, fields="Note_Title,Note_Content", sort_by="id", sort_order="asc")
        rows = answer.json()["data"] if answer.status_code == 200 else []
        return [(row["Note_Title"], row["Note_Content"]) for row in rows]

    async def test_is_said_once_under_its_invoice(self, desk: Desk, hand: LinkedHand) -> None:
        assert (await hand.settle(share()))[0] == Nothing()
        ((title, words),) = self.notes(desk, hand)
        assert title == "Payment: 60.10 EUR" and words.startswith("On: 2026-05-04\nBy: bank\nReference: R-1\n")
        stranger = replace(hand, known={}, fresh=set(), facts=None, asked=set(), sent=[])
        assert await stranger.settle(share(amount="60.10")) == (Nothing(), [])

    async def test_in_yen_has_no_cents(self, desk: Desk, hand: LinkedHand) -> None:
        await hand.settle(share(currency="JPY", amount="120000.00"))
        assert [title for title, _ in self.notes(desk, hand)] == ["Payment: 120000 JPY"]

    async def test_a_ghost_of_it_is_recognised_and_not_said_again(self, desk: Desk, hand: LinkedHand) -> None:
        act = await hand.step(share())
        assert isinstance(act, Act) and hand.target.brings(act)
        attempt = hand.attempt(act)
        await hand.target.apply("", [act], None, desk.account.api, Sending())
        seen = (await hand.target.look("", [act.key], desk.account.api))[act.key]
        done = hand.target.landed(attempt, seen)  # type: ignore[arg-type]
        assert done is not None
        hand.settled(attempt, done)
        assert hand.planned(hand.work(share())) == Nothing()
        assert len(self.notes(desk, hand)) == 1

    async def test_that_never_came_is_no_ghost(self, desk: Desk, hand: LinkedHand) -> None:
        act = await hand.step(share())
        assert isinstance(act, Act)
        seen = (await hand.target.look("", [act.key], desk.account.api))[act.key]
        assert hand.target.landed(hand.attempt(act), seen) is None  # type: ignore[arg-type]

    async def test_what_becomes_of_it_is_a_further_note(self, desk: Desk, hand: LinkedHand) -> None:
        await hand.settle(share())
        await hand.settle(share(amount="50"))
        gone, key = hand.target.gone("note", {}), hand.key(share())
        assert (await hand.settle(gone, leaves=key))[0] == Nothing()
        assert await hand.settle(gone, leaves=key) == (Nothing(), [])
        titles = [title for title, _ in self.notes(desk, hand)]
        assert titles == ["Payment: 60.10 EUR", "Payment corrected: 50.00 EUR", "Payment taken back"]

    async def test_that_was_never_said_is_not_taken_back(self, desk: Desk, hand: LinkedHand) -> None:
        assert await hand.settle(hand.target.gone("note", {}), leaves=hand.key(share())) == (Nothing(), [])
        assert self.notes(desk, hand) == []

    async def test_waits_for_its_invoice(self, desk: Desk, hand: LinkedHand) -> None:
        hand.linked.clear()
        assert hand.planned(hand.work(share())) == Wait(self.INVOICE)

    async def test_goes_under_the_customer_where_there_are_no_invoices(self, desk: Desk, hand: LinkedHand) -> None:
        crm = desk.account.crm
        crm.make_field("Accounts", "Books Id", unique={"case_sensitive": False}, external={"type": "org"})
        hand.linked[CUSTOMER] = crm.add("Accounts", {"Account_Name": "Alder Works", "Books_Id": "77"})[0]
        hand.linked_as[CUSTOMER] = Entity("customer")
        assert (await hand.settle(share(under="customer")))[0] == Nothing()
        answer = crm.send("GET", f"/Accounts/{hand.linked[CUSTOMER]}/Notes", fields="Note_Title")
        assert [row["Note_Title"] for row in answer.json()["data"]] == ["Payment: 60.10 EUR"]
        assert await replace(hand, known={}, fresh=set()).settle(share(under="customer")) == (Nothing(), [])
