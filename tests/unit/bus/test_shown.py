"""A record can be shown to anybody: the envelope says what it is, the content names nobody until it is asked to."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from common.bus.record import RawRecord
from common.bus.shown import shown
from common.contracts.ids import ConnectionId, Entity, EventId, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Receipt, Version

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PERSONAL = ("Anna", "anna@example.org", "Hauptstr", "Geheim GmbH", "+49", "vip")

CHANGE = ChangeEvent(
    id=EventId("e1"),
    connection=ConnectionId("books-1"),
    vendor=VendorName("zoho-books"),
    entity=Entity("customer"),
    record=RecordId("42"),
    kind="changed",
    version=Version(stamp=AT, settled=True),
    coverage="list",
    fields={
        "name": "Anna",
        "email": "anna@example.org",
        "company": "Geheim GmbH",
        "status": "active",
        "currency": "EUR",
        "outstanding": "10.50",
        "phone": "+49 1",
        "billing": {"street": "Hauptstr 1", "country": None},
        "tags": ["vip"],
        "custom": {"number": "passport +49", "flag": True},
    },
    observed_at=AT,
    via="poll",
)


def record(value: bytes | None, *headers: tuple[str, bytes | None], key: bytes | None = b"c:e:1") -> RawRecord:
    return RawRecord("changes.test", 1, 7, key, value, headers, 1_767_323_045_000)


class TestMasked:
    def test_a_change_shows_what_happened_but_to_nobody(self) -> None:
        seen = shown(record(CHANGE.model_dump_json().encode()), unmask=False)
        assert not any(word in json.dumps(seen) for word in PERSONAL)
        value = seen["value"]
        assert (value["record"], value["kind"], value["version"]["settled"]) == ("42", "changed", True)
        assert value["fields"]["status"] == "active"
        assert value["fields"]["outstanding"] == "10.50"
        assert value["fields"]["billing"] == {"street": "***", "country": None}
        assert value["fields"]["custom"] == {"number": "***", "flag": True}

    def test_a_receipt_shows_neither_body_nor_headers_nor_the_secret_in_its_path(self) -> None:
        receipt = Receipt(
            id=EventId("r"),
            connection=ConnectionId("books-1"),
            vendor=VendorName("zoho-books"),
            received_at=AT,
            method="POST",
            path="/hooks/zoho-books/books-1/s3cr3t",
            headers=(("x-signature", "anna"),),
            body=b"anna@example.org",
            verified_by="signature",
        )
        seen = json.dumps(shown(record(receipt.model_dump_json().encode()), unmask=False))
        assert "books-1" in seen
        assert "s3cr3t" not in seen
        assert "anna" not in seen
        assert receipt.model_dump(mode="json")["body"] not in seen

    def test_a_field_nobody_thought_of_is_hidden(self) -> None:
        assert shown(record(b'{"id": "1", "fresh": "Anna"}'), unmask=False)["value"] == {"id": "1", "fresh": "***"}

    def test_what_is_no_message_is_only_measured(self) -> None:
        assert shown(record(b"Anna"), unmask=False)["value"] == "<4 bytes, not JSON>"
        assert shown(record(b'"Anna"'), unmask=False)["value"] == "***"
        assert shown(record(None), unmask=False)["value"] is None

    def test_headers_of_ours_are_shown_and_others_measured(self) -> None:
        headers = shown(record(b"{}", ("ce_id", b"1"), ("x", b"Anna"), ("y", None)), unmask=False)["headers"]
        assert headers == [["ce_id", "1"], ["x", "<4 bytes>"], ["y", None]]

    def test_an_address_in_a_key_is_hidden(self) -> None:
        assert "anna@" not in shown(record(b"{}", key=b"anna@example.org"), unmask=False)["key"]


class TestUnmasked:
    def test_shows_everything(self) -> None:
        seen = shown(record(CHANGE.model_dump_json().encode()), unmask=True)
        assert all(word in json.dumps(seen) for word in PERSONAL)

    def test_shows_bytes_that_are_no_text_so_that_they_can_be_put_back(self) -> None:
        assert shown(record(b"\xff\x00"), unmask=True)["value"] == "base64:/wA="
