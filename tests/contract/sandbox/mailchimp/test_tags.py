"""Tags, and the static segments they are underneath."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.mailchimp.vendor import Json, Vendor, hash_of

WHO = "ada@shop.example"


def switch(vendor: Vendor, email: str, **tags: str) -> None:
    wanted = [{"name": name, "status": status} for name, status in tags.items()]
    vendor.gone("POST", f"{vendor.member_path(email)}/tags", {"tags": wanted, "is_syncing": True})


def names(vendor: Vendor, email: str = WHO) -> list[str]:
    tags = vendor.told("GET", f"{vendor.member_path(email)}/tags")["tags"]
    assert isinstance(tags, list)
    return [tag["name"] for tag in tags]


def segment(vendor: Vendor, name: str, *emails: str) -> int:
    body = {"name": name, "static_segment": list(emails)}
    return int(str(vendor.told("POST", f"/lists/{vendor.plain}/segments", body)["id"]))


def addresses(rows: object) -> list[str]:
    assert isinstance(rows, list)
    return [row["email_address"] for row in rows]


class TestTags:
    def test_are_matched_whatever_their_case(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        switch(vendor, WHO, VIP="active", vip="active")
        assert names(vendor) == ["VIP"]
        switch(vendor, WHO, Vip="inactive")
        assert names(vendor) == []

    def test_are_not_made_to_be_switched_off(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        switch(vendor, WHO, never="inactive")
        assert vendor.told("GET", f"/lists/{vendor.plain}/tag-search", name="never")["total_items"] == 0

    def test_have_at_most_a_hundred_characters(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        switch(vendor, WHO, **{"x" * 100: "active"})
        path = f"{vendor.member_path(WHO)}/tags"
        vendor.refused(400, "POST", path, {"tags": [{"name": "x" * 101, "status": "active"}]})

    @pytest.mark.parametrize("body", [{}, {"tags": "x"}, {"tags": ["x"]}, {"tags": [{"name": "x"}]}])
    def test_need_names_and_statuses(self, vendor: Vendor, body: Json) -> None:
        vendor.add(WHO)
        vendor.refused(400, "POST", f"{vendor.member_path(WHO)}/tags", body)

    def test_a_member_shows_fifty_and_counts_all(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        switch(vendor, WHO, **{f"t{at}": "active" for at in range(60)})
        told = vendor.member(WHO)
        assert (told["tags_count"], len(told["tags"])) == (60, 50)  # type: ignore[arg-type]
        page = vendor.told("GET", f"{vendor.member_path(WHO)}/tags", count=100)
        assert len(page["tags"]) == page["total_items"] == 60  # type: ignore[arg-type]

    def test_what_changes_nothing_is_a_noop(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        switch(vendor, WHO, a="active")
        switch(vendor, WHO, a="active")
        ops = [call["applied"][0]["op"] for call in vendor.log() if str(call["path"]).endswith("/tags")]  # type: ignore[index]
        assert ops == ["update", "noop"]

    def test_search_goes_by_the_beginning(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        switch(vendor, WHO, Overdue="active", overpaid="active", other="active")
        found = vendor.told("GET", f"/lists/{vendor.plain}/tag-search", name="over")
        assert [tag["name"] for tag in found["tags"]] == ["Overdue", "overpaid"]  # type: ignore[attr-defined]


class TestSegments:
    def test_take_and_lose_members_in_one_call(self, vendor: Vendor) -> None:
        for email in ("a@shop.example", "b@shop.example"):
            vendor.add(email)
        made = segment(vendor, "Late", "a@shop.example")
        body = {
            "members_to_add": ["b@shop.example", "stranger@shop.example", "no address"],
            "members_to_remove": ["a@shop.example"],
        }
        told = vendor.told("POST", f"/lists/{vendor.plain}/segments/{made}", body)
        assert (addresses(told["members_added"]), addresses(told["members_removed"])) == (
            ["b@shop.example"],
            ["a@shop.example"],
        )
        assert told["error_count"] == 2
        assert names(vendor, "b@shop.example") == ["Late"]
        assert names(vendor, "a@shop.example") == []

    def test_take_five_hundred_at_once_and_not_one_more(self, vendor: Vendor) -> None:
        made = segment(vendor, "Late")
        many = [f"m{at}@shop.example" for at in range(501)]
        path = f"/lists/{vendor.plain}/segments/{made}"
        vendor.refused(400, "POST", path, {"members_to_add": many})
        vendor.refused(400, "POST", path, {"members_to_remove": many})
        assert vendor.told("POST", path, {"members_to_add": many[:500], "members_to_remove": many[:500]})

    def test_are_the_tags_of_their_members(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        switch(vendor, WHO, VIP="active")
        [found] = vendor.told("GET", f"/lists/{vendor.plain}/segments")["segments"]  # type: ignore[misc]
        assert (found["name"], found["type"], found["member_count"]) == ("VIP", "static", 1)
        vendor.told("PATCH", f"/lists/{vendor.plain}/segments/{found['id']}", {"name": "Gold"})
        assert names(vendor) == ["Gold"]
        vendor.gone("DELETE", f"/lists/{vendor.plain}/segments/{found['id']}")
        assert names(vendor) == []

    def test_survive_a_change_of_address(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        made = segment(vendor, "Late", WHO)
        vendor.told("PATCH", vendor.member_path(WHO), {"email_address": "new@shop.example"})
        members = vendor.told("GET", f"/lists/{vendor.plain}/segments/{made}/members")["members"]
        assert addresses(members) == ["new@shop.example"]

    def test_list_only_who_is_asked_for(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        vendor.add("left@shop.example", "unsubscribed")
        made = segment(vendor, "All", WHO, "left@shop.example")
        path = f"/lists/{vendor.plain}/segments/{made}/members"
        assert addresses(vendor.told("GET", path)["members"]) == [WHO]
        assert vendor.told("GET", path, include_unsubscribed=True)["total_items"] == 2
        vendor.gone("DELETE", f"{path}/{hash_of(WHO)}")
        vendor.told("POST", path, {"email_address": WHO})
        assert names(vendor) == ["All"]

    def test_have_names_of_their_own(self, vendor: Vendor) -> None:
        segment(vendor, "Late")
        vendor.refused(400, "POST", f"/lists/{vendor.plain}/segments", {"name": "LATE", "static_segment": []})
