"""Webhooks: of all companies of an application, signed with its verifier token, one message at a time."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from typing import Any

import pytest

from sandbox.delivery import Delivery
from sandbox.quickbooks.posting import SCHEDULE, signature
from tests.contract.sandbox.quickbooks.books import Books, Json, Listener

LEGACY = b'{"eventNotifications":[{"realmId":"1185883450","dataChangeEvent":{"entities":[{"name":"Customer","id":"1","operation":"Update","lastUpdated":"2026-01-01T00:00:00.000Z"}]}}]}'
CLOUD = b'[{"specversion":"1.0","id":"88cd52aa-33b6-4351-9aa4-47572edbd068","source":"intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=","type":"qbo.customer.updated.v1","datacontenttype":"application/json","time":"2026-01-01T00:00:00.000Z","intuitentityid":"1","intuitaccountid":"1185883450","data":{}}]'


async def heard(books: Books, listener: Listener, many: int) -> list[Any]:
    """So many messages, each of them answered and its answer known."""
    async with asyncio.timeout(20):
        while books.core.deliveries.attempts < many:  # noqa: ASYNC110 - the condition is what was tried
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)  # long enough for one too many to arrive
    assert len(listener.heard) == many
    return listener.bodies


async def events(listener: Listener, many: int) -> list[Json]:
    """So many events, in as many messages as they came in."""
    async with asyncio.timeout(20):
        while sum(len(body) for body in listener.bodies) < many:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.005)
    return [event for body in listener.bodies for event in body]


@pytest.fixture
def watched(books: Books, listener: Listener) -> Books:
    books.act("set_webhook", url=listener.url)
    books.switch(hook_variations=False)
    return books


class TestSignature:
    def test_is_the_vendors_for_both_formats(self) -> None:
        assert signature("intuit-verifier-7d40", LEGACY) == "pDwrJnBOo5Wan9SJsRTUiw/HEbtDwcE2HzExnsYinfU="
        assert signature("intuit-verifier-7d40", CLOUD) == "2kaQQI83epfYM5rA6G9ZT/nCuURahaGA5YM59gwxSEQ="

    async def test_is_made_with_the_token_of_the_application(self, watched: Books, listener: Listener) -> None:
        rotated = watched.act("rotate_verifier")["verifier_token"]
        await watched.customer("Ada")
        await heard(watched, listener, 1)
        headers, body = listener.heard[0]
        wanted = base64.b64encode(hmac.new(rotated.encode(), body, hashlib.sha256).digest()).decode()
        assert headers["intuit-signature"] == wanted
        assert rotated != watched.row["verifier_token"]


class TestEvents:
    async def test_name_the_record_and_no_field(self, watched: Books, listener: Listener) -> None:
        made = await watched.customer("Ada", Notes="secret")
        [[told]] = await heard(watched, listener, 1)
        assert told.pop("id") and told.pop("source").startswith("intuit.") and told.pop("time").endswith("Z")
        assert told == {
            "specversion": "1.0", "type": "qbo.customer.created.v1", "datacontenttype": "application/json",
            "intuitentityid": made["Id"], "intuitaccountid": watched.row["realm_id"], "data": {},
        }  # fmt: skip

    async def test_tell_updates_of_ours_and_of_people_merges_and_amounts(
        self, watched: Books, listener: Listener
    ) -> None:
        stays, goes = await watched.customer("Stays"), await watched.customer("Goes")
        await watched.update(stays, Notes="x")
        watched.act("edit", id=goes["Id"], values={"Notes": "y"})
        watched.act("merge", **{"from": goes["Id"], "into": stays["Id"]})
        invoice = watched.act("invoice", customer=stays["Id"], amount="5")
        watched.act("pay", invoice=invoice["Id"], amount="5")
        note = {"Note": "quiet", "AttachableRef": [{"EntityRef": {"type": "Customer", "value": stays["Id"]}}]}
        await watched.ok("POST", "/attachable", note)
        await watched.ok("POST", "/vendor", {"DisplayName": "Bo"})
        told = await events(listener, 9)
        kinds = [(event["type"], event["intuitentityid"]) for event in told]
        assert kinds == [
            ("qbo.customer.created.v1", stays["Id"]), ("qbo.customer.created.v1", goes["Id"]),
            ("qbo.customer.updated.v1", stays["Id"]), ("qbo.customer.updated.v1", goes["Id"]),
            ("qbo.customer.merged.v1", stays["Id"]), ("qbo.invoice.created.v1", invoice["Id"]),
            ("qbo.payment.created.v1", kinds[6][1]), ("qbo.invoice.updated.v1", invoice["Id"]), ("qbo.vendor.created.v1", kinds[8][1]),
        ]  # fmt: skip
        assert told[4]["data"] == {"deletedid": goes["Id"]}
        assert len({event["id"] for event in told}) == 9

    async def test_are_those_the_portal_has_ticked(self, books: Books, listener: Listener) -> None:
        books.act("set_webhook", url=listener.url, entities={"Customer": ["Update"]})
        await books.update(await books.customer("Ada"), Notes="x")
        [told] = await events(listener, 1)
        assert told["type"] == "qbo.customer.updated.v1"

    async def test_differ_in_form_as_has_been_seen(self, watched: Books, listener: Listener) -> None:
        watched.switch(hook_variations=True)
        for at in range(4):
            await watched.customer(f"C{at}")
        told = await events(listener, 4)
        assert re.search(r"-Customer-\d+$", told[0]["id"])
        assert re.search(r"T[\d:]+Z$", told[1]["time"])
        assert re.search(r"\.\d{9}Z$", told[2]["time"])
        assert not told[2].keys() & {"data", "datacontenttype"}
        assert re.search(r"\.\d{3}Z$", told[3]["time"])

    async def test_of_the_former_format_come_by_company(self, watched: Books, listener: Listener) -> None:
        watched.switch(hook_format="legacy")
        made = await watched.customer("Ada")
        [body] = await heard(watched, listener, 1)
        [told] = body["eventNotifications"]
        [entity] = told["dataChangeEvent"]["entities"]
        assert re.search(r"[+-]\d{4}$", entity.pop("lastUpdated"))
        assert (told["realmId"], entity) == (
            watched.row["realm_id"], {"name": "Customer", "id": made["Id"], "operation": "Create"}
        )  # fmt: skip


class TestDelivery:
    async def test_holds_later_events_back_and_mixes_companies(self, watched: Books, listener: Listener) -> None:
        north = watched.at("demo-north")
        await north.connect()
        listener.statuses = [503, 500]
        await watched.customer("First")
        await heard(watched, listener, 1)
        await north.customer("Second")
        await watched.customer("Third")
        watched.at("demo-south").act("create", values={"DisplayName": "Not connected"})
        await heard(watched, listener, 1)
        watched.later(10)
        await heard(watched, listener, 2)
        watched.later(20)
        bodies = await heard(watched, listener, 4)
        assert bodies[0] == bodies[1] == bodies[2]
        realms = [event["intuitaccountid"] for event in bodies[3]]
        assert realms == [north.row["realm_id"], watched.row["realm_id"]]

    async def test_does_not_hold_back_when_switched(self, watched: Books, listener: Listener) -> None:
        watched.switch(hold_back=False)
        listener.statuses = [503]
        await watched.customer("First")
        await heard(watched, listener, 1)
        await watched.customer("Second")
        await heard(watched, listener, 2)

    async def test_gathers_for_as_long_as_is_said(self, watched: Books, listener: Listener) -> None:
        watched.switch(hook_gather_s=5, hook_order="reversed")
        ids = [(await watched.customer(f"C{at}"))["Id"] for at in range(3)]
        await heard(watched, listener, 0)
        watched.later(5)
        [body] = await heard(watched, listener, 1)
        assert [event["intuitentityid"] for event in body] == ids[::-1]

    async def test_a_lost_message_holds_up_nobody(self, watched: Books, listener: Listener) -> None:
        watched.core.faults.add({"vendor": "quickbooks", "kind": "webhook_lost", "count": 1})
        await watched.customer("Lost")
        second = await watched.customer("Heard")
        [told] = await events(listener, 1)
        assert told["intuitentityid"] == second["Id"]

    async def test_waits_and_repeats_as_the_sheet_says(self, watched: Books) -> None:
        assert SCHEDULE[:9] == (0, 10, 20, 30, 300, 1_200, 7_200, 14_400, 21_600)
        assert set(SCHEDULE[8:]) == {21_600}
        sent: list[Delivery] = []

        class Queue:
            def send(self, delivery: Delivery) -> str:
                sent.append(delivery)
                return "d1"

            def last(self, many: int) -> list[Json]:
                return []

        watched.simulator._telling._queue = Queue()
        await watched.customer("Ada")
        assert (sent[0].timeout_s, sent[0].method) == (3.0, "POST")

    async def test_the_portal_may_take_a_while(self, books: Books, listener: Listener) -> None:
        books.switch(portal_lag_s=300)
        books.act("set_webhook", url=listener.url)
        await books.customer("Too early")
        books.later(301)
        made = await books.customer("In time")
        [told] = await events(listener, 1)
        assert told["intuitentityid"] == made["Id"]
