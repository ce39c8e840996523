"""Every route's answer against the vendor's own description; deviations are listed in `spec.py` with their section."""

from __future__ import annotations

import json

import pytest

from sandbox.mailchimp.routes import ROUTES
from tests.contract.sandbox.mailchimp.spec import DEVIATIONS, Checker
from tests.contract.sandbox.mailchimp.vendor import Json, Receiver, Vendor, hash_of, hook_body

WHO = "ada@shop.example"
AUDIENCE: Json = {
    "name": "Third",
    "contact": {"company": "A", "address1": "1", "city": "B", "state": "C", "zip": "1", "country": "US"},
    "permission_reminder": "You know us",
    "campaign_defaults": {"from_name": "A", "from_email": "a@shop.example", "subject": "News", "language": "en"},
    "email_type_option": True,
}

pytestmark = pytest.mark.specs


class Session:
    """One walk through every route, with what is made on the way."""

    def __init__(self, vendor: Vendor, receiver: Receiver) -> None:
        self.vendor, self.receiver = vendor, receiver
        self.list = f"/lists/{vendor.plain}"
        self.member = vendor.member_path(WHO)

    def walk(self) -> None:
        self.account()
        self.members()
        self.beside_members()
        self.fields_and_segments()
        self.hooks()
        self.batches()
        self.shop()
        self.refusals()

    def account(self) -> None:
        told = self.vendor.told
        told("GET", "/")
        told("GET", "/ping")
        made = told("POST", "/lists", AUDIENCE)
        told("PATCH", f"/lists/{made['id']}", AUDIENCE | {"name": "Fourth", "double_optin": True})
        told("GET", f"/lists/{made['id']}", None, include_total_contacts=True)
        told("GET", "/lists", None, include_total_contacts=True)
        self.vendor.gone("DELETE", f"/lists/{made['id']}")

    def members(self) -> None:
        vendor, told = self.vendor, self.vendor.told
        vendor.add(WHO, merge_fields={"FNAME": "Ada"}, language="en")
        told("PATCH", self.member, {"vip": True})
        told("POST", f"{self.list}/members", {"email_address": "b@shop.example", "status": "pending", "tags": ["x"]})
        rows: list[Json] = [
            {"email_address": "c@shop.example", "status": "unsubscribed", "tags": ["x"]},
            {"email_address": WHO, "status": "subscribed", "tags": ["y"]},
            {"email_address": "bad"},
        ]
        told("POST", self.list, {"members": rows, "update_existing": True, "sync_tags": True})
        told("POST", self.list, {"members": rows})
        told("POST", f"{self.member}/notes", {"note": "n"})
        told("GET", f"{self.list}/members", None, count=1000, sort_field="last_changed")
        vendor.gone("DELETE", vendor.member_path("b@shop.example"))
        told("GET", vendor.member_path("b@shop.example"))
        vendor.gone("POST", f"{vendor.member_path('c@shop.example')}/actions/delete-permanent")

    def beside_members(self) -> None:
        told, gone = self.vendor.told, self.vendor.gone
        gone("POST", f"{self.member}/tags", {"tags": [{"name": "x", "status": "active"}]})
        told("GET", f"{self.member}/tags")
        gone("POST", f"{self.member}/events", {"name": "ordered", "properties": {"number": "7"}})
        told("GET", f"{self.member}/events")
        note = f"{self.member}/notes/{told('POST', f'{self.member}/notes', {'note': 'n'})['id']}"
        told("PATCH", note, {"note": "m"})
        told("GET", note)
        told("GET", f"{self.member}/notes")
        gone("DELETE", note)
        self.vendor.person("cleaned", WHO)
        told("GET", f"{self.member}/activity-feed")
        told("GET", f"{self.list}/tag-search", None, name="x")

    def fields_and_segments(self) -> None:
        told, gone = self.vendor.told, self.vendor.gone
        choices = {"name": "Colour", "type": "radio", "tag": "COLOUR", "options": {"choices": ["red"]}}
        field = f"{self.list}/merge-fields/{told('POST', f'{self.list}/merge-fields', choices)['merge_id']}"
        told("PATCH", field, {"name": "Color"})
        told("GET", field)
        told("GET", f"{self.list}/merge-fields")
        gone("DELETE", field)
        made = told("POST", f"{self.list}/segments", {"name": "S", "static_segment": [WHO]})
        segment = f"{self.list}/segments/{made['id']}"
        told("POST", segment, {"members_to_add": [WHO, "q@shop.example"], "members_to_remove": [WHO]})
        told("POST", f"{segment}/members", {"email_address": WHO})
        told("GET", f"{segment}/members", None, include_cleaned=True)
        told("GET", segment)
        told("GET", f"{self.list}/segments")
        told("PATCH", segment, {"name": "T"})
        gone("DELETE", f"{segment}/members/{hash_of(WHO)}")
        gone("DELETE", segment)

    def hooks(self) -> None:
        told = self.vendor.told
        hook = f"{self.list}/webhooks/{told('POST', f'{self.list}/webhooks', hook_body(self.receiver.url))['id']}"
        told("PATCH", hook, {"events": {"profile": False}})
        told("GET", hook)
        told("GET", f"{self.list}/webhooks")
        self.vendor.gone("DELETE", hook)

    def batches(self) -> None:
        vendor, told = self.vendor, self.vendor.told
        hook = f"/batch-webhooks/{told('POST', '/batch-webhooks', {'url': self.receiver.url})['id']}"
        told("PATCH", hook, {"enabled": False})
        told("GET", hook)
        told("GET", "/batch-webhooks")
        operation = {"method": "GET", "path": "/ping", "body": json.dumps({})}
        batch = f"/batches/{told('POST', '/batches', {'operations': [operation]})['id']}"
        told("GET", batch)
        vendor.advance(3)
        assert told("GET", batch)["status"] == "finished"
        told("GET", "/batches")
        vendor.gone("DELETE", hook)
        vendor.gone("DELETE", batch)

    def shop(self) -> None:
        told, gone = self.vendor.told, self.vendor.gone
        body = {"id": "s", "list_id": self.vendor.plain, "name": "Shop", "currency_code": "EUR"}
        told("POST", "/ecommerce/stores", body)
        told("GET", "/ecommerce/stores")
        told("GET", "/ecommerce/stores/s")
        customer = {"id": "1", "email_address": "k@shop.example", "opt_in_status": False, "first_name": "K"}
        told("POST", "/ecommerce/stores/s/customers", customer)
        told("PUT", "/ecommerce/stores/s/customers/1", customer)
        told("PATCH", "/ecommerce/stores/s/customers/1", {"company": "C"})
        told("GET", "/ecommerce/stores/s/customers/1")
        told("GET", "/ecommerce/stores/s/customers")
        gone("DELETE", "/ecommerce/stores/s/customers/1")

    def refusals(self) -> None:
        refused = self.vendor.refused
        refused(404, "GET", "/lists/nowhere")
        refused(400, "PUT", self.member, {"status": "none"})
        refused(400, "PATCH", self.member, {"status": "subscribed"})
        refused(400, "POST", self.list, {})


class TestDescription:
    def test_every_route_answers_as_described(self, vendor: Vendor, receiver: Receiver, checker: Checker) -> None:
        checker.seen.clear()
        Session(vendor, receiver).walk()
        assert checker.found == []
        answered = {seen.rpartition(" ")[0] for seen in checker.seen if seen.endswith((" 200", " 204"))}
        # Removing a shop answers a document in the description and nothing on the wire of this simulator.
        assert set(ROUTES) - answered == {"DELETE /ecommerce/stores/{store_id}"}

    def test_a_wrong_answer_is_noticed(self, checker: Checker) -> None:
        member = {"id": 7, "status": "asleep", "merge_fields": [], "last_changed": "yesterday"}
        found = list(checker.faults("GET", "/lists/x/members/y", 200, member))
        assert len(found) == 4
        assert list(checker.faults("GET", "/ping", 200, {"health_status": 1}))
        assert list(checker.faults("DELETE", "/lists/x/members/y", 204, {}))

    def test_every_deviation_names_a_section_of_the_sheet(self) -> None:
        assert all(known.section and known.why for known in DEVIATIONS)
