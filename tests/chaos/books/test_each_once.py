"""Orders become invoices with payments while the writer is killed with -9 at every failpoint, a fifth of the writes is done and not answered,
lists lag and unique fields let two values pass that come within a second: one invoice an order, one payment a transaction and one credit note
a refund, with unique fields and without.

BOOKS_ORDERS says how many orders.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.contracts.messages import WriteCommand
from common.failpoints import POINTS
from tests.integration.books.test_refunds import refund, with_refunds
from tests.support.books_world import TOPIC, BooksWorld
from tests.support.orders import Kind, Placing
from tests.support.writer_service import WriterService, publish

ORDERS, MORE = int(os.environ.get("BOOKS_ORDERS", "8")), 4
CUSTOMERS = 3
# Only a stall may end it early, however slow the machine is.
STILL_S, WITHIN_S = 90, 420 + 6 * ORDERS
OF_THE_WRITER = ("executor.", "settle.", "intake.", "bus.before_store", "bus.after_store")
KILLS = [name for name in POINTS if name.startswith(OF_THE_WRITER)]
ROUTES = ("POST /contacts", "POST /invoices", "POST /invoices/{invoice_id}/status/sent", "POST /customerpayments",
          "POST /creditnotes", "POST /creditnotes/{creditnote_id}/refunds")  # fmt: skip
LAG_S = 5
# A killed process leaves rows leased, and each death counts as an attempt: neither has to be waited for here.
# A row that a writer has locked just now has its turn later: it locks by key, and several at once.
_FREE = "(sync, entity, record) in (select sync, entity, record from flow.work_item where {} for update skip locked)"
_NOBODYS = (
    f"update flow.work_item set lease_until = now() - interval '1 second' where {_FREE.format('token is not null')}"
)
_LATER = "state = 'waiting' and due_at > now() + interval '1 second'"
_SOON = f"update flow.work_item set due_at = now() where {_FREE.format(_LATER)}"


class Shop:
    """What it has sold so far, and what it tells of it: created, updated and paid of each order, twice, in any order."""

    def __init__(self, world: BooksWorld) -> None:
        self._world = world
        self._chance = random.Random(5)
        self.sold: dict[str, dict[str, Any]] = {}
        self.back: dict[str, float] = {}
        """What was given back, by the id of its transaction."""

    def sells(self, count: int) -> list[Delivered[WriteCommand]]:
        told = [self._world.person(f"c{n}") for n in range(CUSTOMERS)]
        for number in range(len(self.sold), len(self.sold) + count):
            placed = Placing(Kind(lines=2, discounts=1, shipping=1), number).order(number)
            placed |= {"customer_id": f"c{number % CUSTOMERS}"}
            paid = {"id": f"t{number}", "kind": "sale", "status": "success", "gateway": "shopify_payments", "amount": placed["total"], "processed_at": "2026-05-05T08:00:00+02:00"}  # fmt: skip
            self.sold[f"o{number}"] = placed
            states = [placed, placed | {"note": "wrap it"}, placed | {"transactions": [paid]}]
            if number % 2:
                states.append(with_refunds(states[-1], back := refund(placed, f"r{number}")))
                (money,) = back["transactions"]
                self.back[money["id"]] = float(money["amount"]["shop"])
            told += [self._world.bought(f"o{number}", one) for one in states]
        told += told
        self._chance.shuffle(told)
        return told


@pytest.mark.timeout(WITHIN_S + 60)
class TestOrders:
    @pytest.mark.parametrize("world", ["demo", "demo-second"], indirect=True)
    async def test_are_one_paid_invoice_each_whoever_is_killed(self, world: BooksWorld, service: WriterService) -> None:
        world.books.told("POST", "/settings/taxes", {"tax_name": "VAT", "tax_percentage": 19}, 201)
        # One organisation takes payments for drafts, and the other does not.
        switches = {"list_lag_s": LAG_S, "unique_values_race": True, "payments_open_drafts": world.account == "demo"}
        world.sandbox.post("limits", {"vendor": "zoho-books", "account": world.account, **switches})
        for seed, route in enumerate(ROUTES):
            world.fault("reset_after", route, share=0.2, seed=seed)
        shop = Shop(world)
        await self._through(world, service, shop)
        world.sandbox.delete("faults")
        world.sandbox.post("clock", {"advance_s": LAG_S + 1})
        live = [one for one in world.invoices() if one["status"] != "void"]
        assert {one["status"] for one in live} == {"paid"}
        # Without a unique field the reference names the order's id, too.
        sums = sorted((one["reference_number"].partition(" ")[0], float(one["total"])) for one in live)
        owed = {one["number"]: float(one["total"]["shop"]) for one in shop.sold.values()}
        assert sums == sorted(owed.items())
        assert sorted(float(one["amount"]) for one in world.payments()) == sorted(owed.values())
        given = [
            (one["reference_number"], float(one["amount"])) for note in world.credit_notes() for one in note["given"]
        ]
        assert sorted(given) == sorted(shop.back.items())
        assert all(note["status"] == "closed" for note in world.credit_notes())
        assert len(world.contacts()) == CUSTOMERS
        assert not any(one["is_emailed"] for one in live)
        assert await world.rows("select from flow.write_intent where state = 'sent'") == []

    async def _through(self, world: BooksWorld, service: WriterService, shop: Shop) -> None:
        """Until all is through and each point has killed; when all is through before that, the shop sells more."""
        began = since = time.monotonic()
        at: tuple[int, ...] = ()
        while (deaths := _deaths(service)) < len(KILLS) or await self._open(world, shop):
            if not await self._open(world, shop):
                await publish(service.stack.kafka, TOPIC, shop.sells(MORE if shop.sold else ORDERS))
            step = (deaths, *await self._moved(world))
            at, since = (at, since) if step == at else (step, time.monotonic())
            now = time.monotonic()
            assert now - since < STILL_S and now - began < WITHIN_S, (
                f"{step} {await world.shown()} {service.log()[-3000:]}"
            )
            if not service.processes or service.processes[-1].poll() is not None:
                await world.execute(_NOBODYS)
                _start(service, deaths)
            await world.execute(_SOON)
            # Horizons and lags run out, for Books as for us.
            world.sandbox.post("clock", {"advance_s": 20})
            await asyncio.sleep(0.4)

    async def _open(self, world: BooksWorld, shop: Shop) -> bool:
        (row,) = await world.rows("select count(*) filter (where state = 'done') as done from flow.work_item")
        return bool(row["done"] < len(shop.sold) + CUSTOMERS) if shop.sold else False

    async def _moved(self, world: BooksWorld) -> tuple[int, int]:
        (row,) = await world.rows(
            "select (select count(*) from flow.work_item where state = 'done') as done, (select count(*) from flow.write_intent) as begun"
        )
        return row["done"], row["begun"]


def _deaths(service: WriterService) -> int:
    return sum(one.poll() == -signal.SIGKILL for one in service.processes)


def _start(service: WriterService, deaths: int) -> None:
    """Armed with each point that has killed nobody yet."""
    service.start(
        MILLRACE_FAILPOINTS=";".join(f"{name}=kill*1" for name in KILLS),
        MILLRACE_FAILPOINTS_LOG=str(service.folder / "failpoints.log"),
        MILLRACE_ZOHO_BASE_URL=f"{service.sandbox.base_url}/zoho",
        # A member that was killed is in its group until its session ends.
        KAFKA_SESSION_TIMEOUT_S="1.5",
    )
