"""Customers of a company of QuickBooks on the whole road: told by the application's webhook, by what has changed, and by a listing; and what their
reads cost by the vendor's own count.

COMPANY_BURST says how many change at once.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from common.contracts.ids import VendorName
from common.contracts.messages import Receipt
from common.contracts.topics import receipts
from millrace.demo import Demo, Say, apply, connect, connect_mailchimp
from millrace.demo_accounting import COMPANY, DEMO_SYNC, VENDOR, connect_company, enter_webhook
from tests.contract.vendors.quickbooks.account import let_in
from tests.e2e.opening import opened
from tests.e2e.road import Mark, Road
from tests.e2e.vendors import account
from tests.support.database import Server
from tests.support.local_stack import LocalStack
from vendors.quickbooks.hook_events import events_of

BURST = int(os.environ.get("COMPANY_BURST", "60"))
HALF_AN_HOUR_S = 1_900.0
SOUTH, STRANGER = "demo-south", "demo-north"


def connect_south(demo: Demo, say: Say) -> None:
    """Another company that lets the application in."""
    connect(demo, say, SOUTH, VENDOR, {}, str(demo.account(VENDOR, SOUTH)["organization_name"]))


def join(demo: Demo, say: Say) -> None:
    """Customers to members alone: nothing is written into the company, whose reads are counted here."""
    place = demo.account("mailchimp")["audience_ids"][0]
    apply(demo, say, {**DEMO_SYNC, "place": place, "activity": {"to": "none"}})


STEPS = (connect_mailchimp, connect_company, connect_south, enter_webhook, join)


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    with opened(tmp_path_factory.mktemp("company") / "home", stack, database_server, database_template, STEPS) as road:
        yield road


def people(road: Road, do: str, company: str = "demo", **wanted: Any) -> dict[str, Any]:
    return dict(road.sandbox.post(f"quickbooks/{company}/people", {"do": do, **wanted}))


def entered(road: Road, name: str, company: str = "demo") -> str:
    """A customer with an address after its name."""
    values = {"DisplayName": name, "GivenName": name, "PrimaryEmailAddr": {"Address": f"{name.lower()}@example.org"}}
    return str(people(road, "create", company, entity="Customer", values=values)["Id"])


def renamed(road: Road, record: str, first: str) -> None:
    people(road, "edit", entity="Customer", id=record, values={"GivenName": first})


def reads(road: Road, since: Mark) -> Counter[str]:
    """Of our calls at the company, as the vendor has them."""
    return Counter(
        one["route"].rpartition("{realm}")[2] for one in road.calls_of(since, VENDOR) if "/v3/" in one["path"]
    )


def first_name(road: Road, record: str) -> str | None:
    """What the mapper has of the record, whichever audience it is for."""
    return road.sql.value(
        "select fields->>'first_name' from flow.record_state where entity = 'customer' and record = $1", record
    )


def told_as(road: Road, record: str, first: str) -> None:
    road.until(lambda: first_name(road, record) == first, f"{record} is {first}, not {first_name(road, record)}")


def told(road: Road) -> list[Receipt]:
    """Every event that the gateway has kept, repeats too."""
    return [Receipt.model_validate_json(one.value) for one in road.topics.records(receipts(VendorName(VENDOR)))]


def is_gone(road: Road, record: str) -> bool:
    return bool(
        road.sql.value("select deleted from flow.record_state where entity = 'customer' and record = $1", record)
    )


class TestCompany:
    def test_is_told_by_webhooks_and_heard_of_as_such(self, road: Road) -> None:
        mark = road.mark()
        ida = entered(road, "Ida")
        told_as(road, ida, "Ida")
        assert set(reads(road, mark)) == {"/customer/{id}"}, "a lone event is read by its address"
        with road.console() as console:
            heard = console.get("/app-channels/quickbooks")
            road.until(lambda: console.get("/app-channels/quickbooks")["heard_at"], "it is shown as heard")
        assert heard["has_secret"] and heard["troubles"] == []

    def test_two_that_swap_their_names_and_one_that_is_merged_arrive_as_they_are(self, road: Road) -> None:
        one, two, lost = entered(road, "One"), entered(road, "Two"), entered(road, "Lost")
        for record, first in ((one, "One"), (two, "Two"), (lost, "Lost")):
            told_as(road, record, first)
        for record, name in ((one, "Between"), (two, "One"), (one, "Two")):
            people(road, "edit", entity="Customer", id=record, values={"DisplayName": name, "GivenName": name})
        people(road, "merge", **{"from": lost, "into": two})
        told_as(road, one, "Two")
        told_as(road, two, "One")
        road.until(lambda: is_gone(road, lost), "who was merged away is gone")

    def test_without_webhooks_what_has_changed_tells_all_of_it_in_one_call(self, road: Road) -> None:
        stays, goes, changes = entered(road, "Stays"), entered(road, "Goes"), entered(road, "Changes")
        for record, first in ((stays, "Stays"), (goes, "Goes"), (changes, "Changes")):
            told_as(road, record, first)
        # A company that had nobody when it was first read is listed again: only then is there a moment since when.
        road.advance(HALF_AN_HOUR_S)
        road.until(
            lambda: road.sql.value("select cursor <> '' from flow.poll where entity = 'customer'"),
            "it was read with somebody in it",
        )
        road.wait_until_quiet()
        people(road, "remove_webhook")
        mark = road.mark()
        renamed(road, changes, "Changed")
        people(road, "merge", **{"from": goes, "into": stays})
        road.advance(HALF_AN_HOUR_S)
        told_as(road, changes, "Changed")
        road.until(lambda: is_gone(road, goes), "who was merged away is gone")
        assert reads(road, mark)["/cdc"] == 1
        with road.console() as console:
            address = console.get("/app-channels/quickbooks")["address"]
        people(road, "set_webhook", url=address, entities=["Customer"])

    def test_many_that_change_at_once_cost_few_reads_and_no_call_too_many(self, road: Road) -> None:
        records = [entered(road, f"Many{number}") for number in range(BURST)]
        road.until(lambda: all(first_name(road, one) for one in records), "all are known", within=120, every=0.5)
        road.wait_until_quiet()
        mark = road.mark()
        road.sandbox.post("limits", {"vendor": VENDOR, "hook_gather_s": 2})
        for record in records:
            renamed(road, record, "Changed")
        road.until(
            lambda: all(first_name(road, one) == "Changed" for one in records),
            "all have changed",
            within=120,
            every=0.5,
        )
        road.sandbox.post("limits", {"vendor": VENDOR, "hook_gather_s": 0})
        counted = reads(road, mark)
        assert counted.total() <= max(20, 1.2 * -(-BURST // 30)), counted

    def test_bodies_that_mix_three_companies_twice_and_backwards_tell_each_of_its_own_once(self, road: Road) -> None:
        stranger = account(road.sandbox, VENDOR, STRANGER)
        let_in(stranger)
        before = {one.id for one in told(road)}
        road.sandbox.post("limits", {"vendor": VENDOR, "hook_gather_s": 2, "hook_order": "reversed"})
        made: dict[str, set[str]] = {"demo": set(), SOUTH: set(), STRANGER: set()}
        with road.fault(VENDOR, "webhook_double", copies=2):
            for number, company in itertools.product(range(4), made):
                made[company].add(entered(road, f"Mixed{number}", company))
            road.until(lambda: len({one.id for one in told(road)} - before) >= 8, "all have been told", every=0.3)
            road.until(
                lambda: not road.sandbox.get("deliveries", since=10**9)["pending"], "the vendor has told all of it"
            )
        road.sandbox.post("limits", {"vendor": VENDOR, "hook_gather_s": 0, "hook_order": "kept"})
        found: dict[str, list[str]] = {"demo": [], SOUTH: []}
        for body, connection in {
            one.id: (one.body, one.connection) for one in told(road) if one.id not in before
        }.values():
            (event,) = events_of(body)
            realm, company = (
                event.realm,
                next(n for n in found if account(road.sandbox, VENDOR, n)["realm_id"] == event.realm),
            )
            details = road.sql.value("select details->>'realm_id' from core.connection where id = $1", connection)
            assert details == realm
            found[company].append(event.record)
        assert {company: sorted(records) for company, records in found.items()} == {n: sorted(made[n]) for n in found}
        with road.console() as console:
            (trouble,) = console.get("/app-channels/quickbooks")["troubles"]
        assert trouble["code"] == "CHANNEL_APP_STRANGER" and stranger["realm_id"] in trouble["words"]

    def test_reads_are_counted_as_the_vendor_counts_them(self, road: Road) -> None:
        calls = road.calls_of(Mark(0, 0, 0), VENDOR)
        assert not [one for one in calls if one["status"] == 429]
        metered = sum(one["method"] == "GET" and "/v3/" in one["path"] and one["status"] == 200 for one in calls)
        with road.console() as console:
            (company,) = [one for one in console.get("/connections")["items"] if one["name"] == COMPANY]
            limits = {one["name"]: one for one in console.get(f"/connections/{company['id']}/quota")["limits"]}
        # Blocks are taken ahead of their use; of each company the broker asks twice at most while it is let in, outside of the budgets.
        assert metered - 2 * 2 <= limits["reads"]["used"] <= metered + 10, metered
        assert 0 < limits["company_reads"]["used"] < limits["reads"]["used"] <= limits["reads"]["forecast"]
