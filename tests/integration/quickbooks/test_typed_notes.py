"""People type into the notes of customers while their activity is written there, a fifth of the answers is lost, and the writer is killed at each
of its points: not a letter of theirs is lost, and each customer has one block with the newest eight.

NOTED_CUSTOMERS and NOTED_EVENTS say how many; `make test-long` takes 200 and 2,000.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.database import Database
from tests.support.patience import patient
from tests.support.quickbooks_worker import KilledWorker
from tests.support.quickbooks_world import QuickBooksWorld, line_of
from vendors.quickbooks.note_text import BEGIN, END, ids_in, wanted
from vendors.quickbooks.note_text import ShownBefore as Before

CUSTOMERS, EVENTS = int(os.environ.get("NOTED_CUSTOMERS", "10")), int(os.environ.get("NOTED_EVENTS", "60"))
WAVES = 6
POINTS = (
    "executor.after_claim", "executor.after_intent", "executor.before_send", "executor.after_answer", "executor.after_result", "settle.after_look",
)  # fmt: skip


@pytest.fixture
def worker(world: QuickBooksWorld, database: Database, tmp_path: Path) -> Iterator[KilledWorker]:
    made = KilledWorker(world, database.url("service"), tmp_path, POINTS)
    yield made
    made.stop()


async def through(world: QuickBooksWorld, worker: KilledWorker) -> None:
    """Until everything is done, whoever dies."""
    deadline = time.monotonic() + patient(120 + EVENTS / 4)
    while await world.rows("select from flow.work_item where state <> 'done' limit 1"):
        assert time.monotonic() < deadline, f"{await world.shown()}\n{worker.log}"
        await worker.live_on()
        await world.time_passes()
        await asyncio.sleep(0.1)


def block_of(events: list[int]) -> frozenset[str]:
    """Our lines in notes in which nobody has written, of these events."""
    text = wanted("", {"standing": "subscribed", "lines": [line_of(n) for n in events]}, Before())
    assert isinstance(text, str)
    return ids_in(text)


@pytest.mark.timeout(900 + 2 * EVENTS)
async def test_nothing_that_people_type_is_lost_and_the_newest_eight_are_there(world: QuickBooksWorld, worker: KilledWorker) -> None:  # fmt: skip
    chance, theirs, happened = random.Random(7), dict[str, str](), defaultdict[str, list[int]](list)
    theirs = dict.fromkeys(world.customers(CUSTOMERS, notes="Likes tea."), "Likes tea.")
    await world.hear(*await world.listed())
    world.fault("reset_after", "POST *", share=0.2, seed=3)
    events = chance.sample(range(3 * EVENTS), EVENTS)
    for wave in range(WAVES):
        await worker.live_on()
        for event in events[wave::WAVES]:
            customer = chance.choice(list(theirs))
            happened[customer].append(event)
            await world.want(world.noted(customer, *happened[customer]))
            if chance.random() < 0.4:
                typing, word = chance.choice(list(theirs)), f" word-{event} "
                where = chance.choice(("before", "after"))
                world.people("type_notes", id=typing, text=word, where=where)
                theirs[typing] = word + theirs[typing] if where == "before" else theirs[typing] + word
        await through(world, worker)
    await through(world, worker)
    there = world.stored()
    for customer, typed in theirs.items():
        notes = there[customer]["Notes"]
        before, _, rest = notes.partition(BEGIN)
        after = rest.partition(END)[2]
        assert (before + after).replace("\n", "") == typed
        assert (notes.count(BEGIN), notes.count(END)) == ((1, 1) if happened[customer] else (0, 0))
        newest = sorted(happened[customer])[-20:]
        assert ids_in(notes) == (block_of(newest) if newest else frozenset())
        assert len(ids_in(notes)) == min(8, len(newest))
    assert worker.deaths == len(POINTS), worker.log
    (ghosts,) = world.sandbox.get("faults")["faults"]  # type: ignore[misc]
    print(f"\n{CUSTOMERS} customers, {EVENTS} events, {worker.deaths} deaths, {ghosts['hits']} answers lost")
