"""A create that lands after everybody has given it up: the late audit finds the second invoice (R4)."""

from __future__ import annotations

import pytest

from tests.integration.books.test_orders import order, tax
from tests.support.books_world import BooksWorld
from tests.support.orders import Kind

LATE_S = 600
AUDIT_NOW = "update flow.audit set due_at = now() - interval '1 minute'"
PLAIN = Kind(lines=1)
WITHOUT_UNIQUE_FIELD = pytest.mark.parametrize("world", ["demo-second"], indirect=True)


class TestSecondInvoice:
    @WITHOUT_UNIQUE_FIELD
    async def test_is_made_void_where_nobody_has_touched_it(self, world: BooksWorld) -> None:
        await self._made_late(world)
        await self._audited(world)
        first, second = sorted(world.invoices(), key=lambda one: str(one["invoice_number"]))
        assert (first["status"] in ("sent", "overdue"), second["status"]) == (True, "void")
        assert (await world.item("o1"))["state"] == "done"
        assert [
            row["reason"] for row in await world.rows("select reason from flow.journal where step = 'audited'")
        ] == ["drift"]

    @WITHOUT_UNIQUE_FIELD
    async def test_is_a_question_where_somebody_has(self, world: BooksWorld) -> None:
        await self._made_late(world)
        _, second = sorted(world.invoices(), key=lambda one: str(one["invoice_number"]))
        world.books.told("PUT", f"/invoices/{second['invoice_id']}", {"reference_number": second["reference_number"], "line_items": [{"name": "Other", "rate": 1}]})  # fmt: skip
        await self._audited(world)
        assert await world.refusal("o1") == ("dead", "ZB_INVOICE_TWICE")
        assert {one["status"] for one in world.invoices()} & {"void"} == set()

    @staticmethod
    async def _made_late(world: BooksWorld) -> None:
        """Reset, not found at the horizon, made again; and then it lands."""
        tax(world)
        await world.want(world.person("ida"))
        await world.settled()
        world.fault("late_commit", "POST /invoices", count=1, seconds=LATE_S)
        await world.want(world.bought("o1", order(kind=PLAIN)))
        await world.through()
        assert len(world.invoices()) == 1
        world.sandbox.post("clock", {"advance_s": LATE_S + 1})
        assert len(world.invoices()) == 2

    @staticmethod
    async def _audited(world: BooksWorld) -> None:
        await world.execute(AUDIT_NOW)

        async def done() -> bool:
            open_ones = "select from flow.work_item where state not in ('done', 'dead') union all select from flow.audit limit 1"
            return not await world.rows(open_ones)

        async with world.running():
            await world.until(done, "the audit has not ended", 30)
