"""Organisations that refuse more than others: one clear error each, and after the remedy a replay makes exactly one invoice."""

from __future__ import annotations

from typing import Any

from tests.integration.books.test_orders import order, paid, tax
from tests.support.books_world import BooksWorld
from tests.support.orders import Kind

PLAIN = Kind(lines=1)


class TestStrictOrganisation:
    async def test_whose_period_is_locked_is_unlocked_and_retried(self, world: BooksWorld) -> None:
        tax(world)
        switched(world, locked_until="2026-05-04")
        await world.want(world.person("ida"), world.bought("o1", paid(order(kind=PLAIN))))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_PERIOD_LOCKED")
        assert "2026-05-04" in (await world.item("o1"))["message"]
        assert world.invoices() == []
        switched(world, locked_until="")
        await self._retried(world, "o1", paid(order(kind=PLAIN)))

    async def test_that_locks_the_day_of_a_payment_leaves_the_draft_and_goes_on_later(self, world: BooksWorld) -> None:
        tax(world)
        placed = order(kind=PLAIN, placed_at="2026-06-04T10:00:00+02:00")
        switched(world, locked_until="2026-05-31", payments_open_drafts=True)
        await world.want(world.person("ida"), world.bought("o1", paid(placed)))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_PERIOD_LOCKED")
        assert [one["status"] for one in world.invoices()] == ["draft"]
        switched(world, locked_until="")
        await self._retried(world, "o1", paid(placed))

    async def test_whose_invoices_are_in_the_customers_currency_says_so(self, world: BooksWorld) -> None:
        tax(world)
        switched(world, customer_currency_only=True)
        placed = paid(order(kind=Kind(currency="JPY", lines=1)))
        await world.want(world.person("ida"), world.bought("o1", placed))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_CUSTOMER_CURRENCY")
        assert world.invoices() == []
        (ida,) = world.contacts().values()
        currencies = world.books.told("GET", "/settings/currencies")["currencies"]
        yen = next(one["currency_id"] for one in currencies if one["currency_code"] == "JPY")
        world.books.told("PUT", f"/contacts/{ida['contact_id']}", {"currency_id": yen})
        await self._retried(world, "o1", placed)

    async def test_that_wants_a_reason_for_edits_is_never_asked_to_edit_what_is_posted(self, world: BooksWorld) -> None:
        """Rounding and revisions happen to drafts."""
        tax(world)
        switched(world, edits_want_reason=True)
        told = [world.bought(f"o{n}", paid(order(n))) for n in range(1, 6)]
        await world.want(world.person("ida"), *told)
        await world.settled()
        assert [one["status"] for one in world.invoices()] == ["paid"] * 5

    @staticmethod
    async def _retried(world: BooksWorld, record: str, placed: dict[str, Any]) -> None:
        """As by a person: the same wish again, after the remedy."""
        await world.want(world.bought(record, placed, again=True))
        await world.settled()
        assert [(one["status"], float(one["balance"])) for one in world.invoices()] == [("paid", 0.0)]
        assert len(world.payments()) == 1


def switched(world: BooksWorld, **switches: Any) -> None:
    world.sandbox.post("limits", {"vendor": "zoho-books", "account": world.account, **switches})
