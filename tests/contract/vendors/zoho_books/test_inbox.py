"""Webhooks of Zoho Books: the sheet's vectors, computed here again, and every way to be refused."""

import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from vendors.vendor import HookRequest, Unverified, Verified
from vendors.zoho_books.inbox import ZohoBooksInbox

SECRET = b"TestSecret1234567"
NOW = datetime(2026, 5, 4, tzinfo=UTC)
JSON, FORM = "application/json", "application/x-www-form-urlencoded"

VECTORS = [
    ("subscription_id=90343&name=basic", '{"created_date":"2019-03-06","event_id":"5675"}', JSON, "d64a76491f325850323b619cbe76606afc51d73b5b720fedafa582f4a1cce4be"),
    ("", '{"contact":{"contact_id":"460000000099001","contact_name":"Acme GmbH"}}', JSON, "b19fd8b5fbe253515da8e3a24c2db992e434cb2acf0d126ed3b5c2f8589a8592"),
    ("source=zb&tenant=t1", '{"contact":{"contact_id":"460000000099001","contact_name":"Müller & Co"}}', JSON, "32c476787a0d6fd7e2575e8d7ac9a05bc0f8d683486a3aedb658a367a51b8e6a"),
    ("tenant=t1&source=zb", "contact_id=460000000099001&contact_name=Acme+%26+S%C3%B6hne", FORM, "1ad7cc035c75a1a64982203c4eda1b6307347f49dd51a5ab554eb574a51b4c60"),
    ("", "JSONString=%7B%22invoice%22%3A%7B%22invoice_id%22%3A%22460000000077001%22%2C%22total%22%3A119.0%7D%7D", FORM, "fa785e15af1934db09e4a0e9f4237b4b7c93dbd8cfb46513bde1ec99ab2abda1"),
]  # fmt: skip


def request(query: str, body: str, kind: str, signature: str | None) -> HookRequest:
    headers = {"content-type": kind} | ({"x-zoho-webhook-signature": signature} if signature is not None else {})
    return HookRequest(
        "POST", "/hooks/zoho-books/c", query, headers, body.encode(), "http://h/hooks/zoho-books/c?" + query
    )


class TestVerify:
    @pytest.mark.parametrize(("query", "body", "kind", "signature"), VECTORS)
    def test_accepts_the_vectors_in_either_case(self, query: str, body: str, kind: str, signature: str) -> None:
        inbox = ZohoBooksInbox()
        assert inbox.verify(request(query, body, kind, signature), [SECRET], NOW) == Verified("signature")
        assert inbox.verify(request(query, body, kind, signature.upper()), [b"former", SECRET], NOW) == Verified(
            "signature"
        )

    @pytest.mark.parametrize(("query", "body", "kind", "signature"), VECTORS)
    def test_refuses_when_anything_signed_changed(self, query: str, body: str, kind: str, signature: str) -> None:
        inbox = ZohoBooksInbox()
        assert isinstance(inbox.verify(request(query, body + " ", kind, signature), [SECRET], NOW), Unverified)
        assert isinstance(inbox.verify(request(query + "&x=y", body, kind, signature), [SECRET], NOW), Unverified)
        assert isinstance(inbox.verify(request(query, body, kind, signature), [b"OtherSecret123"], NOW), Unverified)

    @pytest.mark.parametrize("signature", [None, "", "zz", "é" * 64, "0" * 63])
    def test_refuses_what_is_no_signature(self, signature: str | None) -> None:
        refused = ZohoBooksInbox().verify(request("", "{}", JSON, signature), [SECRET], NOW)
        assert isinstance(refused, Unverified)
        assert refused.reason

    def test_without_a_secret_nothing_is_believed(self) -> None:
        query, body, kind, signature = VECTORS[1]
        assert isinstance(ZohoBooksInbox().verify(request(query, body, kind, signature), [], NOW), Unverified)

    def test_signs_bytes_that_are_no_text(self) -> None:
        body = b'{"contact":{"contact_name":"\xff\xfe"}}'
        signature = hmac.new(SECRET, b"a1" + body, hashlib.sha256).hexdigest()
        raw = HookRequest("POST", "/", "a=1", {"content-type": JSON, "x-zoho-webhook-signature": signature}, body, "")
        assert ZohoBooksInbox().verify(raw, [SECRET], NOW) == Verified("signature")


class TestSubject:
    @pytest.mark.parametrize(
        ("body", "kind", "expected"),
        [
            ('{"contact":{"contact_id":"46","contact_type":"customer"}}', JSON, ("customer", "46")),
            ('{"contact":{"contact_id":46,"contact_type":"vendor"}}', JSON, ("supplier", "46")),
            ('{"organization_id":"1","invoice":{"invoice_id":"77"}}', JSON, ("invoice", "77")),
            ("JSONString=%7B%22payment%22%3A%7B%22payment_id%22%3A%225%22%7D%7D", FORM, ("payment", "5")),
            ('{"bill":{"bill_id":"91"}}', JSON, ("bill", "91")),
            ('{"purchaseorder":{"purchaseorder_id":"92"}}', JSON, ("purchase_order", "92")),
            ("not json", JSON, None),
            ('{"contact":{"contact_id":"../x"}}', JSON, None),
            ('["contact"]', JSON, None),
        ],
    )  # fmt: skip
    def test_names_the_record(self, body: str, kind: str, expected: tuple[str, str] | None) -> None:
        subject = ZohoBooksInbox().subject(request("", body, kind, None))
        assert ((subject.entity, subject.record) if subject else None) == expected
