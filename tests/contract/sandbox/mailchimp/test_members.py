"""Single members: upsert, addresses, attributes, and what is refused."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.mailchimp.vendor import Vendor, hash_of

WHO = "ada@example.test"


class TestUpsert:
    def test_hashes_are_of_the_lower_cased_address(self, vendor: Vendor) -> None:
        assert vendor.add(WHO)["id"] == "28ae5bf8fa0cde12855e61ac303859cc"
        odd = vendor.add("Urist.McVankab+3@Freddiesjokes.com")
        assert odd["id"] == "852aaa9532cb36adfb5e9fef7a4206a9"
        assert odd["email_address"] == "Urist.McVankab+3@Freddiesjokes.com"

    def test_finds_a_member_by_hash_address_and_contact_id(self, vendor: Vendor) -> None:
        made = vendor.add(WHO)
        for key in (hash_of(WHO), WHO, WHO.upper(), str(made["contact_id"])):
            assert vendor.told("GET", f"/lists/{vendor.plain}/members/{key}")["id"] == made["id"]

    def test_status_if_new_acts_on_creation_only(self, vendor: Vendor) -> None:
        vendor.add(WHO, "unsubscribed")
        assert vendor.add(WHO, "subscribed")["status"] == "unsubscribed"

    def test_status_overwrites(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        assert vendor.add(WHO, status="unsubscribed")["status"] == "unsubscribed"

    def test_double_opt_in_is_the_callers_business(self, vendor: Vendor) -> None:
        fields = {"CUSTNO": "7"}
        assert vendor.add(WHO, "subscribed", vendor.strict, merge_fields=fields)["status"] == "subscribed"
        assert vendor.add("b@example.test", "pending", vendor.strict, merge_fields=fields)["status"] == "pending"

    def test_new_members_need_an_address_and_a_status(self, vendor: Vendor) -> None:
        problem = vendor.refused(400, "PUT", vendor.member_path(WHO), {"email_address": WHO})
        assert problem["errors"] == [{"field": "status_if_new", "message": "This value should not be blank."}]
        vendor.refused(400, "PUT", vendor.member_path(WHO), {"status_if_new": "subscribed"})
        vendor.refused(404, "GET", vendor.member_path(WHO))

    def test_the_path_must_mean_the_address_of_the_body(self, vendor: Vendor) -> None:
        body = {"email_address": WHO, "status_if_new": "subscribed"}
        vendor.refused(400, "PUT", vendor.member_path("other@example.test"), body)
        vendor.refused(404, "GET", vendor.member_path(WHO))

    def test_tags_in_put_and_patch_change_nothing(self, vendor: Vendor) -> None:
        vendor.add(WHO, tags=["a"])
        vendor.told("PATCH", vendor.member_path(WHO), {"tags": ["b"]})
        assert vendor.member(WHO)["tags"] == []

    def test_says_what_it_did_to_each_record(self, vendor: Vendor) -> None:
        vendor.add(WHO, merge_fields={"FNAME": "Ada"})
        vendor.add(WHO, merge_fields={"FNAME": "Ada"})
        vendor.add(WHO, merge_fields={"FNAME": "Eda"})
        ops = [call["applied"] for call in vendor.log() if call["method"] == "PUT"]
        member = {"kind": "member", "id": hash_of(WHO)}
        assert ops == [[member | {"op": "create"}], [member | {"op": "noop"}], [member | {"op": "update"}]]

    def test_what_changes_nothing_leaves_last_changed(self, vendor: Vendor) -> None:
        made = vendor.add(WHO, merge_fields={"FNAME": "Ada"})
        vendor.advance(100)
        assert vendor.add(WHO, merge_fields={"FNAME": "Ada"})["last_changed"] == made["last_changed"]
        assert vendor.add(WHO, merge_fields={"FNAME": "Eda"})["last_changed"] > made["last_changed"]  # type: ignore[operator]

    def test_keeps_the_attributes_of_a_member(self, vendor: Vendor) -> None:
        vendor.add(
            WHO,
            language="de",
            vip=True,
            email_type="text",
            location={"latitude": 48.1, "longitude": 11.6},
            ip_signup="192.0.2.1",
            timestamp_signup="2024-01-02T03:04:05+00:00",
        )
        told = vendor.member(WHO)
        assert (told["language"], told["vip"], told["email_type"]) == ("de", True, "text")
        assert told["timestamp_signup"] == "2024-01-02T03:04:05+00:00"
        location = told["location"]
        assert isinstance(location, dict)
        assert (location["latitude"], location["longitude"]) == (48.1, 11.6)


class TestPost:
    def test_refuses_an_address_that_is_there(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        body = {"email_address": WHO.upper(), "status": "subscribed"}
        assert vendor.refused(400, "POST", f"/lists/{vendor.plain}/members", body)["title"] == "Member Exists"

    def test_takes_names_of_tags(self, vendor: Vendor) -> None:
        body = {"email_address": WHO, "status": "subscribed", "tags": ["one", "Two"]}
        told = vendor.told("POST", f"/lists/{vendor.plain}/members", body)
        assert (told["tags_count"], [tag["name"] for tag in told["tags"]]) == (2, ["one", "Two"])  # type: ignore[attr-defined]


class TestChangeOfAddress:
    def test_renames_in_place(self, vendor: Vendor) -> None:
        made = vendor.add(WHO, merge_fields={"FNAME": "Ada"})
        told = vendor.told("PATCH", vendor.member_path(WHO), {"email_address": "new@example.test"})
        assert (told["id"], told["contact_id"]) == (hash_of("new@example.test"), made["contact_id"])
        vendor.refused(404, "GET", vendor.member_path(WHO))
        assert vendor.member("new@example.test")["full_name"] == "Ada"

    def test_refuses_an_address_that_is_taken(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        vendor.add("taken@example.test")
        vendor.refused(400, "PATCH", vendor.member_path(WHO), {"email_address": "taken@example.test"})
        assert vendor.member(WHO)["email_address"] == WHO

    def test_refuses_an_address_that_was_deleted_for_ever(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        vendor.add("gone@example.test")
        vendor.gone("POST", f"{vendor.member_path('gone@example.test')}/actions/delete-permanent")
        problem = vendor.refused(400, "PATCH", vendor.member_path(WHO), {"email_address": "gone@example.test"})
        assert problem["title"] == "Forgotten Email Not Subscribed"


class TestAddresses:
    @pytest.mark.parametrize("address", ["", " ", "a", "a@b", "a b@shop.example", "a@shop..example", "a@@shop.example"])
    def test_must_be_addresses(self, vendor: Vendor, address: str) -> None:
        body = {"email_address": address, "status": "subscribed"}
        assert vendor.refused(400, "POST", f"/lists/{vendor.plain}/members", body)["title"] == "Invalid Resource"

    @pytest.mark.parametrize("address", ["ada+news@shop.example", "ADA@SHOP.EXAMPLE", "ada@müller.example", "o'x@a.co"])
    def test_come_in_many_shapes(self, vendor: Vendor, address: str) -> None:
        assert vendor.add(address)["email_address"] == address

    def test_fake_ones_are_refused_when_the_switch_says_so(self, vendor: Vendor) -> None:
        vendor.switch(addresses="real")
        body = {"email_address": "ada@example.com", "status": "subscribed"}
        problem = vendor.refused(400, "POST", f"/lists/{vendor.plain}/members", body)
        assert "looks fake or invalid" in str(problem["detail"])

    def test_those_that_nobody_can_have_are_refused_where_people_live_at_example(self, vendor: Vendor) -> None:
        vendor.switch(addresses="obvious")
        body = {"email_address": "info@mail.test", "status": "subscribed"}
        problem = vendor.refused(400, "POST", f"/lists/{vendor.plain}/members", body)
        assert "looks fake or invalid" in str(problem["detail"])
        assert vendor.add("ada@shop.example")["status"] == "subscribed"

    def test_one_that_signed_up_to_many_lists_must_wait(self, vendor: Vendor) -> None:
        vendor.person("busy", WHO)
        body = {"email_address": WHO, "status": "subscribed"}
        problem = vendor.refused(400, "POST", f"/lists/{vendor.plain}/members", body)
        assert "signed up to a lot of lists very recently" in str(problem["detail"])
        vendor.advance(3700)
        vendor.told("POST", f"/lists/{vendor.plain}/members", body)
