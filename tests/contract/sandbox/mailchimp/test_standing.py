"""Every status, and what the API may make of it: one table, walked through real calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.sandbox.mailchimp.vendor import Vendor, hash_of

WHO = "ada@shop.example"
WISHES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
COMPLIANCE, FORGOTTEN = "Member In Compliance State", "Forgotten Email Not Subscribed"


def by_api(status: str) -> Callable[[Vendor], None]:
    return lambda vendor: void(vendor.add(WHO, status))


def by_person(action: str) -> Callable[[Vendor], None]:
    def arrange(vendor: Vendor) -> None:
        vendor.add(WHO)
        vendor.person(action, WHO)

    return arrange


def archived(before: Callable[[Vendor], None]) -> Callable[[Vendor], None]:
    def arrange(vendor: Vendor) -> None:
        before(vendor)
        vendor.gone("DELETE", vendor.member_path(WHO))

    return arrange


def moved_on(action: str, status: str) -> Callable[[Vendor], None]:
    """Consent taken back, then another status by the API: what the person did is not forgotten."""

    def arrange(vendor: Vendor) -> None:
        by_person(action)(vendor)
        vendor.told("PUT", vendor.member_path(WHO), {"email_address": WHO, "status": status})

    return arrange


def erased(vendor: Vendor) -> None:
    vendor.add(WHO)
    vendor.gone("POST", f"{vendor.member_path(WHO)}/actions/delete-permanent")


def void(_: object) -> None:
    return


FREE = dict.fromkeys(WISHES, "")
BARRED = FREE | {"subscribed": COMPLIANCE}
TABLE: dict[str, tuple[Callable[[Vendor], None], dict[str, str]]] = {
    "absent": (void, FREE),
    "subscribed": (by_api("subscribed"), FREE),
    "pending": (by_api("pending"), FREE),
    "transactional": (by_api("transactional"), FREE),
    "unsubscribed by API": (by_api("unsubscribed"), FREE),
    "unsubscribed by an admin": (
        lambda vendor: void((vendor.add(WHO), vendor.person("unsubscribe", WHO, by="admin"))),
        FREE,
    ),
    "unsubscribed by the person": (by_person("unsubscribe"), BARRED),
    "complained": (by_person("abuse"), BARRED),
    "bounced": (by_person("cleaned"), BARRED),
    "cleaned by API": (by_api("cleaned"), BARRED),
    "archived, was subscribed": (archived(by_api("subscribed")), FREE),
    "archived, had unsubscribed": (archived(by_person("unsubscribe")), BARRED),
    "archived, had bounced": (archived(by_person("cleaned")), BARRED),
    "pending after unsubscribing": (moved_on("unsubscribe", "pending"), BARRED),
    "transactional after unsubscribing": (moved_on("unsubscribe", "transactional"), BARRED),
    "deleted for ever": (erased, dict.fromkeys(WISHES, FORGOTTEN)),
}
CASES = [(state, wish, refusal) for state, (_, row) in TABLE.items() for wish, refusal in row.items()]


class TestTransitions:
    @pytest.mark.parametrize(
        ("state", "wish", "refusal"), CASES, ids=[f"{state} -> {wish}" for state, wish, _ in CASES]
    )
    def test_put(self, vendor: Vendor, state: str, wish: str, refusal: str) -> None:
        TABLE[state][0](vendor)
        before = vendor.call("GET", vendor.member_path(WHO)).json()
        body = {"email_address": WHO, "status": wish, "status_if_new": wish}
        if refusal:
            problem = vendor.refused(400, "PUT", vendor.member_path(WHO), body)
            assert problem["title"] == refusal
            after = vendor.call("GET", vendor.member_path(WHO)).json()
            assert after == before or (after["status"] == before["status"] == 404)
        else:
            assert vendor.told("PUT", vendor.member_path(WHO), body)["status"] == wish
            assert vendor.member(WHO)["status"] == wish

    @pytest.mark.parametrize("state", [state for state, (_, row) in TABLE.items() if row is BARRED])
    def test_a_batch_row_is_judged_alike(self, vendor: Vendor, state: str) -> None:
        TABLE[state][0](vendor)
        status = vendor.member(WHO)["status"]
        rows = [{"email_address": WHO, "status": "subscribed"}]
        told = vendor.told("POST", f"/lists/{vendor.plain}", {"members": rows, "update_existing": True})
        assert told["error_count"] == 1
        assert vendor.member(WHO)["status"] == status

    @pytest.mark.parametrize("state", [state for state, (_, row) in TABLE.items() if row is BARRED])
    def test_the_person_can_always_come_back(self, vendor: Vendor, state: str) -> None:
        TABLE[state][0](vendor)
        vendor.person("subscribe", WHO)
        assert vendor.member(WHO)["status"] == "subscribed"
        body = {"email_address": WHO, "status": "subscribed"}
        assert vendor.told("PUT", vendor.member_path(WHO), body)["status"] == "subscribed"

    def test_the_person_can_come_back_even_after_an_erasure(self, vendor: Vendor) -> None:
        erased(vendor)
        vendor.person("subscribe", WHO)
        assert vendor.member(WHO)["status"] == "subscribed"

    @pytest.mark.parametrize("status", ["archived", "gone", "", "Subscribed"])
    def test_nobody_can_be_given_a_status_that_is_none(self, vendor: Vendor, status: str) -> None:
        vendor.add(WHO)
        problem = vendor.refused(400, "PUT", vendor.member_path(WHO), {"email_address": WHO, "status": status})
        assert problem["title"] == "Invalid Resource"
        assert vendor.member(WHO)["status"] == "subscribed"

    def test_patch_does_not_take_transactional(self, vendor: Vendor) -> None:
        vendor.add(WHO)
        vendor.refused(400, "PATCH", vendor.member_path(WHO), {"status": "transactional"})

    def test_refusals_of_members_lack_type_and_instance(self, vendor: Vendor) -> None:
        by_person("unsubscribe")(vendor)
        problem = vendor.refused(400, "PATCH", vendor.member_path(WHO), {"status": "subscribed"})
        assert "type" not in problem
        assert problem["instance"] == ""
        assert str(problem["detail"]).startswith(f"{WHO} is in a compliance state due to unsubscribe")

    def test_pending_sends_the_opt_in_mail(self, vendor: Vendor) -> None:
        by_person("unsubscribe")(vendor)
        vendor.told("PATCH", vendor.member_path(WHO), {"status": "pending"})
        state = vendor.sandbox.get("state/mailchimp", account="demo")["accounts"]
        assert isinstance(state, dict)
        assert [mail["email"] for mail in state["demo"]["opt_in_mails"]] == [WHO]

    def test_an_upsert_without_status_leaves_the_archived_archived(self, vendor: Vendor) -> None:
        archived(by_api("subscribed"))(vendor)
        assert vendor.add(WHO, merge_fields={"FNAME": "Ada"})["status"] == "archived"

    def test_who_is_archived_cannot_be_archived_again(self, vendor: Vendor) -> None:
        archived(by_api("subscribed"))(vendor)
        vendor.refused(405, "DELETE", vendor.member_path(WHO))

    def test_a_deleted_address_is_no_longer_found(self, vendor: Vendor) -> None:
        erased(vendor)
        vendor.refused(404, "GET", vendor.member_path(WHO))
        vendor.refused(404, "DELETE", f"/lists/{vendor.plain}/members/{hash_of(WHO)}")
