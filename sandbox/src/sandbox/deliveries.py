"""Webhooks on their way: sent asynchronously, tried again on the vendor's schedule, in no promised order.

Waits are in the sandbox's time, so moving the clock sends what has become due. Each attempt is a row of the delivery
log; a lost delivery is one too, so that a checker knows what never left.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, cast, runtime_checkable

from sandbox.clock import Clock
from sandbox.delivery import Attempt, Delivery
from sandbox.delivery_log import DeliveryLog, Row
from sandbox.faults import Fault, Faults
from sandbox.sender import Sender

AT_ONCE = 32


Dumped = tuple[list[Row], int, int, int, list["Turn"]]


class Hears(Protocol):
    """Whoever is told how an attempt ended: the vendor's simulator."""

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool: ...


@runtime_checkable
class Stamps(Protocol):
    """A vendor whose signatures carry the time, so that every attempt needs one of its own."""

    def stamped(self, delivery: Delivery, now: datetime) -> Delivery:
        """The delivery as it goes out at this attempt."""


class FindsHearer(Protocol):
    def __call__(self, vendor: str) -> Hears: ...


@dataclass(order=True, slots=True)
class Turn:
    """A delivery's next attempt in the queue; copies of one message differ in `copy`."""

    due: float
    order: int
    delivery: Delivery = field(compare=False)
    number: int = field(compare=False, default=1)
    fault: str = field(compare=False, default="")


@dataclass(slots=True)
class Shuffle:
    """Messages a shuffle rule is holding back."""

    rule: Fault
    held: list[Turn]
    batch: int = 0


class Deliveries:
    """The queue, the sender and the delivery log of all vendors."""

    def __init__(self, clock: Clock, faults: Faults, hearer: FindsHearer) -> None:
        self._clock, self._faults, self._hearer = clock, faults, hearer
        self._queue: list[Turn] = []
        self._log = DeliveryLog()
        self._made = self._ordered = 0
        self._shuffles: dict[str, Shuffle] = {}
        self._wake = asyncio.Event()
        clock.on_moved(self._wake.set)
        self._sender = Sender()
        self._stamping: dict[str, Stamps | None] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._sending: dict[asyncio.Task[None], list[Turn]] = {}

    # What simulators call

    def send(self, delivery: Delivery) -> str:
        """Queue one message, under the webhook faults in force; its delivery id."""
        self._made += 1
        delivery = replace(delivery, id=f"d{self._made}")
        hits = {rule.kind: rule for rule in self._faults.of_delivery(delivery.vendor, delivery.account)}
        if "webhook_lost" in hits:
            self._record(delivery, 1, "lost", None)
            return delivery.id
        late = hits["webhook_late"].seconds if "webhook_late" in hits else 0.0
        copies = hits["webhook_double"].copies if "webhook_double" in hits else 1
        for _ in range(copies):
            turn = self._turn(delivery, 1, late, ",".join(sorted(kind.removeprefix("webhook_") for kind in hits)))
            self._place(turn, hits.get("webhook_shuffle"))
        return delivery.id

    def _turn(self, delivery: Delivery, number: int, extra: float, fault: str) -> Turn:
        self._ordered += 1
        due = self._clock.time() + delivery.schedule[number - 1] + extra
        return Turn(due, self._ordered, delivery, number, fault)

    def _place(self, turn: Turn, shuffle: Fault | None) -> None:
        if shuffle is None:
            heapq.heappush(self._queue, turn)
            self._wake.set()
            return
        held = self._shuffles.setdefault(shuffle.id, Shuffle(shuffle, []))
        held.held.append(turn)
        if len(held.held) >= shuffle.window:
            self._release(held)
        elif len(held.held) == 1:
            asyncio.get_running_loop().call_later(shuffle.seconds, self._release, held, held.batch)

    def _release(self, shuffle: Shuffle, batch: int | None = None) -> None:
        """Let the held messages go in the order the rule's seed gives this batch, one after the other."""
        if batch is not None and batch != shuffle.batch:
            return
        turns, shuffle.held = shuffle.held, []
        random.Random(f"{shuffle.rule.seed}:{shuffle.batch}").shuffle(turns)  # noqa: S311 - reproducible on purpose
        shuffle.batch += 1
        if turns:
            self._keep(asyncio.get_running_loop().create_task(self._in_turn(turns)), turns)

    async def _in_turn(self, turns: list[Turn]) -> None:
        while turns:
            await self._clock.sleep_until(turns[0].due)
            await self._attempt(turns[0])
            turns.pop(0)

    # The sender

    async def probe(self, delivery: Delivery) -> int:
        """Ask an address at once and outside the queue; its status, 0 for no answer."""
        sent = time.monotonic_ns()
        status, error = await self._answer_of(delivery)
        self._record(delivery, 1, "", Attempt(1, status, sent, time.monotonic_ns(), error, True))
        return status

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        try:
            while True:
                turn = await self._next()
                await self._room.acquire()
                self._keep(asyncio.get_running_loop().create_task(self._placed(turn)), [turn])
        finally:
            self._sender.close()

    def _keep(self, task: asyncio.Task[None], turns: list[Turn]) -> None:
        self._sending[task] = turns
        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        """One delivery that breaks does not end the others, and is not passed over in silence."""
        self._sending.pop(task, None)
        if not task.cancelled() and (broken := task.exception()):
            asyncio.get_running_loop().call_exception_handler({"message": "a delivery broke", "exception": broken})

    async def _next(self) -> Turn:
        while True:
            self._wake.clear()
            wait = self._queue[0].due - self._clock.time() if self._queue else 3600.0
            if wait <= 0:
                return heapq.heappop(self._queue)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()

    async def _placed(self, turn: Turn) -> None:
        try:
            await self._attempt(turn)
        finally:
            self._room.release()

    async def _attempt(self, turn: Turn) -> None:
        delivery, number = turn.delivery, turn.number
        hearer = self._hearer(delivery.vendor)
        stamps = self._stamps(delivery.vendor, hearer)
        outgoing = stamps.stamped(delivery, self._clock.now()) if stamps else delivery
        sent = time.monotonic_ns()
        status, error = await self._answer_of(outgoing)
        last = number >= len(delivery.schedule)
        attempt = Attempt(number, status, sent, time.monotonic_ns(), error, last)
        self._record(delivery, number, turn.fault, attempt)
        again = hearer.delivered(delivery, attempt)
        if again and not last and not 200 <= status < 300:
            heapq.heappush(self._queue, self._turn(delivery, number + 1, 0.0, ""))
            self._wake.set()

    def _stamps(self, vendor: str, hearer: Hears) -> Stamps | None:
        """Asked once for each vendor: whether an object has a method is a slow question."""
        if vendor not in self._stamping:
            self._stamping[vendor] = hearer if isinstance(hearer, Stamps) else None
        return self._stamping[vendor]

    async def _answer_of(self, delivery: Delivery) -> tuple[int, str]:
        """The receiver's status, or 0 and the reason; never a redirect followed, never longer than the vendor waits."""
        try:
            return await self._sender.status_of(delivery), ""
        except (OSError, ValueError) as trouble:
            return 0, f"{type(trouble).__name__}: {trouble}".rstrip(": ")

    def _record(self, delivery: Delivery, number: int, fault: str, attempt: Attempt | None) -> None:
        self._log.add(self._clock.now().isoformat(), delivery, number, fault, attempt)

    # What the admin and the snapshot read

    def since(self, seq: int) -> tuple[list[Row], int]:
        return self._log.since(seq)

    def last(self, many: int) -> list[Row]:
        return self._log.last(many)

    @property
    def attempts(self) -> int:
        """How many rows the log has had."""
        return self._log.seq

    def pending(self) -> int:
        held = sum(len(shuffle.held) for shuffle in self._shuffles.values())
        return len(self._queue) + len(self._sending) + held

    def reset(self) -> None:
        """Forget the log and everything not yet sent."""
        self._log.clear()
        self._queue.clear()
        self._shuffles.clear()
        for task in self._sending:
            task.cancel()

    def dump(self) -> object:
        held = [turn for shuffle in self._shuffles.values() for turn in shuffle.held]
        waiting = [*self._queue, *held, *(turn for turns in self._sending.values() for turn in turns)]
        return self._log.rows(), self._log.seq, self._made, self._ordered, waiting

    def load(self, dumped: object) -> None:
        """Take back the queue; what was being sent when the snapshot was taken is sent again (at least once)."""
        rows, seq, self._made, self._ordered, waiting = cast(Dumped, dumped)
        self._log.restore(rows, seq)
        self._queue = list(waiting)
        heapq.heapify(self._queue)
