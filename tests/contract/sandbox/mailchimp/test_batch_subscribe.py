"""Five hundred members in one call: HTTP 200, and a verdict for each row."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.mailchimp.vendor import Json, Vendor, hash_of

WHO = "ada@shop.example"


def batch(vendor: Vendor, *rows: Json, update: bool = True, **more: object) -> Json:
    query = {name: more.pop(name) for name in ("skip_duplicate_check", "skip_merge_validation") if name in more}
    body = {"members": list(rows), "update_existing": update, **more}
    return vendor.told("POST", f"/lists/{vendor.plain}", body, **query)


def tags_of(vendor: Vendor, email: str) -> list[str]:
    tags = vendor.member(email)["tags"]
    assert isinstance(tags, list)
    return sorted(tag["name"] for tag in tags)


class TestBatchSubscribe:
    def test_answers_200_when_every_row_failed(self, vendor: Vendor) -> None:
        told = batch(vendor, {"email_address": "x"}, {"status": "subscribed"}, {"email_address": 7})
        assert (told["total_created"], told["error_count"]) == (0, 3)

    def test_refuses_row_501(self, vendor: Vendor) -> None:
        rows = [{"email_address": f"m{at}@shop.example", "status": "subscribed"} for at in range(501)]
        vendor.refused(400, "POST", f"/lists/{vendor.plain}", {"members": rows})
        assert len(batch(vendor, *rows[:500])["new_members"]) == 500  # type: ignore[arg-type]

    def test_known_addresses_are_errors_unless_asked_to_update(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        told = batch(vendor, {"email_address": WHO, "status": "subscribed"}, update=False)
        [error] = told["errors"]  # type: ignore[misc]
        assert (error["error_code"], error["email_address"]) == ("ERROR_CONTACT_EXISTS", WHO)
        assert batch(vendor, {"email_address": WHO, "status": "subscribed"})["total_updated"] == 1

    def test_names_the_field_at_fault(self, vendor: Vendor) -> None:
        told = batch(
            vendor,
            {"email_address": WHO, "status": "subscribed", "merge_fields": {"ADDRESS": {"addr1": "only"}}},
            {"email_address": "fine@shop.example", "status": "subscribed"},
        )
        assert told["total_created"] == 1
        assert told["errors"] == [
            {
                "email_address": WHO,
                "error": "Your merge fields were invalid.",
                "error_code": "ERROR_GENERIC",
                "field": "ADDRESS",
                "field_message": "Please enter a complete address",
            }
        ]

    def test_has_no_status_if_new(self, vendor: Vendor) -> None:
        batch(vendor, {"email_address": WHO, "status_if_new": "pending"})
        assert vendor.member(WHO)["status"] == "subscribed"

    @pytest.mark.parametrize(("switch", "becomes"), [("overwrite", "subscribed"), ("keep", "unsubscribed")])
    def test_a_row_without_status_overwrites_or_keeps(self, vendor: Vendor, switch: str, becomes: str) -> None:
        vendor.add(WHO, "unsubscribed")
        vendor.switch(batch_row_without_status=switch)
        batch(vendor, {"email_address": WHO, "merge_fields": {"FNAME": "Ada"}})
        told = vendor.member(WHO)
        assert (told["status"], told["full_name"]) == (becomes, "Ada")

    def test_a_row_without_status_overwrites_by_default(self, vendor: Vendor) -> None:
        vendor.sandbox.post("reset")
        vendor.add(WHO, "unsubscribed")
        batch(vendor, {"email_address": WHO})
        assert vendor.member(WHO)["status"] == "subscribed"

    @pytest.mark.parametrize(("switch", "errors"), [("error", 1), ("skip", 0)])
    def test_a_person_who_left_is_an_error_or_passed_over(self, vendor: Vendor, switch: str, errors: int) -> None:
        vendor.add(WHO)
        vendor.person("unsubscribe", WHO)
        vendor.switch(batch_compliance=switch)
        told = batch(vendor, {"email_address": WHO, "status": "subscribed"})
        assert (told["error_count"], told["total_updated"]) == (errors, 0)
        assert vendor.member(WHO)["status"] == "unsubscribed"

    def test_a_repeated_address_is_an_error_or_the_first_counts(self, vendor: Vendor) -> None:
        rows: list[Json] = [
            {"email_address": WHO, "status": "subscribed", "merge_fields": {"FNAME": name}} for name in ("A", "B")
        ]
        assert batch(vendor, *rows)["error_count"] == 1
        assert batch(vendor, *rows, skip_duplicate_check=True)["error_count"] == 0
        assert vendor.member(WHO)["full_name"] == "A"

    def test_required_fields_can_be_left_out_when_asked(self, vendor: Vendor) -> None:
        path, rows = f"/lists/{vendor.strict}", [{"email_address": WHO, "status": "subscribed"}]
        assert vendor.told("POST", path, {"members": rows})["error_count"] == 1
        assert vendor.told("POST", path, {"members": rows}, skip_merge_validation=True)["total_created"] == 1

    def test_tags_in_a_row_are_added(self, vendor: Vendor) -> None:
        batch(vendor, {"email_address": WHO, "status": "subscribed", "tags": ["one"]})
        batch(vendor, {"email_address": WHO, "status": "subscribed", "tags": ["two", "ONE"]})
        assert tags_of(vendor, WHO) == ["one", "two"]

    def test_sync_tags_replaces_them(self, vendor: Vendor) -> None:
        batch(vendor, {"email_address": WHO, "status": "subscribed", "tags": ["one", "two"]})
        batch(vendor, {"email_address": WHO, "status": "subscribed", "tags": ["two", "three"]}, sync_tags=True)
        assert tags_of(vendor, WHO) == ["three", "two"]
        batch(vendor, {"email_address": WHO, "status": "subscribed", "tags": []}, sync_tags=True)
        assert tags_of(vendor, WHO) == []

    def test_every_row_is_in_the_log(self, vendor: Vendor) -> None:
        vendor.add("known@shop.example")
        rows: list[Json] = [
            {"email_address": email, "status": "subscribed"} for email in (WHO, "known@shop.example", "bad")
        ]
        batch(vendor, *rows)
        [call] = [call for call in vendor.log() if call["method"] == "POST"]
        assert call["applied"] == [
            {"kind": "member", "id": hash_of(WHO), "op": "create"},
            {"kind": "member", "id": hash_of("known@shop.example"), "op": "noop"},
        ]
