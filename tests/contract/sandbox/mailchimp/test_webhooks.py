"""Audience webhooks: checked by GET, signed, tried again over seventy-five minutes, disabled by 410."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from urllib.parse import parse_qsl

import pytest

from sandbox.mailchimp.signatures import audience_signature, mandrill_signature
from tests.contract.sandbox.mailchimp.vendor import Heard, Json, Receiver, Vendor, hash_of, hook_body, until

WHO = "ada@shop.example"
VECTOR = (
    b"type=unsubscribe&fired_at=2026-01-01+00%3A00%3A00&data%5Baction%5D=unsub&data%5Breason%5D=manual"
    b"&data%5Bid%5D=8a25ff1d98&data%5Bemail%5D=ada%40example.test&data%5Bemail_type%5D=html"
    b"&data%5Bweb_id%5D=3375995&data%5Blist_id%5D=a6b5da1054&data%5Bmerges%5D%5BEMAIL%5D=ada%40example.test"
    b"&data%5Bmerges%5D%5BFNAME%5D=Ada"
)


def hook(vendor: Vendor, receiver: Receiver, **sources: bool) -> Json:
    return vendor.told("POST", f"/lists/{vendor.plain}/webhooks", hook_body(receiver.url, **sources))


def verified(heard: Heard, secret: object) -> int:
    """Check a signature the way a receiver does, on the raw bytes; the time it was made."""
    parts = dict(part.split("=", 1) for part in heard.headers["x-mailchimp-signature"].split(","))
    expected = hmac.new(str(secret).encode(), f"{parts['t']}.".encode() + heard.body, hashlib.sha256).hexdigest()
    assert parts["v1"] == expected
    return int(parts["t"])


class TestSignatures:
    def test_fit_the_vector_of_the_sheet(self) -> None:
        expected = "t=1767225600,v1=420e2923a0fdfcb346dea8bd5076e946dfb8e67152e814dff62af467f8d75bb3"
        assert len(VECTOR) == 314
        assert audience_signature("mc-signing-secret-5c1d", 1767225600, VECTOR) == expected

    @pytest.mark.parametrize(
        ("events", "expected"),
        [
            (
                '[{"event":"hard_bounce","msg":{"email":"ada@example.test","_id":"abc123"},"ts":1767225600}]',
                "lv9LHUtZNYiqhv2pwEBXgJcEHyc=",
            ),
            ("[]", "iI5r/+yG/nWRoxobQjhQR8XUwLE="),
        ],
    )
    def test_of_mandrill_fit_the_vectors_of_the_sheet(self, events: str, expected: str) -> None:
        url = "https://hooks.example.test/mandrill?tenant=t1"
        assert mandrill_signature("mandrill-test-key-9f2b", url, {"mandrill_events": events}) == expected

    def test_are_on_every_delivery_of_a_new_hook(self, vendor: Vendor, receiver: Receiver) -> None:
        made = hook(vendor, receiver)
        vendor.add(WHO)
        [heard] = receiver.wait(1)
        assert abs(verified(heard, made["signing_secret"]) - time.time()) < 60

    def test_are_missing_from_hooks_of_before(self, vendor: Vendor, receiver: Receiver) -> None:
        vendor.switch(webhook_signing=False)
        made = hook(vendor, receiver)
        assert (made["signing_enabled"], "signing_secret" in made) == (False, False)
        vendor.add(WHO)
        assert "x-mailchimp-signature" not in receiver.wait(1)[0].headers

    def test_the_key_is_shown_once(self, vendor: Vendor, receiver: Receiver) -> None:
        made = hook(vendor, receiver)
        path = f"/lists/{vendor.plain}/webhooks"
        for told in (
            vendor.told("GET", f"{path}/{made['id']}"),
            vendor.told("PATCH", f"{path}/{made['id']}", {"events": {"profile": True}}),
            vendor.told("GET", path),
        ):
            assert str(made["signing_secret"]) not in str(told)
        state = vendor.sandbox.get("state/mailchimp", account="demo")
        assert str(made["signing_secret"]) not in str(state)


class TestRegistration:
    def test_asks_the_address_by_get_and_nothing_else(self, vendor: Vendor, receiver: Receiver) -> None:
        hook(vendor, receiver)
        assert [(heard.method, heard.headers["user-agent"]) for heard in receiver.heard] == [
            ("GET", "MailChimp.com WebHook Validator")
        ]

    @pytest.mark.parametrize("status", [404, 405, 301, 500])
    def test_refuses_an_address_that_does_not_answer_200(self, vendor: Vendor, receiver: Receiver, status: int) -> None:
        receiver.status_of = lambda heard: status
        vendor.refused(400, "POST", f"/lists/{vendor.plain}/webhooks", hook_body(receiver.url))
        assert vendor.told("GET", f"/lists/{vendor.plain}/webhooks")["total_items"] == 0

    def test_refuses_an_address_where_nobody_is(self, vendor: Vendor) -> None:
        vendor.refused(400, "POST", f"/lists/{vendor.plain}/webhooks", hook_body("http://127.0.0.1:9/"))

    @pytest.mark.parametrize("url", ["", "ftp://a/", "nowhere", "http://"])
    def test_refuses_what_is_no_address(self, vendor: Vendor, url: str) -> None:
        vendor.refused(400, "POST", f"/lists/{vendor.plain}/webhooks", hook_body(url))

    def test_refuses_one_address_twice_on_a_list(self, vendor: Vendor, receiver: Receiver) -> None:
        hook(vendor, receiver)
        problem = vendor.refused(400, "POST", f"/lists/{vendor.plain}/webhooks", hook_body(receiver.url))
        assert "can't set up multiple WebHooks" in str(problem["detail"])
        vendor.told("POST", f"/lists/{vendor.strict}/webhooks", hook_body(receiver.url))

    def test_a_moved_hook_is_asked_again(self, vendor: Vendor, receiver: Receiver) -> None:
        path = f"/lists/{vendor.plain}/webhooks/{hook(vendor, receiver)['id']}"
        vendor.told("PATCH", path, {"url": receiver.url + "/moved"})
        assert receiver.heard[-1].path == "/hook/moved"
        receiver.status_of = lambda heard: 404
        vendor.refused(400, "PATCH", path, {"url": receiver.url + "/again"})


class TestEvents:
    def test_subscribe_carries_nested_merges(self, vendor: Vendor, receiver: Receiver) -> None:
        hook(vendor, receiver)
        address = {"addr1": "1 Main", "city": "Atlanta", "state": "GA", "zip": "30308"}
        member = vendor.add(WHO, merge_fields={"FNAME": "Ada & Co", "ADDRESS": address})
        [heard] = receiver.wait(1)
        assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
        assert heard.headers["user-agent"] == "MailChimp.com"
        form = heard.form
        assert (form["type"], form["data[email]"], form["data[list_id]"]) == ("subscribe", WHO, vendor.plain)
        assert form["data[id]"] == member["unique_email_id"] != hash_of(WHO)
        assert form["data[merges][FNAME]"] == "Ada & Co"
        assert form["data[merges][ADDRESS][addr1]"] == "1 Main"
        assert form["data[merges][INTERESTS]"] == ""
        assert {"data[ip_opt]", "data[ip_signup]", "data[web_id]", "data[email_type]"} <= set(form)
        time.strptime(form["fired_at"], "%Y-%m-%d %H:%M:%S")

    def test_the_wire_keeps_the_order_of_its_keys(self, vendor: Vendor, receiver: Receiver) -> None:
        hook(vendor, receiver)
        vendor.add(WHO)
        assert [name for name, _ in parse_qsl(receiver.wait(1)[0].body.decode())][:2] == ["type", "fired_at"]

    def test_what_people_do_is_told(self, vendor: Vendor, receiver: Receiver) -> None:
        vendor.add(WHO)
        hook(vendor, receiver)
        vendor.person("profile", WHO, merge_fields={"FNAME": "Ada"})
        vendor.person("upemail", WHO, new_email="new@shop.example")
        vendor.person("unsubscribe", "new@shop.example")
        vendor.person("subscribe", "new@shop.example")
        vendor.person("abuse", "new@shop.example")
        vendor.person("subscribe", "new@shop.example")
        vendor.person("cleaned", "new@shop.example")
        vendor.person("campaign")
        receiver.wait(9)
        assert [form["data[merges][FNAME]"] for form in receiver.of("profile")] == ["Ada", "Ada"]
        [upemail] = receiver.of("upemail")
        assert (upemail["data[old_email]"], upemail["data[new_email]"]) == (WHO, "new@shop.example")
        reasons = sorted(form["data[reason]"] for form in receiver.of("unsubscribe"))
        assert reasons == ["abuse", "manual"]
        assert {form["data[action]"] for form in receiver.of("unsubscribe")} == {"unsub"}
        assert len(receiver.of("subscribe")) == 2
        assert [form["data[reason]"] for form in receiver.of("cleaned")] == ["hard"]
        assert [form["data[status]"] for form in receiver.of("campaign")] == ["sent"]

    def test_sources_decide_whose_doings_are_told(self, vendor: Vendor, receiver: Receiver) -> None:
        hook(vendor, receiver, api=False)
        vendor.add(WHO)
        vendor.told("PATCH", vendor.member_path(WHO), {"status": "unsubscribed"})
        vendor.person("subscribe", WHO)
        vendor.person("unsubscribe", WHO, by="admin")
        receiver.wait(2)
        assert sorted(heard.form["type"] for heard in receiver.posts) == ["subscribe", "unsubscribe"]

    def test_two_of_one_list_hear_each_by_its_own_switches(self, vendor: Vendor, receiver: Receiver) -> None:
        events = {"unsubscribe": True, "cleaned": True, "upemail": True}
        for name, wanted in (
            (
                "people",
                {"events": {**events, "subscribe": True, "profile": True}, "sources": {"user": True, "admin": True}},
            ),
            ("api", {"events": events, "sources": {"api": True}}),
        ):
            vendor.told("POST", f"/lists/{vendor.plain}/webhooks", {"url": f"{receiver.url}?tells={name}", **wanted})
        vendor.add(WHO)
        vendor.add(WHO, merge_fields={"FNAME": "Ada"})
        vendor.told("PATCH", vendor.member_path(WHO), {"email_address": "new@shop.example"})
        vendor.told("PATCH", vendor.member_path("new@shop.example"), {"status": "unsubscribed"})
        vendor.person("subscribe", "new@shop.example")
        vendor.person("profile", "new@shop.example", merge_fields={"FNAME": "Eda"})
        vendor.person("unsubscribe", "new@shop.example", by="admin")
        receiver.wait(5)
        until(lambda: vendor.sandbox.get("deliveries")["pending"] == 0)
        told = sorted((one.path.partition("=")[2], one.form["type"]) for one in receiver.posts)
        assert told == [
            ("api", "unsubscribe"),
            ("api", "upemail"),
            ("people", "profile"),
            ("people", "subscribe"),
            ("people", "unsubscribe"),
        ]

    def test_campaigns_know_no_source(self, vendor: Vendor, receiver: Receiver) -> None:
        hook(vendor, receiver, user=False, admin=False, api=False)
        vendor.person("campaign")
        assert receiver.wait(1)[0].form["type"] == "campaign"

    def test_only_wanted_events_are_told(self, vendor: Vendor, receiver: Receiver) -> None:
        body = {"url": receiver.url, "events": {"cleaned": True}, "sources": {"user": True}}
        vendor.told("POST", f"/lists/{vendor.plain}/webhooks", body)
        vendor.add(WHO)
        vendor.person("unsubscribe", WHO)
        vendor.person("cleaned", WHO)
        assert [heard.form["type"] for heard in receiver.wait(1)] == ["cleaned"]

    def test_pending_is_silent_until_confirmed(self, vendor: Vendor, receiver: Receiver) -> None:
        hook(vendor, receiver)
        vendor.add(WHO, "pending")
        vendor.person("subscribe", WHO)
        assert [heard.form["type"] for heard in receiver.wait(1)] == ["subscribe"]

    @pytest.mark.parametrize(("switch", "actions"), [("delete", ["delete"]), ("unsub", ["unsub"]), ("none", [])])
    def test_archiving_is_told_as_the_switch_says(
        self, vendor: Vendor, receiver: Receiver, switch: str, actions: list[str]
    ) -> None:
        vendor.add(WHO)
        vendor.switch(archive_event=switch)
        hook(vendor, receiver)
        vendor.gone("DELETE", vendor.member_path(WHO))
        vendor.person("campaign")
        receiver.wait(len(actions) + 1)
        assert [form["data[action]"] for form in receiver.of("unsubscribe")] == actions

    def test_what_changes_nothing_is_not_told(self, vendor: Vendor, receiver: Receiver) -> None:
        vendor.add(WHO, merge_fields={"FNAME": "Ada"})
        hook(vendor, receiver)
        vendor.add(WHO, merge_fields={"FNAME": "Ada"})
        vendor.add(WHO, merge_fields={"FNAME": "Eda"})
        assert [heard.form["data[merges][FNAME]"] for heard in receiver.wait(1)] == ["Eda"]


class TestRetries:
    def test_go_on_for_seventy_five_minutes_each_signed_anew(self, vendor: Vendor, receiver: Receiver) -> None:
        made = hook(vendor, receiver)
        receiver.status_of = lambda heard: 503
        vendor.add(WHO)
        waits = (60, 180, 420, 900, 1140, 1800)
        assert sum(waits) == 75 * 60
        for at, wait in enumerate(waits, 1):
            receiver.wait(at)
            until(lambda at=at: len(self.rows(vendor)) == at)  # type: ignore[misc]
            vendor.advance(wait - 5)
            time.sleep(0.05)
            assert len(receiver.posts) == at
            vendor.advance(10)
        receiver.wait(7)
        until(lambda: vendor.sandbox.get("deliveries")["pending"] == 0)
        vendor.advance(86_400)
        time.sleep(0.1)
        assert len(receiver.posts) == 7
        times = [verified(heard, made["signing_secret"]) for heard in receiver.posts]
        assert times[-1] - times[0] >= 74 * 60
        assert len({heard.body for heard in receiver.posts}) == 1

    @staticmethod
    def rows(vendor: Vendor) -> list[Json]:
        rows = vendor.sandbox.get("deliveries")["deliveries"]
        assert isinstance(rows, list)
        return [row for row in rows if row["topic"] == "subscribe"]

    def test_end_when_the_hook_is_deleted(self, vendor: Vendor, receiver: Receiver) -> None:
        made = hook(vendor, receiver)
        receiver.status_of = lambda heard: 500
        vendor.add(WHO)
        receiver.wait(1)
        # The next try is a minute after the first is over: once its answer has been taken.
        until(lambda: len(self.rows(vendor)) == 1)
        vendor.gone("DELETE", f"/lists/{vendor.plain}/webhooks/{made['id']}")
        vendor.advance(61)
        receiver.wait(2)
        until(lambda: vendor.sandbox.get("deliveries")["pending"] == 0)
        vendor.advance(86_400)
        time.sleep(0.1)
        assert len(receiver.posts) == 2

    def test_a_410_disables_the_hook_at_once(self, vendor: Vendor, receiver: Receiver) -> None:
        hook(vendor, receiver)
        receiver.status_of = lambda heard: 410
        vendor.add(WHO)
        receiver.wait(1)
        until(lambda: vendor.sandbox.get("deliveries")["pending"] == 0)
        vendor.advance(86_400)
        vendor.add("other@shop.example")
        time.sleep(0.1)
        assert len(receiver.posts) == 1

    @pytest.mark.parametrize("kind", ["webhook_double", "webhook_lost"])
    def test_faults_reach_them(self, vendor: Vendor, receiver: Receiver, kind: str) -> None:
        hook(vendor, receiver)
        vendor.sandbox.post("faults", {"vendor": "mailchimp", "kind": kind, "count": 1})
        vendor.add(WHO)
        vendor.add("second@shop.example")
        expected = 3 if kind == "webhook_double" else 1
        receiver.wait(expected)
        until(lambda: vendor.sandbox.get("deliveries")["pending"] == 0)
        assert len(receiver.posts) == expected
        vendor.sandbox.delete("faults")


class TestMandrill:
    def test_checks_the_address_by_head_and_an_empty_signed_post(self, vendor: Vendor, receiver: Receiver) -> None:
        url = f"{receiver.url}?tenant=t1"
        vendor.person("mandrill_hook", url=url)
        until(lambda: len(receiver.heard) == 2)
        by_method = {heard.method: heard for heard in receiver.heard}
        assert by_method["POST"].form == {"mandrill_events": "[]"}
        expected = signature("test-webhook", url, "[]")
        assert by_method["POST"].headers["x-mandrill-signature"] == expected
        assert "HEAD" in by_method

    def test_signs_events_over_the_address_and_the_decoded_form(self, vendor: Vendor, receiver: Receiver) -> None:
        url = f"{receiver.url}?tenant=t1"
        key = vendor.person("mandrill_hook", url=url)["key"]
        receiver.wait(1)
        vendor.person("mandrill_event", WHO, event="hard_bounce")
        heard = next(heard for heard in receiver.wait(2) if "hard_bounce" in heard.form["mandrill_events"])
        assert heard.headers["x-mandrill-signature"] == signature(key, url, heard.form["mandrill_events"])


def signature(key: object, url: str, events: str) -> str:
    message = f"{url}mandrill_events{events}".encode()
    return base64.b64encode(hmac.new(str(key).encode(), message, hashlib.sha1).digest()).decode()
