"""A plain session through every route the integrations use, in all eight data centres, judged by the descriptions."""

from __future__ import annotations

import pytest

from sandbox.zoho_accounts.centres import DATA_CENTRES
from sandbox.zoho_books.papers import PAPERS
from sandbox.zoho_books.routes import ROUTES
from tests.contract.sandbox.zoho_books.books import Books
from tests.contract.sandbox.zoho_books.conftest import Connect
from tests.contract.sandbox.zoho_books.spec import Checker
from tests.support.sandbox import SandboxProcess

PERSON = {"first_name": "Ida", "last_name": "Alder", "email": "ida@alder.example", "is_primary_contact": True}


def account_in(dc: str) -> str:
    return "demo" if dc == "eu" else f"demo-{dc}"


def walk_settings(books: Books) -> dict[str, str]:
    books.told("GET", "/organizations")
    books.told("GET", f"/organizations/{books.organization_id}")
    me = books.told("GET", "/users/me")["user"]
    books.told("GET", "/users")
    books.told("GET", f"/users/{me['user_id']}")
    currency = books.told("POST", "/settings/currencies", {"currency_code": "NOK", "currency_format": "1,234.56"}, 201)
    place = f"/settings/currencies/{currency['currency']['currency_id']}"
    books.told("GET", "/settings/currencies")
    books.told("GET", place)
    books.told("PUT", place, {"currency_symbol": "NOK"})
    rate = books.told("POST", f"{place}/exchangerates", {"effective_date": "2026-01-01", "rate": 0.0875}, 201)
    rate_place = f"{place}/exchangerates/{rate['exchange_rate']['exchange_rate_id']}"
    books.told("GET", f"{place}/exchangerates")
    books.told("GET", rate_place)
    books.told("PUT", rate_place, {"rate": "0.09"})
    books.told("DELETE", rate_place)
    books.told("DELETE", place)
    return walk_taxes(books)


def walk_taxes(books: Books) -> dict[str, str]:
    tax = books.told("POST", "/settings/taxes", {"tax_name": "Luxury", "tax_percentage": 22.5}, 201)["tax"]
    books.told("GET", "/settings/taxes")
    books.told("GET", f"/settings/taxes/{tax['tax_id']}")
    books.told("PUT", f"/settings/taxes/{tax['tax_id']}", {"tax_percentage": 25})
    group = books.told("POST", "/settings/taxgroups", {"tax_group_name": "Both", "taxes": tax["tax_id"]}, 201)
    group_place = f"/settings/taxgroups/{group['tax_group']['tax_group_id']}"
    books.told("GET", group_place)
    books.told("PUT", group_place, {"tax_group_name": "One"})
    books.told("DELETE", group_place)
    authority = books.told("POST", "/settings/taxauthorities", {"tax_authority_name": "State"}, 201)["tax_authority"]
    books.told("GET", "/settings/taxauthorities")
    books.told("GET", f"/settings/taxauthorities/{authority['tax_authority_id']}")
    exemption = books.told("POST", "/settings/taxexemptions", {"tax_exemption_code": "RESELLER", "type": "customer"})
    books.told("GET", "/settings/taxexemptions")
    books.told("GET", f"/settings/taxexemptions/{exemption['tax_exemption']['tax_exemption_id']}")
    spare = books.told("POST", "/settings/taxes", {"tax_name": "Spare", "tax_percentage": "1"}, 201)["tax"]
    books.told("DELETE", f"/settings/taxes/{spare['tax_id']}")
    return {"tax_id": tax["tax_id"]} | walk_tags(books)


def walk_tags(books: Books) -> dict[str, str]:
    wanted = {"tag_name": "Team", "entities": [], "multi_preference_entities": {}}
    tag = books.told("POST", "/reportingtags", wanted, 201)["tag"]["tag_id"]
    books.told("PUT", f"/reportingtags/{tag}/options", {"options": [{"option_name": "East"}, {"option_name": "West"}]})
    books.told("GET", "/reportingtags")
    option = books.told("GET", f"/reportingtags/{tag}/options/all")["results"][0]["option_id"]
    spare = books.told("POST", "/reportingtags", wanted | {"tag_name": "Spare"}, 201)["tag"]["tag_id"]
    books.told("DELETE", f"/reportingtags/{spare}")
    return {"tag_id": tag, "tag_option_id": option}


def walk_contacts(books: Books, made: dict[str, str]) -> str:
    contact = books.contact("Alder Works", "ida@alder.example")
    place = f"/contacts/{contact['contact_id']}"
    books.told("GET", "/contacts", sort_column="last_modified_time", sort_order="D")
    books.told("GET", place)
    books.told("PUT", place, {"contact_name": "Alder Works GmbH", "contact_type": "customer"})
    headers = {"X-Unique-Identifier-Key": "cf_external_id", "X-Unique-Identifier-Value": "A-1", "X-Upsert": "true"}
    custom = [{"api_name": "cf_external_id", "value": "A-1"}]
    upsert = {"contact_name": "Upserted", "contact_type": "customer", "custom_fields": custom}
    assert books.send("PUT", "/contacts", upsert, headers).status_code == 201
    assert books.send("PUT", "/contacts", upsert, headers).status_code == 200
    books.told("POST", f"{place}/inactive")
    books.told("POST", f"{place}/active")
    tag = {"tag_id": made["tag_id"], "tag_option_id": made["tag_option_id"]}
    books.told("PUT", f"{place}/tags", {"tags": [tag]})
    books.told("DELETE", f"{place}/tags/{made['tag_id']}")
    books.told("POST", f"{place}/comments", {"description": "Called."})
    comment = books.told("GET", f"{place}/comments")["contact_comments"][0]["comment_id"]
    books.told("DELETE", f"{place}/comments/{comment}")
    books.told("GET", f"{place}/refunds")
    walk_addresses(books, place)
    walk_persons(books, contact["contact_id"])
    gone = books.contact("Gone Ltd")
    books.told("DELETE", f"/contacts/{gone['contact_id']}")
    return str(contact["contact_id"])


def walk_addresses(books: Books, place: str) -> None:
    address = books.told("POST", f"{place}/address", {"city": "Bonn"})["address_info"]["address_id"]
    books.told("GET", f"{place}/address")
    books.told("PUT", f"{place}/address/{address}", {"address_id": address, "zip": "53111"})
    books.told("DELETE", f"{place}/address/{address}")


def walk_persons(books: Books, contact_id: str) -> None:
    wanted = {"contact_id": contact_id, "first_name": "Jan", "email": "jan@alder.example"}
    [person] = books.told("POST", "/contacts/contactpersons", wanted, 201)["contact_person"]
    place = f"/contacts/contactpersons/{person['contact_person_id']}"
    books.told("GET", "/contacts/contactpersons")
    books.told("GET", place)
    books.told("GET", f"/contacts/{contact_id}/contactpersons")
    books.told("GET", f"/contacts/{contact_id}/contactpersons/{person['contact_person_id']}")
    books.told("PUT", place, wanted | {"last_name": "Alder"})
    books.told("POST", f"{place}/primary")
    books.told("DELETE", place)


def walk_items(books: Books, made: dict[str, str]) -> str:
    item = books.told("POST", "/items", {"name": "Table", "rate": 99.5, "tax_id": made["tax_id"]}, 201)["item"]
    place = f"/items/{item['item_id']}"
    books.told("GET", "/items")
    books.told("GET", place)
    books.told("PUT", place, {"name": "Table", "rate": "101.25"})
    headers = {"X-Unique-Identifier-Key": "cf_external_id", "X-Unique-Identifier-Value": "I-1", "X-Upsert": "true"}
    custom = {"name": "Chair", "rate": 1, "custom_fields": [{"api_name": "cf_external_id", "value": "I-1"}]}
    created = books.send("PUT", "/items", custom, headers)
    assert created.status_code == 201
    books.told("POST", f"{place}/inactive")
    books.told("POST", f"{place}/active")
    books.told("DELETE", f"/items/{created.json()['item']['item_id']}")
    return str(item["item_id"])


def walk_invoices(books: Books, customer: str, item: str) -> str:
    line = {"item_id": item, "quantity": 2}
    invoice = books.invoice(customer, line)
    place = f"/invoices/{invoice['invoice_id']}"
    books.told("GET", "/invoices", status="draft")
    books.told("GET", place)
    books.told("PUT", place, {"customer_id": customer, "line_items": [line], "notes": "Thanks"})
    headers = {"X-Unique-Identifier-Key": "cf_shopify_order_id", "X-Unique-Identifier-Value": "9", "X-Upsert": "true"}
    custom = {
        "customer_id": customer,
        "line_items": [line],
        "custom_fields": [{"api_name": "cf_shopify_order_id", "value": "9"}],
    }
    upserted = books.send("PUT", "/invoices", custom, headers)
    assert upserted.status_code == 201
    other = f"/invoices/{upserted.json()['invoice']['invoice_id']}"
    for action in ("status/sent", "writeoff", "writeoff/cancel", "status/void", "status/draft", "email"):
        books.told("POST", f"{other}/{action}")
    books.told("POST", f"{place}/comments", {"description": "Sent by post."})
    comment = books.told("GET", f"{place}/comments")["comments"][0]["comment_id"]
    books.told("DELETE", f"{place}/comments/{comment}")
    books.told("DELETE", other)
    books.told("POST", f"{place}/status/sent")
    return str(invoice["invoice_id"])


def walk_payments(books: Books, customer: str, invoice: str) -> None:
    payment = books.payment(customer, 150, **{f"i{invoice}": 50})
    place = f"/customerpayments/{payment['payment_id']}"
    books.told("GET", "/customerpayments", customer_id=customer)
    books.told("GET", place)
    books.told("PUT", place, {"reference_number": "TX-1"})
    [part] = books.told("GET", f"/invoices/{invoice}/payments")["payments"]
    refund = {"date": "2026-06-02", "amount": 10, "from_account_id": "1"}
    books.told("POST", f"{place}/refunds", refund)
    books.told("GET", f"{place}/refunds")
    books.told("DELETE", f"/invoices/{invoice}/payments/{part['invoice_payment_id']}")
    headers = {"X-Unique-Identifier-Key": "cf_external_id", "X-Unique-Identifier-Value": "P", "X-Upsert": "true"}
    body = {"customer_id": customer, "payment_mode": "cash", "amount": 5, "date": "2026-06-03", "invoices": []}
    assert books.send("PUT", "/customerpayments", body, headers).status_code == 201
    books.told("DELETE", place)


def walk_credit_notes(books: Books, customer: str, invoice: str) -> None:
    body = {"customer_id": customer, "line_items": [{"name": "Credit", "rate": 30}], "date": "2026-06-01"}
    note = books.told("POST", "/creditnotes", body, 201)["creditnote"]["creditnote_id"]
    place = f"/creditnotes/{note}"
    books.told("GET", "/creditnotes")
    books.told("GET", place)
    books.told("PUT", place, body | {"notes": "n"})
    books.told("POST", f"{place}/invoices", {"invoices": [{"invoice_id": invoice, "amount_applied": 10}]})
    [part] = books.told("GET", f"{place}/invoices")["invoices_credited"]
    books.told("GET", f"/invoices/{invoice}/creditsapplied")
    books.told("DELETE", f"{place}/invoices/{part['creditnote_invoice_id']}")
    apply = {"invoice_payments": [], "apply_creditnotes": [{"creditnote_id": note, "amount_applied": 5}]}
    books.told("POST", f"/invoices/{invoice}/credits", apply)
    back = {"date": "2026-06-02", "amount": 3, "refund_mode": "cash", "reference_number": "r1"}
    books.told("POST", f"{place}/refunds", back)
    books.told("GET", f"{place}/refunds")
    headers = {"X-Unique-Identifier-Key": "cf_external_id", "X-Unique-Identifier-Value": "C", "X-Upsert": "true"}
    spare = books.send("PUT", "/creditnotes", body, headers).json()["creditnote"]["creditnote_id"]
    for action in ("status/void", "status/draft", "status/open"):
        books.told("POST", f"/creditnotes/{spare}/{action}")
    books.told("DELETE", f"/creditnotes/{spare}")


def walk_hooks(books: Books) -> None:
    books.told("GET", "/settings/webhooks/editpage")
    wanted = {"webhook_name": "W", "entity": "invoice", "url": "http://127.0.0.1:9/none?a=1"}
    hook = books.told("POST", "/settings/webhooks", wanted, 201)["webhook"]["webhook_id"]
    books.told("GET", "/settings/webhooks")
    books.told("GET", f"/settings/webhooks/{hook}")
    books.told("PUT", f"/settings/webhooks/{hook}", {"entity": "contact"})
    action = {"action_type": "webhook", "action_id": hook}
    wanted = {"workflow_name": "R", "entity": "contact", "rule_type": "add", "instant_actions": [action]}
    rule = books.told("POST", "/settings/workflows", wanted, 201)["workflow"]["workflow_id"]
    place = f"/settings/workflows/{rule}"
    books.told("GET", "/settings/workflows")
    books.told("GET", place)
    books.told("PUT", place, {"description": "d"})
    books.told("POST", f"{place}/inactive")
    books.told("POST", f"{place}/active")
    books.contact("Heard of")
    [history] = books.told("GET", "/settings/webhooks/histories")["webhook_histories"]
    books.told("POST", f"/settings/webhooks/histories/{history['history_id']}/resend")
    books.told("POST", "/settings/webhooks/histories/bulkresend", history_ids=history["history_id"])
    books.told("DELETE", place)
    books.told("DELETE", f"/settings/webhooks/{hook}")


def walk_papers(books: Books) -> None:
    """What the API only shows: its lists, and a record of each, which people have written."""
    books.told("GET", "/settings/fields", entity="contact", filter_custom_fields="true")
    for key, kind in PAPERS.items():
        for row in books.told("GET", f"/{key}")[key][:1]:
            books.told("GET", f"/{key}/{row[kind.id_name]}")
        books.refused("GET", f"/{key}/1")


def walk(books: Books) -> None:
    """Every route, at least once."""
    made = walk_settings(books)
    walk_papers(books)
    customer = walk_contacts(books, made)
    invoice = walk_invoices(books, customer, walk_items(books, made))
    walk_payments(books, customer, invoice)
    walk_credit_notes(books, customer, invoice)
    walk_hooks(books)


@pytest.mark.parametrize("dc", DATA_CENTRES)
class TestEveryRoute:
    def test_answers_in_this_data_centre(self, connect: Connect, sandbox: SandboxProcess, dc: str) -> None:
        sandbox.post("limits", {"vendor": "zoho-books", "account": account_in(dc), "per_minute": 10_000})
        books = connect(account_in(dc))
        walk(books)
        called = {str(row["route"]) for row in sandbox.get("counts")["counts"] if row["vendor"] == "zoho-books"}  # type: ignore[attr-defined]
        assert {route.name for route in ROUTES} - called == set()


@pytest.mark.specs
class TestDescriptions:
    def test_every_answer_fits_its_description(self, books: Books, checker: Checker) -> None:
        walk(books)
        faults = [
            fault
            for method, path, status, body in books.answers
            for fault in checker.faults(method, path, status, body)
        ]
        assert sorted(set(faults)) == []
        assert len(checker.seen) > 70

    def test_a_seeded_organisation_fits_its_description(
        self, books: Books, sandbox: SandboxProcess, checker: Checker
    ) -> None:
        sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": 100, "seed": 7, "trouble": True})
        for path, key, one in (
            ("/contacts", "contacts", "contact_id"),
            ("/invoices", "invoices", "invoice_id"),
            ("/customerpayments", "customerpayments", "payment_id"),
            ("/items", "items", "item_id"),
        ):
            for row in books.told("GET", path)[key][:25]:
                books.told("GET", f"{path}/{row[one]}")
        faults = [fault for asked in books.answers for fault in checker.faults(*asked)]
        assert sorted(set(faults)) == []
