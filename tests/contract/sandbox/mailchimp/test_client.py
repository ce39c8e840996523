"""The vendor's own Python client, `mailchimp-marketing`, against the sandbox."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import httpx
import mailchimp_marketing
import pytest
from mailchimp_marketing.api_client import ApiClientError

from tests.contract.sandbox.mailchimp.vendor import Receiver, Vendor, hash_of, hook_body, until


class TestClient:
    def test_pings_and_reads_the_account(self, client: mailchimp_marketing.Client, vendor: Vendor) -> None:
        assert client.ping.get() == {"health_status": "Everything's Chimpy!"}
        assert client.root.get_root()["role"] == "owner"
        lists = client.lists.get_all_lists()
        assert [found["id"] for found in lists["lists"]] == [vendor.plain, vendor.strict]
        assert client.lists.get_list(vendor.strict)["double_optin"] is True

    def test_makes_and_removes_an_audience(self, client: mailchimp_marketing.Client) -> None:
        contact = {"company": "A", "address1": "1", "city": "B", "state": "C", "zip": "1", "country": "US"}
        defaults = {"from_name": "A", "from_email": "a@shop.example", "subject": "", "language": "en"}
        wanted = {
            "name": "Third",
            "contact": contact,
            "permission_reminder": "You know us",
            "campaign_defaults": {**defaults, "subject": "News"},
            "email_type_option": True,
        }
        made = client.lists.create_list(wanted)
        assert client.lists.get_list(made["id"])["name"] == "Third"
        client.lists.delete_list(made["id"])
        with pytest.raises(ApiClientError) as refused:
            client.lists.get_list(made["id"])
        assert refused.value.status_code == 404

    def test_sets_a_member_and_says_what_its_fields_are(
        self, client: mailchimp_marketing.Client, vendor: Vendor
    ) -> None:
        wanted = {"email_address": "Ada@Shop.example", "status_if_new": "subscribed", "merge_fields": {"FNAME": "Ada"}}
        made = client.lists.set_list_member(vendor.plain, hash_of("ada@shop.example"), wanted)
        assert (made["status"], made["merge_fields"]["FNAME"]) == ("subscribed", "Ada")
        assert client.lists.get_list_member(vendor.plain, "ada@shop.example")["id"] == made["id"]
        changed = client.lists.update_list_member(vendor.plain, made["id"], {"status": "unsubscribed"})
        assert changed["status"] == "unsubscribed"
        client.lists.delete_list_member(vendor.plain, made["id"])
        assert client.lists.get_list_member(vendor.plain, made["id"])["status"] == "archived"
        client.lists.delete_list_member_permanent(vendor.plain, made["id"])
        with pytest.raises(ApiClientError) as refused:
            client.lists.get_list_member(vendor.plain, made["id"])
        assert refused.value.status_code == 404

    def test_subscribes_a_batch_and_reads_the_errors_of_its_rows(
        self, client: mailchimp_marketing.Client, vendor: Vendor
    ) -> None:
        vendor.add("known@shop.example")
        rows = [{"email_address": f"m{at}@shop.example", "status": "subscribed"} for at in range(3)]
        rows += [{"email_address": "known@shop.example", "status": "subscribed"}, {"email_address": "not an address"}]
        told = client.lists.batch_list_members(vendor.plain, {"members": rows, "update_existing": False})
        assert (told["total_created"], told["total_updated"], told["error_count"]) == (3, 0, 2)
        assert [error["error_code"] for error in told["errors"]] == ["ERROR_CONTACT_EXISTS", "ERROR_GENERIC"]

    def test_tags_a_member(self, client: mailchimp_marketing.Client, vendor: Vendor) -> None:
        member = vendor.add("tagged@shop.example")["id"]
        wanted = {"tags": [{"name": "VIP", "status": "active"}, {"name": "old", "status": "active"}]}
        client.lists.update_list_member_tags(vendor.plain, member, wanted)
        client.lists.update_list_member_tags(vendor.plain, member, {"tags": [{"name": "OLD", "status": "inactive"}]})
        assert [tag["name"] for tag in client.lists.get_list_member_tags(vendor.plain, member)["tags"]] == ["VIP"]
        assert client.lists.tag_search(vendor.plain, name="v")["total_items"] == 1
        segments = client.lists.list_segments(vendor.plain)["segments"]
        assert {found["name"]: found["member_count"] for found in segments} == {"VIP": 1, "old": 0}

    def test_manages_merge_fields(self, client: mailchimp_marketing.Client, vendor: Vendor) -> None:
        made = client.lists.add_list_merge_field(vendor.plain, {"name": "Segment", "type": "text", "tag": "SEGMENT"})
        client.lists.update_list_merge_field(vendor.plain, str(made["merge_id"]), {"name": "Customer segment"})
        fields = client.lists.get_list_merge_fields(vendor.plain, count=50)["merge_fields"]
        assert [field["tag"] for field in fields] == ["FNAME", "LNAME", "ADDRESS", "PHONE", "COMPANY", "SEGMENT"]
        assert fields[-1]["name"] == "Customer segment"
        client.lists.delete_list_merge_field(vendor.plain, str(made["merge_id"]))

    def test_registers_a_webhook_and_sees_its_key_once(
        self, client: mailchimp_marketing.Client, vendor: Vendor, receiver: Receiver
    ) -> None:
        made = client.lists.create_list_webhook(vendor.plain, hook_body(receiver.url))
        assert made["signing_enabled"] is True
        assert made["signing_secret"]
        again = client.lists.get_list_webhook(vendor.plain, made["id"])
        assert "signing_secret" not in again
        client.lists.update_list_webhook(vendor.plain, made["id"], {"events": {"profile": False}})
        assert client.lists.get_list_webhooks(vendor.plain)["webhooks"][0]["events"]["profile"] is False
        client.lists.delete_list_webhook(vendor.plain, made["id"])
        assert client.lists.get_list_webhooks(vendor.plain)["total_items"] == 0

    def test_runs_a_batch_and_fetches_its_results(self, client: mailchimp_marketing.Client, vendor: Vendor) -> None:
        member = {"email_address": "batched@shop.example", "status": "subscribed"}
        operations = [
            {
                "method": "POST",
                "path": f"/lists/{vendor.plain}/members",
                "operation_id": "a",
                "body": json.dumps(member),
            },
            {"method": "GET", "path": "/lists/nowhere", "operation_id": "b"},
        ]
        started = client.batches.start({"operations": operations})
        assert (started["status"], started["response_body_url"]) == ("pending", "")
        until(lambda: client.batches.status(started["id"])["status"] == "finished")
        status = client.batches.status(started["id"])
        assert (status["finished_operations"], status["errored_operations"]) == (2, 1)
        packed = httpx.get(status["response_body_url"], trust_env=False, verify=False).content
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as archive:
            files = [archive.extractfile(entry) for entry in archive if entry.isfile()]
            results = [row for file in files if file is not None for row in json.loads(file.read())]
        outcome = {row["operation_id"]: (row["status_code"], json.loads(row["response"])) for row in results}
        assert (outcome["a"][0], outcome["a"][1]["email_address"]) == (200, "batched@shop.example")
        assert (outcome["b"][0], outcome["b"][1]["title"]) == (404, "Resource Not Found")

    def test_reads_what_changed_since(self, client: mailchimp_marketing.Client, vendor: Vendor) -> None:
        vendor.add("early@shop.example")
        vendor.advance(60)
        since = vendor.sandbox.get("clock")["now"]
        vendor.advance(60)
        vendor.add("late@shop.example")
        changed = client.lists.get_list_members_info(
            vendor.plain, since_last_changed=since, sort_field="last_changed", sort_dir="ASC", count=1000
        )
        assert [found["email_address"] for found in changed["members"]] == ["late@shop.example"]
        assert changed["total_items"] == 1

    def test_writes_notes_and_events(self, client: mailchimp_marketing.Client, vendor: Vendor) -> None:
        member = vendor.add("noted@shop.example")["id"]
        note = client.lists.create_list_member_note(vendor.plain, member, {"note": "called"})
        client.lists.update_list_member_note(vendor.plain, member, str(note["id"]), {"note": "called twice"})
        event = {"name": "ordered", "properties": {"number": "7"}}
        client.lists.create_list_member_event(vendor.plain, member, event)
        assert client.lists.get_list_member_notes(vendor.plain, member)["notes"][0]["note"] == "called twice"
        assert client.lists.get_list_member_events(vendor.plain, member)["events"][0]["name"] == "ordered"
        feed = client.lists.get_list_member_activity_feed(vendor.plain, member)["activity"]
        assert {item["activity_type"] for item in feed} == {"generic_signup", "note", "event"}

    def test_is_refused_with_a_wrong_key(self, client: mailchimp_marketing.Client) -> None:
        client.set_config({"api_key": "0123456789abcdef0123456789abcdef-us6"})
        with pytest.raises(ApiClientError) as refused:
            client.ping.get()
        assert refused.value.status_code == 401
