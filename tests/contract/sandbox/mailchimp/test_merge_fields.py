"""Merge fields: their limits, their tags, and what each type takes."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.mailchimp.vendor import Json, Vendor

WHO = "ada@shop.example"


def field(vendor: Vendor, kind: str, tag: str = "X", **more: object) -> Json:
    return vendor.told("POST", f"/lists/{vendor.plain}/merge-fields", {"name": tag, "type": kind, "tag": tag, **more})


def stored(vendor: Vendor, tag: str, value: object) -> object:
    merge = vendor.add(WHO, merge_fields={tag: value})["merge_fields"]
    assert isinstance(merge, dict)
    return merge[tag]


def refusal(vendor: Vendor, tag: str, value: object) -> str:
    body = {"email_address": WHO, "status_if_new": "subscribed", "merge_fields": {tag: value}}
    problem = vendor.refused(400, "PUT", vendor.member_path(WHO), body)
    assert problem["detail"] == "Your merge fields were invalid."
    [error] = problem["errors"]  # type: ignore[misc]
    assert error["field"] == tag
    return str(error["message"])


class TestValues:
    def test_text_is_cut_at_255_bytes_and_never_inside_a_character(self, vendor: Vendor) -> None:
        assert stored(vendor, "FNAME", "x" * 300) == "x" * 255
        assert stored(vendor, "FNAME", "é" * 200) == "é" * 127
        assert stored(vendor, "FNAME", "𝄞" * 70) == "𝄞" * 63

    @pytest.mark.parametrize(
        ("kind", "given", "kept"),
        [
            ("number", 7, 7),
            ("number", "7.5", 7.5),
            ("date", "2024-02-29", "2024-02-29"),
            ("date", "2024/02/29", "2024-02-29"),
            ("date", "29-02-2024", "2024-02-29"),
            ("date", "02/29/2024", "2024-02-29"),
            ("birthday", "02/29", "02/29"),
            ("zip", "30308", "30308"),
            ("phone", "+49 89 1", "+49 89 1"),
            ("url", "https://shop.example/a?b=c", "https://shop.example/a?b=c"),
        ],
    )
    def test_each_type_takes_its_own(self, vendor: Vendor, kind: str, given: object, kept: object) -> None:
        field(vendor, kind)
        assert stored(vendor, "X", given) == kept

    @pytest.mark.parametrize(
        ("kind", "given"),
        [
            ("number", "seven"),
            ("number", True),
            ("date", "29.02.2024"),
            ("date", "2023-02-29"),
            ("birthday", "13/01"),
            ("zip", "3030"),
            ("url", "shop.example"),
            ("imageurl", "nope"),
            ("text", {"a": 1}),
            ("text", None),
        ],
    )
    def test_each_type_refuses_the_rest(self, vendor: Vendor, kind: str, given: object) -> None:
        field(vendor, kind)
        assert refusal(vendor, "X", given)

    @pytest.mark.parametrize("kind", ["radio", "dropdown"])
    def test_a_choice_must_be_one(self, vendor: Vendor, kind: str) -> None:
        field(vendor, kind, options={"choices": ["red", "blue"]})
        assert stored(vendor, "X", "red") == "red"
        assert refusal(vendor, "X", "Red")

    def test_an_address_is_complete_or_refused(self, vendor: Vendor) -> None:
        whole = {"addr1": "1 Main", "city": "Atlanta", "state": "GA", "zip": "30308"}
        assert stored(vendor, "ADDRESS", whole) == whole | {"addr2": "", "country": ""}
        for part in whole:
            assert refusal(vendor, "ADDRESS", whole | {part: ""}) == "Please enter a complete address"
        assert refusal(vendor, "ADDRESS", "1 Main") == "Please enter a complete address"
        assert refusal(vendor, "ADDRESS", whole | {"zip": 30308}) == "Please enter a complete address"

    def test_an_empty_text_clears_and_an_absent_key_leaves(self, vendor: Vendor) -> None:
        vendor.add(WHO, merge_fields={"FNAME": "Ada", "LNAME": "Byron"})
        told = vendor.add(WHO, merge_fields={"FNAME": ""})
        assert told["full_name"] == "Byron"

    def test_an_undefined_tag_is_ignored_without_a_word(self, vendor: Vendor) -> None:
        told = vendor.add(WHO, merge_fields={"NOSUCH": "x"})
        assert "NOSUCH" not in told["merge_fields"]  # type: ignore[operator]

    def test_a_required_field_must_come_unless_validation_is_skipped(self, vendor: Vendor) -> None:
        path = vendor.member_path(WHO, vendor.strict)
        body = {"email_address": WHO, "status_if_new": "pending"}
        problem = vendor.refused(400, "PUT", path, body)
        assert problem["errors"] == [{"field": "CUSTNO", "message": "Please enter a value"}]
        assert vendor.told("PUT", path, body, skip_merge_validation=True)["status"] == "pending"
        vendor.told("PATCH", path, {"status": "unsubscribed"})
        vendor.refused(400, "PATCH", path, {"merge_fields": {"FNAME": "Ada"}})


class TestFields:
    def test_tags_are_cut_at_ten_and_raised(self, vendor: Vendor) -> None:
        assert field(vendor, "text", "company_size_class")["tag"] == "COMPANY_SI"

    def test_a_tag_is_made_up_when_none_is_asked(self, vendor: Vendor) -> None:
        told = vendor.told("POST", f"/lists/{vendor.plain}/merge-fields", {"name": "Anything", "type": "text"})
        assert told["tag"] == f"MMERGE{told['merge_id']}"

    @pytest.mark.parametrize("tag", ["A-B", "É", "EMAIL", "A B"])
    def test_tags_that_are_none_are_refused(self, vendor: Vendor, tag: str) -> None:
        vendor.refused(400, "POST", f"/lists/{vendor.plain}/merge-fields", {"name": "n", "type": "text", "tag": tag})

    def test_a_tag_exists_once(self, vendor: Vendor) -> None:
        vendor.refused(
            400, "POST", f"/lists/{vendor.plain}/merge-fields", {"name": "n", "type": "text", "tag": "fname"}
        )

    @pytest.mark.parametrize(("plan", "most"), [("standard", 30), ("premium", 80)])
    def test_there_is_a_most(self, vendor: Vendor, plan: str, most: int) -> None:
        vendor.switch(plan=plan)
        for at in range(most - 5):
            field(vendor, "text", f"F{at}")
        body = {"name": "n", "type": "text", "tag": "MORE"}
        vendor.refused(400, "POST", f"/lists/{vendor.plain}/merge-fields", body)

    def test_a_renamed_tag_takes_its_values_along(self, vendor: Vendor) -> None:
        vendor.add(WHO, merge_fields={"COMPANY": "Acme"})
        fields = vendor.told("GET", f"/lists/{vendor.plain}/merge-fields", count=50)["merge_fields"]
        assert isinstance(fields, list)
        number = next(found["merge_id"] for found in fields if found["tag"] == "COMPANY")
        path = f"/lists/{vendor.plain}/merge-fields/{number}"
        vendor.told("PATCH", path, {"name": "Firm", "tag": "FIRM"})
        assert vendor.member(WHO)["merge_fields"]["FIRM"] == "Acme"  # type: ignore[index]
        vendor.gone("DELETE", path)
        assert "FIRM" not in vendor.member(WHO)["merge_fields"]  # type: ignore[operator]
        vendor.refused(404, "GET", path)

    def test_a_choice_field_needs_choices(self, vendor: Vendor) -> None:
        vendor.refused(400, "POST", f"/lists/{vendor.plain}/merge-fields", {"name": "n", "type": "radio", "tag": "R"})
