"""Messages survive the wire, derive their ids, and carry CloudEvents headers without personal data."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId, SyncId, VendorName, change_key, content_hash
from common.contracts.messages import ChangeEvent, Envelope, Receipt, Version, WriteCommand
from common.contracts.records import Customer

NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


def change(fields: dict[str, Any], stamp: datetime = NOON, settled: bool = False) -> ChangeEvent:
    version = Version(stamp=stamp, settled=settled)
    identity = (ConnectionId("c1"), Entity("customer"), RecordId("46"))
    return ChangeEvent(
        id=ChangeEvent.derive_id(*identity, version, "detail", fields),
        connection=identity[0], vendor=VendorName("zoho-books"), entity=identity[1], record=identity[2],
        kind="changed", version=version, coverage="detail", fields=fields, observed_at=stamp, via="webhook",
    )  # fmt: skip


class TestVersion:
    @given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
           st.booleans(), st.booleans())  # fmt: skip
    def test_sequence_sorts_as_text_as_versions_sort(self, a: datetime, b: datetime, x: bool, y: bool) -> None:
        one, two = Version(stamp=a.replace(tzinfo=UTC), settled=x), Version(stamp=b.replace(tzinfo=UTC), settled=y)
        assert (one.order < two.order) == (one.sequence < two.sequence)

    def test_settled_beats_unsettled_of_the_same_stamp(self) -> None:
        assert Version(stamp=NOON, settled=True).order > Version(stamp=NOON, settled=False).order

    @given(st.integers(0, 10**9), st.integers(0, 10**9), st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
           st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.booleans())  # fmt: skip
    def test_the_vendors_own_number_comes_before_any_stamp(
        self, m: int, n: int, a: datetime, b: datetime, settled: bool
    ) -> None:
        one = Version(stamp=a.replace(tzinfo=UTC), settled=settled, count=m)
        two = Version(stamp=b.replace(tzinfo=UTC), settled=settled, count=n)
        assert (one.sequence < two.sequence) == (one.order < two.order) == ((m, a) < (n, b))
        assert Version.of_sequence(one.sequence) == one

    def test_a_version_without_a_number_is_read_as_it_was(self) -> None:
        assert Version.of_sequence("00001777896000000000.1") == Version(stamp=NOON, settled=True)
        assert Version.model_validate({"stamp": NOON, "settled": True}).count is None

    def test_a_stamp_without_offset_is_refused(self) -> None:
        with pytest.raises(ValueError):
            Version(stamp=datetime(2026, 1, 1), settled=True)


class TestChangeEvent:
    def test_the_same_state_told_twice_is_one_event(self) -> None:
        assert change({"email": "a@b.example", "name": "A"}).id == change({"name": "A", "email": "a@b.example"}).id

    @pytest.mark.parametrize(
        "other",
        [
            change({"name": "B"}),
            change({"name": "A"}, settled=True),
            change({"name": "A"}, NOON + timedelta(seconds=1)),
        ],
    )
    def test_another_state_is_another_event(self, other: ChangeEvent) -> None:
        assert change({"name": "A"}).id != other.id

    def test_a_newer_writer_may_add_a_field(self) -> None:
        told = change({"name": "A"}).model_dump(mode="json") | {"added_later": 1}
        assert ChangeEvent.model_validate(told) == change({"name": "A"})

    def test_headers_name_the_record_and_nothing_personal(self) -> None:
        event = change({"email": "ana@secret.example", "name": "Ana Ruiz"})
        headers = dict(Envelope.of_change(event).headers())
        assert headers["ce_subject"] == b"customer/46"
        assert headers["ce_type"] == b"millrace.zoho-books.customer.changed.v1"
        assert headers["ce_source"] == b"/connections/c1"
        assert headers["ce_id"].decode() == event.id
        everything = b"".join(headers.values()) + change_key(event.connection, event.entity, event.record).encode()
        assert b"secret" not in everything
        assert b"Ruiz" not in everything


class TestReceipt:
    @given(st.binary(max_size=400))
    def test_keeps_the_bytes_as_they_came(self, body: bytes) -> None:
        receipt = Receipt(
            id=EventId("r"),
            connection=ConnectionId("c"),
            vendor=VendorName("v"),
            received_at=NOON,
            method="POST",
            path="/",
            body=body,
            verified_by="signature",
        )
        assert Receipt.model_validate_json(receipt.model_dump_json()).body == body


class TestWriteCommand:
    def test_a_revision_is_one_command_and_a_replay_one_more(self) -> None:
        identity = (SyncId("s"), Entity("customer"), RecordId("46"))
        assert WriteCommand.derive_id(*identity, 3) == WriteCommand.derive_id(*identity, 3)
        assert (
            len(
                {
                    WriteCommand.derive_id(*identity, 3),
                    WriteCommand.derive_id(*identity, 4),
                    WriteCommand.derive_id(*identity, 3, "rpl"),
                }
            )
            == 3
        )


class TestCustomer:
    def test_refuses_a_field_nobody_knows(self) -> None:
        with pytest.raises(ValueError):
            Customer.model_validate({"name": "A", "contact_name": "vendor's word"})

    def test_amounts_are_decimal_strings_on_the_wire(self) -> None:
        assert Customer(outstanding="120.50").model_dump(mode="json")["outstanding"] == "120.50"  # type: ignore[arg-type]


class TestContentHash:
    @given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.none(), max_size=6))
    def test_does_not_depend_on_the_order_of_keys(self, content: dict[str, str | None]) -> None:
        assert content_hash(dict(reversed(content.items()))) == content_hash(content)
