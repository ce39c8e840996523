"""Who a customer of a shop is in Books, and what becomes of one whom Books or the shop has taken away."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.books.test_orders import order, tax
from tests.support.books_world import CUSTOMER, ORDER, BooksWorld

BOTH = pytest.mark.parametrize("world", ["demo", "demo-second"], indirect=True)
REACTIVATE = {"inactive_customer": "reactivate"}


async def wanted(world: BooksWorld, document: dict[str, Any], *states: str) -> None:
    await world.want(world.wished(CUSTOMER, "ida", {"key": "5678", **document}))
    await world.settled(*states)


class TestWhoIsMeant:
    async def test_is_told_by_the_unique_field_before_the_name(self, world: BooksWorld) -> None:
        """Whatever address the customer has in Books by now."""
        custom = [{"api_name": "cf_external_id", "value": "5678"}]
        there = world.books.contact("Ida Alder", "former@ex.org", custom_fields=custom)
        await wanted(world, {"email": "ida@ex.org", "name": "Ida Alder-Finch", "phone": "1"})
        found = world.contacts()
        assert list(found) == ["Ida Alder"]
        assert found["Ida Alder"]["contact_id"] == there["contact_id"]
        (person,) = found["Ida Alder"]["contact_persons"]
        assert (person["email"], person["phone"]) == ("ida@ex.org", "1")

    async def test_is_asked_where_the_field_and_the_address_are_of_two_and_both_are_named(
        self, world: BooksWorld
    ) -> None:
        custom = [{"api_name": "cf_external_id", "value": "5678"}]
        two = [world.books.contact("By field", "former@ex.org", custom_fields=custom)]
        two += [world.books.contact("By address", "ida@ex.org")]
        await wanted(world, {"email": "ida@ex.org", "company": "Alder"})
        assert await world.refusal("ida") == ("dead", "ZB_CUSTOMER_TWICE")
        message = (await world.item("ida"))["message"]
        assert all(f"{one['contact_name']} ({one['contact_id']})" in message for one in two)

    @BOTH
    async def test_without_an_address_is_one_customer_whatever_answer_is_lost(self, world: BooksWorld) -> None:
        tax(world)
        world.fault("reset_after", "POST /contacts", count=1)
        await world.want(world.wished(CUSTOMER, "ida", {"key": "5678", "name": "Ida", "phone": "1"}))
        await world.want(world.bought("o1", order()))
        await world.through(within=180)
        assert list(world.contacts()) == ["Ida (5678)"]
        await wanted(world, {"name": "Ida", "phone": "1", "email": "ida@ex.org"})
        (found,) = world.contacts().values()
        assert found["contact_persons"][0]["email"] == "ida@ex.org"
        assert len(world.invoices()) == 1


class TestWhatStays:
    async def test_is_everything_that_a_person_keeps_in_books_beside_our_fields(self, world: BooksWorld) -> None:
        await wanted(world, {"email": "ida@ex.org", "name": "Ida"})
        (made,) = world.contacts().values()
        second = {"contact_id": made["contact_id"], "first_name": "Bo", "email": "bo@ex.org"}
        world.books.told("POST", "/contacts/contactpersons", second, 201)
        kept = {"notes": "Pays late.", "payment_terms": 45, "website": "https://ex.org"}
        world.books.told("PUT", f"/contacts/{made['contact_id']}", kept, 200)
        await wanted(world, {"email": "ida@ex.org", "name": "Ida", "phone": "1", "billing": {"city": "Bonn"}})
        (found,) = world.contacts().values()
        assert {name: found[name] for name in kept} == kept
        assert {one["email"]: one["phone"] for one in found["contact_persons"]} == {"ida@ex.org": "1", "bo@ex.org": ""}
        assert found["billing_address"]["city"] == "Bonn"


class TestWhoIsGone:
    @pytest.mark.parametrize("how", ["inactive", "deleted"])
    async def test_stops_until_the_mapping_says_otherwise(self, world: BooksWorld, how: str) -> None:
        await wanted(world, {"email": "ida@ex.org", "name": "Ida"})
        (made,) = world.contacts().values()
        path = f"/contacts/{made['contact_id']}"
        if how == "inactive":
            world.books.told("POST", f"{path}/inactive", None, 200)
        else:
            world.books.told("DELETE", path, None, 200)
        await world.execute("update flow.target_record set doubtful = true")
        changed = {"email": "ida@ex.org", "name": "Ida", "company": "Alder"}
        await wanted(world, changed)
        code = "ZB_CUSTOMER_INACTIVE" if how == "inactive" else "ZB_CUSTOMER_GONE"
        assert await world.refusal("ida") == ("dead", code)
        await wanted(world, changed | REACTIVATE)
        (found,) = world.contacts().values()
        assert (found["status"], found["company_name"]) == ("active", "Alder")
        assert (found["contact_id"] == made["contact_id"]) is (how == "inactive")


class TestWhoIsHidden:
    async def test_is_one_clear_error_and_the_order_goes_on_after_the_remedy(self, world: BooksWorld) -> None:
        """The shop withholds personal data from the application: all that comes is an id."""
        tax(world)
        await world.want(world.wished(ORDER, "o1", {"key": "o1", **order()}, needs=["ida"]))
        await wanted(world, {}, "awaiting")
        assert await world.refusal("ida") == ("dead", "ZB_CUSTOMER_HIDDEN")
        assert "hides personal data" in (await world.item("o1"))["message"]
        assert (world.contacts(), world.invoices()) == ({}, [])
        await wanted(world, {"email": "ida@ex.org", "name": "Ida"})
        assert len(world.invoices()) == 1

    async def test_later_loses_nothing_in_books(self, world: BooksWorld) -> None:
        await wanted(world, {"email": "ida@ex.org", "name": "Ida", "phone": "1"})
        await wanted(world, {})
        assert (await world.item("ida"))["state"] == "done"
        assert world.contacts()["Ida"]["contact_persons"][0]["phone"] == "1"
