"""Notification channels: how long they live, what they hear, and how little they are told."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.sandbox.zoho_books.books import Receiver
from tests.contract.sandbox.zoho_crm.conftest import Act
from tests.contract.sandbox.zoho_crm.crm import VENDOR, Crm, Document
from tests.support.sandbox import SandboxProcess

NOON = "2026-12-01T12:00:00+00:00"


def row(url: str = "https://in.example/crm", **more: object) -> Document:
    return {"channel_id": "77", "events": ["Contacts.all"], "notify_url": url, "token": "t-77", **more}


def watched(crm: Crm, *rows: Document, method: str = "POST", expect: int = 201) -> list[Document]:
    return list(crm.reported(method, "/actions/watch", {"watch": list(rows)}, expect)["watch"])


def expiry(answered: Document) -> datetime:
    return datetime.fromisoformat(answered["details"]["events"][0]["channel_expiry"])


def heard(receiver: Receiver, many: int) -> list[Document]:
    ends = time.monotonic() + 20
    while len(receiver.heard) < many and time.monotonic() < ends:
        time.sleep(0.01)
    time.sleep(0.05)  # long enough for one too many to arrive
    assert len(receiver.heard) == many
    return [json.loads(one.body) for one in receiver.heard]


class TestExpiry:
    @pytest.mark.parametrize(
        ("asked", "lives"),
        [
            (None, timedelta(hours=1)), (timedelta(days=6), timedelta(days=6)), (timedelta(days=7), timedelta(days=7)),
            (timedelta(days=7, seconds=5), timedelta(hours=1)), (timedelta(days=30), timedelta(hours=1)),
        ],
    )  # fmt: skip
    def test_is_an_hour_without_a_wish_and_beyond_a_week(
        self, operator: Crm, sandbox: SandboxProcess, asked: timedelta | None, lives: timedelta
    ) -> None:
        sandbox.post("clock", {"at": NOON})
        noon = datetime.fromisoformat(NOON)
        more = {} if asked is None else {"channel_expiry": (noon + asked).isoformat()}
        [made] = watched(operator, row(**more))
        assert made["message"] == "Successfully subscribed for actions-watch of the given module"
        assert timedelta(0) <= expiry(made) - (noon + lives) < timedelta(seconds=5)

    def test_ends_a_channel_and_asking_again_renews_it(self, operator: Crm, sandbox: SandboxProcess) -> None:
        watched(operator, row())
        sandbox.post("clock", {"advance_s": 3_000})
        [again] = watched(operator, row())
        assert expiry(again) > datetime.now(UTC) + timedelta(seconds=6_000)
        sandbox.post("clock", {"advance_s": 3_500})
        assert len(operator.reported("GET", "/actions/watch")["watch"]) == 1
        sandbox.post("clock", {"advance_s": 100})
        assert operator.send("GET", "/actions/watch").status_code == 204
        [gone] = watched(operator, row(), method="PUT", expect=400)
        assert gone["code"] == "NOT_SUBSCRIBED"


class TestMaking:
    @pytest.mark.parametrize(
        ("wrong", "code", "told"),
        [
            ({"token": "x" * 51}, "INVALID_DATA", {"api_name": "token", "maximum_length": 50}),
            ({"notify_url": "https://in.example/" + "x" * 255}, "INVALID_DATA", {"api_name": "notify_url"}),
            ({"notify_url": "http://in.example/"}, "INVALID_DATA", {"api_name": "notify_url"}),
            ({"events": ["Nothings.all"]}, "INVALID_DATA", {"api_name": "events"}),
            ({"events": ["Notes.all"]}, "INVALID_DATA", {"api_name": "events"}),
            ({"events": ["Contacts.update"]}, "INVALID_DATA", {"api_name": "events"}),
            ({"events": []}, "MANDATORY_NOT_FOUND", {"api_name": "events"}),
            ({"channel_id": "seven"}, "INVALID_DATA", {"expected_data_type": "long"}),
            ({"channel_expiry": "tomorrow"}, "INVALID_DATA", {"api_name": "channel_expiry"}),
        ],
    )
    def test_refuses_a_row_that_cannot_be(self, crm: Crm, wrong: Document, code: str, told: Document) -> None:
        good, bad = watched(crm, row(), row(**{"channel_id": "78", **wrong}), expect=207)
        assert (good["code"], bad["code"]) == ("SUCCESS", code)
        assert told.items() <= bad["details"].items()

    def test_tells_each_module_and_an_older_address(self, crm: Crm) -> None:
        [made] = watched(crm, row(events=["Contacts.create", "Contacts.edit", "Deals.all"]))
        events = made["details"]["events"]
        assert [one["resource_name"] for one in events] == ["Contacts", "Deals"]
        assert all("/crm/v2/" in one["resource_uri"] and one["channel_id"] == "77" for one in events)

    def test_changes_removes_and_ends(self, crm: Crm) -> None:
        later = (datetime.now(UTC) + timedelta(days=6)).isoformat(timespec="seconds")
        watched(crm, row(events=["Contacts.all", "Deals.all"], channel_expiry=later))
        [patched] = watched(crm, {"channel_id": "77", "token": "new"}, method="PATCH", expect=200)
        assert expiry(patched) == datetime.fromisoformat(later)
        [replaced] = watched(crm, row(events=["Contacts.all", "Deals.all"]), method="PUT", expect=200)
        assert expiry(replaced) < datetime.now(UTC) + timedelta(hours=2)  # an expiry that is not sent is dropped
        less = {"channel_id": "77", "events": ["Deals.all"], "_delete_events": True}
        [removed] = watched(crm, less, method="PATCH", expect=200)
        assert removed["message"] == "Successfully removed the subscribe details"
        [listed] = crm.reported("GET", "/actions/watch")["watch"]
        assert (listed["events"], listed["token"]) == (["Contacts.all"], "t-77")
        ended = crm.reported("DELETE", "/actions/watch", expect=207, channel_ids="77,78")["watch"]
        assert [one["code"] for one in ended] == ["SUCCESS", "NOT_SUBSCRIBED"]
        assert crm.send("GET", "/actions/watch").status_code == 204

    def test_may_be_missing_from_a_plan(self, crm: Crm, switch: Act) -> None:
        switch(without_channels=True)
        assert crm.refused("POST", "/actions/watch", {"watch": [row()]})[:2] == (400, "NOT_SUPPORTED")


class TestHearing:
    def test_is_told_ids_and_names_and_no_more(self, crm: Crm, receiver: Receiver) -> None:
        watched(crm, row(f"{receiver.url}?conn=42"))
        id_ = crm.contact("Alder")
        heard(receiver, 1)  # what is sent at once comes in no promised order
        crm.write("Contacts", id_, {"Title": "CFO", "Last_Name": "Alder"})
        heard(receiver, 2)
        crm.reported("DELETE", f"/Contacts/{id_}")
        messages = heard(receiver, 3)
        assert [one["operation"] for one in messages] == ["insert", "update", "delete"]
        assert [one["affected_fields"] for one in messages] == [[], [{id_: ["Title"]}], []]
        message = messages[1]
        assert isinstance(message.pop("server_time"), int)
        assert "/crm/v2/Contacts" in message.pop("resource_uri")
        assert message == {
            "query_params": {"conn": "42"}, "module": "Contacts", "ids": [id_], "affected_fields": [{id_: ["Title"]}],
            "operation": "update", "channel_id": "77", "token": "t-77",
        }  # fmt: skip
        assert not [name for name in receiver.heard[0].headers if "signature" in name]

    def test_of_one_call_comes_once_with_all_its_records(self, crm: Crm, receiver: Receiver) -> None:
        watched(crm, row(receiver.url, return_affected_field_values=True))
        ids = crm.add("Contacts", {"Last_Name": "A"}, {"Last_Name": "B"})
        [message] = heard(receiver, 1)
        assert message["ids"] == ids
        assert message["affected_values"][1] == {"record_id": ids[1], "values": {"Last_Name": "B"}}

    def test_hears_of_an_accounts_people_unless_told_not_to(self, crm: Crm, receiver: Receiver) -> None:
        [account] = crm.add("Accounts", {"Account_Name": "Alder"})
        watched(crm, row(receiver.url, events=["Accounts.edit"]))
        crm.contact(Account_Name={"id": account})
        [message] = heard(receiver, 1)
        assert (message["module"], message["ids"], message["operation"]) == ("Accounts", [account], "update")
        watched(crm, row(receiver.url, events=["Accounts.edit"], notify_on_related_action=False))
        crm.contact("B", Account_Name={"id": account})
        crm.write("Accounts", account, {"Phone": "1"})
        assert len(heard(receiver, 2)) == 2

    def test_hears_only_its_events_and_its_fields(self, crm: Crm, receiver: Receiver) -> None:
        field = {"group_operator": "or", "group": [{"field": {"api_name": "Email"}}]}
        condition = [{"type": "field_selection", "module": {"api_name": "Contacts"}, "field_selection": field}]
        watched(crm, row(receiver.url, events=["Contacts.edit"], notification_condition=condition))
        id_ = crm.contact()
        crm.write("Contacts", id_, {"Title": "CFO"})
        crm.write("Contacts", id_, {"Email": "ida@alder.example"})
        [message] = heard(receiver, 1)
        assert message["affected_fields"] == [{id_: ["Email"]}]

    def test_hears_what_people_and_operators_do(self, crm: Crm, operator: Crm, act: Act, receiver: Receiver) -> None:
        watched(crm, row(receiver.url))
        id_ = operator.contact()
        act("edit", module="Contacts", id=id_, values={"Title": "CEO"})
        assert sorted(one["operation"] for one in heard(receiver, 2)) == ["insert", "update"]

    @pytest.mark.parametrize("quiet", [False, True])
    def test_may_be_silent_about_writes_without_triggers(
        self, crm: Crm, switch: Act, receiver: Receiver, *, quiet: bool
    ) -> None:
        switch(quiet_trigger=quiet)
        watched(crm, row(receiver.url))
        crm.reported("POST", "/Contacts", {"data": [{"Last_Name": "A"}], "trigger": []}, 201)
        crm.contact("B")
        assert len(heard(receiver, 1 if quiet else 2)) == (1 if quiet else 2)

    def test_may_be_lost_or_doubled(self, crm: Crm, sandbox: SandboxProcess, receiver: Receiver) -> None:
        watched(crm, row(receiver.url))
        for kind, more in (("webhook_lost", {}), ("webhook_double", {"copies": 2})):
            sandbox.post("faults", {"vendor": VENDOR, "kind": kind, "count": 1, **more})
            crm.contact(kind)
            sandbox.delete("faults")
        first, second = heard(receiver, 2)
        assert first["ids"] == second["ids"]

    def test_is_tried_once_unless_switched(self, crm: Crm, switch: Act, receiver: Receiver) -> None:
        switch(callback_retries_s=[0.0])
        watched(crm, row(receiver.url))
        receiver.statuses = [500]
        crm.contact()
        assert len(heard(receiver, 2)) == 2
        switch(callback_retries_s=[])
        receiver.statuses = [500]
        crm.contact("B")
        heard(receiver, 3)
        crm.contact("C")
        messages: list[Any] = heard(receiver, 4)
        assert messages[2]["ids"] != messages[3]["ids"]
