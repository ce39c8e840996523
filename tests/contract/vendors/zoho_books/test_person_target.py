"""Contact persons of Zoho Books, written: the shared suite, but nobody is ever taken away; and who is meant."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from tests.contract.vendors.hand import Hand
from tests.contract.vendors.target_suite import TargetAccount, TargetSuite
from tests.contract.vendors.zoho_books import account as simulator
from tests.contract.vendors.zoho_books.account import BooksAccount
from tests.support.sandbox import SandboxProcess
from vendors import zoho_books
from vendors.acts import Act, Nothing, Skip, Wait, Work, key_of_id
from vendors.target_record import TargetRecord
from vendors.zoho_books.person_plan import PATHS

PERSON = Entity("person")
TARGET = zoho_books.VENDOR.targets[PERSON]


@dataclass
class Firm(BooksAccount):
    """One customer, whose persons are written; another system calls it as Books does."""

    firm: str = ""

    def document(self, number: int) -> dict[str, Any]:
        return {
            "customer_id": self.firm, "email": f"p{number}@example.test", "salutation": "Ms", "first_name": f"Ida {number}", "last_name": "Finch",
            "phone": "+49 1", "mobile": "+49 2", "title": "Clerk",
        }  # fmt: skip

    def changed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {**document, "department": "Sales"}

    def gone(self) -> Mapping[str, Any]:
        return {"how": "leave"}

    def persons(self) -> list[dict[str, Any]]:
        return list(self.books.read("contacts", self.firm)["contact_persons"])

    def one(self, key: str) -> dict[str, Any] | None:
        who = key.partition("/")[2]
        return next((row for row in self.persons() if row["email"] == who), None)

    def truth(self, key: str) -> Mapping[str, Any] | None:
        row = self.one(key)
        theirs = {path: "designation" if path == "title" else path for path in PATHS}
        return row and {path: row[name] or None for path, name in theirs.items()} | {"customer_id": self.firm}

    def spoil(self, key: str) -> None:
        self.books.told("PUT", f"/contacts/contactpersons/{self._id(key)}", {"phone": "0"})

    def take_away(self, key: str) -> None:
        self.books.told("DELETE", f"/contacts/contactpersons/{self._id(key)}")

    def refusals(self) -> Sequence[tuple[dict[str, Any], str]]:
        return [({**self.document(9), "email": "nonsense"}, "ZB_INVALID_VALUE")]

    def _id(self, key: str) -> str:
        row = self.one(key)
        assert row is not None
        return str(row["contact_person_id"])


@asynccontextmanager
async def opened(sandbox: SandboxProcess) -> AsyncIterator[Firm]:
    async with simulator.opened(sandbox) as books:
        firm = books.books.contact("Alder", "office@alder.example", company_name="Alder")["contact_id"]
        place = books.connection.details["organization_id"]
        yield Firm(books.connection, books.api, sandbox, books.books, place, firm=firm)


def linked(account: Firm) -> dict[RecordRef, str]:
    return {RecordRef(entity=Entity("customer"), record=RecordId(account.firm)): account.firm}


class TestPersons(TargetSuite):
    vendor = zoho_books.VENDOR
    entity = PERSON
    opened = opened

    def hand_of(self, account: TargetAccount) -> Hand:
        assert isinstance(account, Firm)
        return Hand(self.target, account.place, account.api, linked=linked(account))

    def ways(self, account: TargetAccount, hand: Hand) -> Sequence[tuple[Mapping[str, Any], str]]:
        return super().ways(account, hand)[:2]

    async def test_a_record_leaves_and_leaves_once(self, account: TargetAccount, hand: Hand) -> None:
        """It does not: whom an invoice is written to is for people in Books to say."""
        document = account.document(1)
        await hand.settle(document)
        assert await hand.settle(account.gone(), leaves=hand.key(document)) == (Nothing(), [])
        assert self.is_so(account, document)

    async def test_one_that_left_by_us_comes_back_and_one_that_others_took_away_does_not(
        self, account: TargetAccount, hand: Hand
    ) -> None:
        document = account.document(1)
        await hand.settle(document)
        account.take_away(hand.key(document))
        await hand.look(hand.key(document))
        end, done = await hand.settle(document)
        assert isinstance(end, Skip) and not done


@pytest.fixture
async def firm(sandbox: SandboxProcess) -> AsyncIterator[Firm]:
    async with opened(sandbox) as account:
        yield account


class TestWhoIsMeant:
    async def test_waits_for_the_customer(self, firm: Firm) -> None:
        """R23."""
        step = TARGET.plan(Work("present", firm.document(1), "k"), None)
        assert step == Wait(RecordRef(entity=Entity("customer"), record=RecordId(firm.firm)))

    async def test_is_who_has_the_address_at_this_customer_and_no_other_is_touched(self, firm: Firm) -> None:
        (before,) = firm.persons()
        hand = Hand(TARGET, firm.place, firm.api, linked=linked(firm))
        end, done = await hand.settle({"customer_id": firm.firm, "email": "Office@alder.example", "title": "Desk"})
        assert (end, [act.action for act in done]) == (Nothing(), ["update"])
        (after,) = firm.persons()
        assert after == before | {"designation": "Desk", "email": "Office@alder.example"}
        await hand.settle(firm.document(1))
        assert [row["contact_person_id"] for row in firm.persons()][:1] == [before["contact_person_id"]]
        assert len(firm.persons()) == 2 and firm.persons()[0]["is_primary_contact"]

    async def test_without_an_address_is_who_has_the_name_and_a_lost_answer_makes_no_second(self, firm: Firm) -> None:
        hand = Hand(TARGET, firm.place, firm.api, linked=linked(firm))
        document = {"customer_id": firm.firm, "last_name": "Finch"}
        act = await hand.step(document)
        assert isinstance(act, Act)
        firm.sandbox.post(
            "faults",
            {"vendor": "zoho-books", "route": "POST /contacts/contactpersons", "kind": "reset_after", "count": 1},
        )
        with pytest.raises(Exception, match=r"."):
            await hand.apply(act)
        seen = (await TARGET.look(firm.place, [act.key], firm.api))[act.key]
        assert isinstance(seen, TargetRecord) and TARGET.landed(hand.attempt(act), seen) is None
        assert [row["last_name"] for row in firm.persons()].count("Finch") == 1

    async def test_two_with_one_address_are_a_question(self, firm: Firm) -> None:
        for name in ("Ida", "Bo"):
            body = {"contact_id": firm.firm, "first_name": name, "email": "both@alder.example"}
            firm.books.told("POST", "/contacts/contactpersons", body, 201)
        key = f"{firm.firm}/both@alder.example"
        found = (await TARGET.look(firm.place, [key], firm.api))[key]
        assert getattr(found, "code", "") == "ZB_PERSON_TWICE"

    async def test_of_a_link_is_written_whoever_entered_it_and_emptied_too(self, firm: Firm) -> None:
        (there,) = firm.persons()
        firm.books.told(
            "PUT", f"/contacts/contactpersons/{there['contact_person_id']}", {"phone": "1", "department": "Old"}
        )
        hand = Hand(TARGET, firm.place, firm.api)
        key = key_of_id(f"{firm.firm}-{there['contact_person_id']}")
        await hand.look(key)
        step = TARGET.plan(
            Work("present", {"department": None, "phone": "2", "first_name": None}, key, known=hand.known), None
        )
        assert isinstance(step, Act) and step.values == {"department": None, "phone": "2"}
        await hand.apply(step)
        (after,) = firm.persons()
        assert (after["department"], after["phone"], after["email"]) == ("", "2", "office@alder.example")
        assert hand.known[key].id == f"{firm.firm}-{there['contact_person_id']}"
