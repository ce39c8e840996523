"""Webhooks and workflow rules by API: what fires, what is sent, how it is signed, what is told of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.contract.sandbox.zoho_books.books import Books, Document, Heard, Receiver, account_of
from tests.contract.sandbox.zoho_books.conftest import Connect
from tests.support.sandbox import SandboxProcess

SECRET = "TestSecret1234567"
FORM = "application/x-www-form-urlencoded"
# The sheet's vectors: query, form or body, digest (section 7).
VECTORS = [
    (
        "subscription_id=90343&name=basic",
        b'{"created_date":"2019-03-06","event_id":"5675"}',
        "d64a76491f325850323b619cbe76606afc51d73b5b720fedafa582f4a1cce4be",
    ),
    (
        "",
        b'{"contact":{"contact_id":"460000000099001","contact_name":"Acme GmbH"}}',
        "b19fd8b5fbe253515da8e3a24c2db992e434cb2acf0d126ed3b5c2f8589a8592",
    ),
    (
        "source=zb&tenant=t1",
        '{"contact":{"contact_id":"460000000099001","contact_name":"Müller & Co"}}'.encode(),
        "32c476787a0d6fd7e2575e8d7ac9a05bc0f8d683486a3aedb658a367a51b8e6a",
    ),
]
FORM_VECTORS = [
    (
        "tenant=t1&source=zb",
        [("contact_id", "460000000099001"), ("contact_name", "Acme & Söhne")],
        "1ad7cc035c75a1a64982203c4eda1b6307347f49dd51a5ab554eb574a51b4c60",
    ),
    (
        "",
        [("JSONString", '{"invoice":{"invoice_id":"460000000077001","total":119.0}}')],
        "fa785e15af1934db09e4a0e9f4237b4b7c93dbd8cfb46513bde1ec99ab2abda1",
    ),
]


def expected(query: str, body: bytes, *, form: bool = False) -> str:
    """The signature as the sheet describes it, worked out here."""
    pairs = parse_qsl(query, keep_blank_values=True) + (parse_qsl(body.decode()) if form else [])
    message = "".join(name + value for name, value in sorted(pairs)).encode() + (b"" if form else body)
    return hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()


def until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def hook(books: Books, url: str, entity: str = "contact", **more: object) -> str:
    body = {"webhook_name": "W", "entity": entity, "url": url, "secret": SECRET, **more}
    return str(books.told("POST", "/settings/webhooks", body, 201)["webhook"]["webhook_id"])


def rule(books: Books, hook_id: str, rule_type: str = "add_edit", entity: str = "contact", **more: object) -> str:
    action = {"action_type": "webhook", "action_id": hook_id}
    wanted: Document = {"workflow_name": "R", "entity": entity, "rule_type": rule_type, "instant_actions": [action]}
    return str(books.told("POST", "/settings/workflows", wanted | more, 201)["workflow"]["workflow_id"])


def heard(receiver: Receiver, count: int) -> list[Heard]:
    until(lambda: len(receiver.heard) >= count)
    time.sleep(0.1)  # long enough for one too many to arrive
    assert len(receiver.heard) == count
    return receiver.heard


def settled(sandbox: SandboxProcess) -> list[Document]:
    """The log of deliveries in the order in which they were made, once the sandbox has taken every answer: it comes after the hearing."""
    until(lambda: sandbox.get("deliveries")["pending"] == 0)
    rows: list[Document] = sandbox.get("deliveries")["deliveries"]  # type: ignore[assignment]
    return sorted(rows, key=lambda row: int(row["id"].removeprefix("d")))


class TestSignature:
    @pytest.mark.parametrize(("query", "body", "digest"), VECTORS)
    def test_is_the_sheets_for_raw_json(
        self, books: Books, receiver: Receiver, query: str, body: bytes, digest: str
    ) -> None:
        url = f"{receiver.url}?{query}" if query else receiver.url
        rule(books, hook(books, url, raw_data=body.decode(), body_type="application/json"))
        books.contact("Alder")
        [one] = heard(receiver, 1)
        assert one.body == body
        assert one.headers["x-zoho-webhook-signature"] == digest == expected(query, body)

    @pytest.mark.parametrize(("query", "pairs", "digest"), FORM_VECTORS)
    def test_is_the_sheets_for_forms(
        self, books: Books, receiver: Receiver, query: str, pairs: list[tuple[str, str]], digest: str
    ) -> None:
        url = f"{receiver.url}?{query}" if query else receiver.url
        form = [{"param_name": name, "param_value": value} for name, value in pairs]
        rule(books, hook(books, url, body_type=FORM, form_data=form))
        books.contact("Alder")
        [one] = heard(receiver, 1)
        assert parse_qsl(one.body.decode()) == pairs
        assert one.headers["x-zoho-webhook-signature"] == digest == expected(query, one.body, form=True)

    def test_covers_registered_and_added_parameters_of_the_default_payload(
        self, books: Books, receiver: Receiver
    ) -> None:
        extra = [{"param_name": "conn", "param_value": "ä b"}]
        rule(books, hook(books, f"{receiver.url}?entity=contact&event=saved", query_parameters=extra))
        books.contact("Müller & Söhne")
        [one] = heard(receiver, 1)
        query = urlsplit(one.path).query
        assert dict(parse_qsl(query)) == {"entity": "contact", "event": "saved", "conn": "ä b"}
        assert one.headers["x-zoho-webhook-signature"] == expected(query, one.body)

    def test_is_absent_without_a_secret(self, books: Books, receiver: Receiver) -> None:
        rule(books, hook(books, receiver.url, secret=""))
        books.contact("Alder")
        assert "x-zoho-webhook-signature" not in heard(receiver, 1)[0].headers

    def test_changes_with_the_secret(self, books: Books, receiver: Receiver) -> None:
        hook_id = hook(books, receiver.url)
        rule(books, hook_id)
        books.told("PUT", f"/settings/webhooks/{hook_id}", {"secret": "AnotherSecret99"})
        books.contact("Alder")
        [one] = heard(receiver, 1)
        other = hmac.new(b"AnotherSecret99", one.body, hashlib.sha256).hexdigest()
        assert one.headers["x-zoho-webhook-signature"] == other


class TestBody:
    def test_is_the_record_under_its_singular_key(self, books: Books, receiver: Receiver) -> None:
        rule(books, hook(books, receiver.url, headers=[{"param_name": "X-Conn", "param_value": "c1"}]))
        made = books.contact("Alder", "ida@alder.example")
        [one] = heard(receiver, 1)
        assert json.loads(one.body) == {"contact": books.read("contacts", made["contact_id"])}
        assert one.headers["x-conn"] == "c1"
        assert one.headers["content-type"].startswith("application/json")

    def test_of_a_payment_names_its_invoice(self, books: Books, receiver: Receiver) -> None:
        rule(books, hook(books, receiver.url, "customer_payment"), entity="customer_payment")
        customer = books.contact("Alder")["contact_id"]
        invoice = books.sent_invoice(customer)
        books.payment(customer, 100, **{f"i{invoice['invoice_id']}": 100})
        [one] = heard(receiver, 1)
        payment = json.loads(one.body)["payment"]
        assert (payment["invoice_id"], payment["invoice_number"]) == (invoice["invoice_id"], invoice["invoice_number"])
        assert payment["amount"] == 100

    @pytest.mark.parametrize(
        ("kind", "word", "number"),
        [("bills", "bill", "bill_number"), ("purchaseorders", "purchaseorder", "purchaseorder_number")],
    )
    def test_of_what_people_write_is_the_record_too(
        self, books: Books, receiver: Receiver, sandbox: SandboxProcess, kind: str, word: str, number: str
    ) -> None:
        rule(books, hook(books, receiver.url, word), entity=word, rule_type="add_edit")
        rule(books, hook(books, receiver.url + "?gone", word), entity=word, rule_type="delete")
        written = {"do": "write_papers", "kind": kind}
        (id_,) = sandbox.post("zoho-books/demo/people", {**written, "records": [{number: "B-1", "total": "7.50"}]})[
            "ids"
        ]
        shown = books.told("GET", f"/{kind}/{id_}")[word]
        sandbox.post("zoho-books/demo/people", {**written, "records": [{f"{word}_id": id_, "status": "open"}]})
        sandbox.post("zoho-books/demo/people", {"do": "delete_paper", "kind": kind, "id": id_})
        made, edited, gone = [json.loads(one.body)[word] for one in heard(receiver, 3)]
        assert made == shown
        assert [one["status"] for one in (edited, gone)] == ["open", "open"]

    def test_may_carry_the_organisation(self, books: Books, receiver: Receiver, sandbox: SandboxProcess) -> None:
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "hooks_name_organization": True})
        rule(books, hook(books, receiver.url))
        books.contact("Alder")
        assert json.loads(heard(receiver, 1)[0].body)["organization_id"] == books.organization_id

    def test_fills_placeholders_of_a_raw_body(self, books: Books, receiver: Receiver) -> None:
        rule(books, hook(books, receiver.url, raw_data='{"n":"${contact.contact_name}"}'))
        books.contact("Alder")
        assert heard(receiver, 1)[0].body == b'{"n":"Alder"}'


class TestTriggers:
    @pytest.mark.parametrize(
        ("rule_type", "topics"),
        [
            ("add", ["contact.create"]),
            ("edit", ["contact.update"]),
            ("add_edit", ["contact.create", "contact.update"]),
            ("delete", ["contact.delete"]),
        ],
    )
    def test_fire_for_api_changes(
        self, books: Books, receiver: Receiver, sandbox: SandboxProcess, rule_type: str, topics: list[str]
    ) -> None:
        rule(books, hook(books, receiver.url), rule_type)
        made = books.contact("Alder")["contact_id"]
        books.told("PUT", f"/contacts/{made}", {"notes": "n"})
        books.told("DELETE", f"/contacts/{made}")
        assert all(json.loads(one.body)["contact"]["contact_id"] == made for one in heard(receiver, len(topics)))
        assert [row["topic"] for row in settled(sandbox)] == topics

    def test_fire_for_the_operator_too(self, books: Books, connect: Connect, receiver: Receiver) -> None:
        rule(books, hook(books, receiver.url))
        connect(operator=True).contact("Alder")
        heard(receiver, 1)

    def test_fire_for_an_invoice_that_a_payment_settles(self, books: Books, receiver: Receiver) -> None:
        customer = books.contact("Alder")["contact_id"]
        invoice = books.sent_invoice(customer)["invoice_id"]
        rule(books, hook(books, receiver.url, "invoice"), "edit", "invoice")
        books.payment(customer, 100, **{f"i{invoice}": 100})
        [one] = heard(receiver, 1)
        assert json.loads(one.body)["invoice"]["status"] == "paid"

    def test_wait_for_chosen_fields(self, books: Books, receiver: Receiver) -> None:
        chosen = {"field_update": ["status", "cf_segment"], "field_update_comparator": "or"}
        rule(books, hook(books, receiver.url), "edit", **chosen)
        made = books.contact("Alder")["contact_id"]
        books.told("PUT", f"/contacts/{made}", {"notes": "n"})
        books.told("POST", f"/contacts/{made}/inactive")
        books.told("PUT", f"/contacts/{made}", {"custom_fields": [{"api_name": "cf_segment", "value": "Retail"}]})
        assert [json.loads(one.body)["contact"]["status"] for one in heard(receiver, 2)] == ["inactive"] * 2

    def test_rest_while_the_rule_is_inactive(self, books: Books, receiver: Receiver) -> None:
        rule_id = rule(books, hook(books, receiver.url))
        books.told("POST", f"/settings/workflows/{rule_id}/inactive")
        books.contact("Alder")
        books.told("POST", f"/settings/workflows/{rule_id}/active")
        books.contact("Birch")
        assert json.loads(heard(receiver, 1)[0].body)["contact"]["contact_name"] == "Birch"

    def test_do_not_fire_for_a_refused_change(self, books: Books, receiver: Receiver) -> None:
        books.contact("Alder")
        rule(books, hook(books, receiver.url))
        books.refused("POST", "/contacts", {"contact_name": "Alder"})
        heard(receiver, 0)


class TestDelivery:
    def test_is_not_tried_again_without_a_policy(
        self, books: Books, receiver: Receiver, sandbox: SandboxProcess
    ) -> None:
        receiver.statuses = [500]
        rule(books, hook(books, receiver.url))
        books.contact("Alder")
        heard(receiver, 1)
        settled(sandbox)
        [row] = books.told("GET", "/settings/webhooks/histories", filter_by="Status.Failed")["webhook_histories"]
        assert (row["response_code"], row["attempts"]) == (500, 1)

    def test_is_tried_again_by_policy(self, books: Books, receiver: Receiver, sandbox: SandboxProcess) -> None:
        retries = {"vendor": "zoho-books", "account": "demo", "hook_retries_s": [60, 300]}
        sandbox.post("limits", retries)
        receiver.statuses = [500, 503]
        rule(books, hook(books, receiver.url))
        books.contact("Alder")
        for attempts, wait in ((1, 61), (2, 301)):
            until(lambda attempts=attempts: len(sandbox.get("deliveries")["deliveries"]) == attempts)  # type: ignore[misc, arg-type]
            sandbox.post("clock", {"advance_s": wait})
        assert len({one.body for one in heard(receiver, 3)}) == 1

    def test_can_be_asked_for_again(self, books: Books, receiver: Receiver, sandbox: SandboxProcess) -> None:
        rule(books, hook(books, f"{receiver.url}?a=1"))
        made = books.contact("Alder")["contact_id"]
        heard(receiver, 1)
        settled(sandbox)
        [row] = books.told("GET", "/settings/webhooks/histories", entity_id=made)["webhook_histories"]
        books.told("POST", f"/settings/webhooks/histories/{row['history_id']}/resend")
        first, second = heard(receiver, 2)
        assert (first.path, first.body) == (second.path, second.body)
        assert first.headers["x-zoho-webhook-signature"] == second.headers["x-zoho-webhook-signature"]

    def test_ends_with_the_days_quota(self, books: Books, receiver: Receiver, sandbox: SandboxProcess) -> None:
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "hooks_per_day": 2})
        rule(books, hook(books, receiver.url))
        for name in ("A", "B", "C"):
            books.contact(name)
        heard(receiver, 2)

    def test_survives_a_restart(self, books: Books, receiver: Receiver, sandbox: SandboxProcess) -> None:
        """The hook, its rule and the records are what they were; so is the session."""
        rule(books, hook(books, receiver.url))
        before = books.contact("Before")
        heard(receiver, 1)
        settled(sandbox)  # else it is sent once more
        sandbox.stop()
        sandbox.start()
        again = Books(str(account_of(sandbox, "demo")["base_url"]), books.organization_id, books.token, books.http)
        assert again.read("contacts", before["contact_id"]) == before
        again.contact("After")
        heard(receiver, 2)


class TestRegistration:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"secret": "short"},
            {"secret": "with-a-hyphen-in-it"},
            {"secret": "x" * 51},
            {"url": "ftp://x.example/"},
            {"url": "nonsense"},
            {"webhook_name": "x" * 51},
            {"description": "x" * 101},
            {"url": "http://x.example/" + "a" * 5000},
            {"method": "GET"},
            {"raw_data": "x" * 100_001},
            {"entity": "unicorn"},
        ],
    )
    def test_refuses_what_does_not_fit(self, books: Books, wrong: Document) -> None:
        body = {"webhook_name": "W", "entity": "contact", "url": "http://127.0.0.1:9/", **wrong}
        assert books.refused("POST", "/settings/webhooks", body)[:2] == (400, 2)

    def test_takes_fifty_hooks(self, books: Books) -> None:
        for _ in range(50):
            hook(books, "http://127.0.0.1:9/")
        body = {"entity": "contact", "url": "http://127.0.0.1:9/"}
        assert books.refused("POST", "/settings/webhooks", body)[0] == 400

    def test_takes_ten_rules_for_a_module_and_one_hook_for_a_rule(self, books: Books) -> None:
        hook_id, other = hook(books, "http://127.0.0.1:9/"), hook(books, "http://127.0.0.1:9/")
        actions = [{"action_type": "webhook", "action_id": one} for one in (hook_id, other)]
        body = {"workflow_name": "R", "entity": "contact", "rule_type": "add", "instant_actions": actions}
        assert books.refused("POST", "/settings/workflows", body)[:2] == (400, 2)
        for _ in range(10):
            rule(books, hook_id)
        assert books.refused("POST", "/settings/workflows", body | {"instant_actions": actions[:1]})[0] == 400

    def test_needs_a_plan_with_workflows(self, books: Books, sandbox: SandboxProcess) -> None:
        sandbox.post("limits", {"vendor": "zoho-books", "account": "demo", "plan": "standard"})
        body = {"workflow_name": "R", "entity": "contact", "rule_type": "add"}
        assert books.refused("POST", "/settings/workflows", body)[1] == 6018

    def test_reads_back_neither_secret_nor_header_values(self, books: Books) -> None:
        hook_id = hook(books, "http://127.0.0.1:9/", headers=[{"param_name": "X-Key", "param_value": "sesame"}])
        answer = books.send("GET", f"/settings/webhooks/{hook_id}")
        assert SECRET not in answer.text
        assert "sesame" not in answer.text
        assert answer.json()["webhook"]["related_rules"] == ""

    def test_keeps_a_hook_that_a_rule_uses(self, books: Books) -> None:
        hook_id = hook(books, "http://127.0.0.1:9/")
        rule_id = rule(books, hook_id)
        assert books.refused("DELETE", f"/settings/webhooks/{hook_id}")[0] == 400
        books.told("DELETE", f"/settings/workflows/{rule_id}")
        books.told("DELETE", f"/settings/webhooks/{hook_id}")
