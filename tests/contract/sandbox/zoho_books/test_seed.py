"""Seeds: the same bytes for the same seed, and every kind of trouble."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.sandbox import SandboxProcess


def seed(sandbox: SandboxProcess, size: int, number: int = 7, *, trouble: bool = True) -> None:
    wanted = {"vendor": "zoho-books", "account": "demo", "size": size, "seed": number, "trouble": trouble}
    sandbox.post("seed", wanted)


def state(sandbox: SandboxProcess) -> Any:
    return sandbox.get("state/zoho-books", account="demo")["accounts"]["demo"]  # type: ignore[index]


class TestSeed:
    def test_gives_the_same_bytes_for_the_same_seed(self, sandbox: SandboxProcess) -> None:
        seed(sandbox, 60)
        first = json.dumps(state(sandbox))
        sandbox.post("reset")
        seed(sandbox, 60)
        assert json.dumps(state(sandbox)) == first
        seed(sandbox, 60, 8)
        assert json.dumps(state(sandbox)) != first

    def test_with_trouble_has_every_kind_of_it(self, sandbox: SandboxProcess) -> None:
        seed(sandbox, 500)
        contacts, invoices = state(sandbox)["contacts"], state(sandbox)["invoices"]
        emails = [contact["email"] for contact in contacts if contact["email"]]
        assert len(emails) < 500
        assert len(set(emails)) < len(emails)
        assert any(email.isupper() for email in emails)
        assert any("+" in email for email in emails)
        assert any(not contact["billing_address"]["zip"] for contact in contacts)
        assert {contact["currency_code"] for contact in contacts} >= {"JPY", "EUR", "KWD", "USD"}
        assert any(not contact["contact_name"].isascii() for contact in contacts)
        assert {contact["status"] for contact in contacts} == {"active", "inactive"}
        assert any("cf_termination" in contact["custom_field_hash"] for contact in contacts)
        statuses = {"draft", "void", "sent", "overdue", "partially_paid", "paid"}
        assert {invoice["status"] for invoice in invoices} == statuses
        assert max(len(contact["contact_persons"]) for contact in contacts) > 1

    def test_without_trouble_is_clean(self, sandbox: SandboxProcess) -> None:
        seed(sandbox, 200, trouble=False)
        contacts = state(sandbox)["contacts"]
        emails = [contact["email"] for contact in contacts]
        assert len({email.lower() for email in emails}) == 200
        assert {contact["status"] for contact in contacts} == {"active"}
        assert {contact["currency_code"] for contact in contacts} == {"EUR", "USD"}
        assert not any(invoice["status"] == "overdue" for invoice in state(sandbox)["invoices"])

    def test_outlives_a_restart_to_the_last_field(self, sandbox: SandboxProcess) -> None:
        seed(sandbox, 40)
        before = state(sandbox)
        sandbox.stop()
        sandbox.start()
        assert state(sandbox) == before

    def test_closes_its_books(self, sandbox: SandboxProcess) -> None:
        seed(sandbox, 100)
        found = state(sandbox)
        owed: dict[str, float] = {}
        for invoice in found["invoices"]:
            if invoice["status"] not in ("draft", "void"):
                owed[invoice["customer_id"]] = owed.get(invoice["customer_id"], 0) + invoice["balance"]
        for contact in found["contacts"]:
            receivable = contact["outstanding_receivable_amount"]
            assert receivable == pytest.approx(owed.get(contact["contact_id"], 0), abs=0.0001)
        paid = sum(payment["amount"] for payment in found["customerpayments"])
        assert paid == pytest.approx(sum(invoice["payment_made"] for invoice in found["invoices"]), abs=0.01)
