"""Plans the next step of records that were claimed, and brings each to its end: at most one call in flight per record and target key.

In: rows under a lease (`queue.py`). Out: calls to the vendor (`sender.py`), and where they are many and may wait, calls that it carries out
later (`deferrer.py`). Durable: nothing here but the ends of rows that need no call. A record that differs in nothing costs no call.

    claim -> plan -> (look) -> intents -> call -> result -> plan again, until nothing is left for this wish

A crash after the claim: the lease runs out, nothing was sent, somebody else takes the row. After the intents, during the call or
before the result: the outcome is unknown, so the row goes on hold until the vendor's horizon, and one look settles it (R2, settle.py).
After the result: everything is stored, and a row with more to do is taken again when its lease runs out.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from common import failpoints
from common.failures import Failure
from common.http.outage import Outage
from common.state.trouble import DatabaseTrouble, trouble_of
from vendors.acts import Act, Look, NeedFacts, Nothing, Skip, Wait
from vendors.target import Target
from writing.caller import VendorCaller
from writing.calls import batches
from writing.claimed import Claimed
from writing.deferrer import Deferrer
from writing.endings import Endings
from writing.facts import Facts
from writing.items import BEHIND_LIVE
from writing.lessons import Lessons
from writing.looker import Looker
from writing.sender import Sender
from writing.under_way import all_of
from writing.vendor_code import broken, vendor_read

# One part of the facts after the other, as far as a plan comes with each.
_ASKED_AT_MOST = 50
Ended = tuple[Claimed, Nothing | Skip | Failure]

_log = structlog.get_logger(__name__)


class Executor:
    """Brings claimed rows of one connection to their end."""

    def __init__(
        self, target: Target, looker: Looker, sender: Sender, deferrer: Deferrer, endings: Endings, facts: Facts, lessons: Lessons,
        outage: Outage,
    ) -> None:  # fmt: skip
        self._target = target
        self._looker = looker
        self._sender = sender
        self._deferrer = deferrer
        self._endings = endings
        self._facts = facts
        self._lessons = lessons
        self._outage = outage

    async def work(self, rows: Sequence[Claimed], caller: VendorCaller) -> None:
        """Each turn of the loop takes every row one step further; finished rows drop out.

        On a stop, calls under way are brought to their end and the other rows are given back.
        """
        await failpoints.hit("executor.after_claim")
        for row in rows:
            row.lessons = await self._lessons.of(row.target("").of_place)
        while rows := await self._free(rows, caller):
            ended, looks, waits, planned = await self._plan(rows, caller)
            together, back, acts = await self._deferrer.choose(planned)
            caller.share.goes_one_by_one(self._deferrer.left(acts))
            caller.share.may_share(bool(together) or any(act.batch for _, act in acts))
            looked, unseen = await self._looker.look(looks, caller)
            if ended or unseen:
                failed = [(row.item.spot, one) for row, one in (*ended, *unseen)]
                away = await self._outage.is_on(caller.connection, failed, caller.api)
                await self._endings.end([*ended, *unseen], outage=away)
            if back:
                await self._endings.give_back(back, BEHIND_LIVE)
            sent = await all_of(
                (
                    *(self._deferrer.hand_in(batch, caller) for batch in together),
                    *(self._sender.send(batch, caller) for batch in batches(acts)),
                )
            )
            on = await self._endings.wait(waits) if waits else []
            rows = [*on, *looked, *(row for rest in sent for row in rest)]

    async def give_back(self, rows: Sequence[Claimed]) -> None:
        """Nothing can be done for them here."""
        await self._endings.give_back(rows)

    async def _free(self, rows: Sequence[Claimed], caller: VendorCaller) -> list[Claimed]:
        """The rows that can go on; the others are given back: all on a stop, and those behind a gate that we have closed ourselves."""
        free, back = list[Claimed](), list[Claimed]()
        for row in rows:
            (back if caller.stops(self._outage, row.item.spot) else free).append(row)
        if back:
            await self._endings.give_back(back)
        return free

    async def isolate(self, rows: Sequence[Claimed], caller: VendorCaller) -> None:
        """After an error that was nobody's to expect: each row for itself, so that only the one that causes it pays."""
        for row in await self._endings.hold_open(rows):
            try:
                await self.work([row], caller)
            except Exception as error:
                if trouble_of(error) in (DatabaseTrouble.AWAY, DatabaseTrouble.UNFIT):
                    raise
                _log.error("writer.record_failed", sync=row.item.key.sync, record=row.item.key.record, exc_info=error)
                for mine in await self._endings.hold_open([row]):
                    await self._endings.end([(mine, broken(error))])

    async def _plan(
        self, rows: Sequence[Claimed], caller: VendorCaller
    ) -> tuple[list[Ended], list[tuple[Claimed, Look]], list[tuple[Claimed, Wait]], list[tuple[Claimed, Act]]]:
        ended: list[Ended] = []
        looks: list[tuple[Claimed, Look]] = []
        waits: list[tuple[Claimed, Wait]] = []
        acts: list[tuple[Claimed, Act]] = []
        missing: dict[str, Failure] = {}
        for row in rows:
            match await self._step(row, caller, missing):
                case Act() as act:
                    acts.append((row, act))
                case Look() as look:
                    looks.append((row, look))
                case Wait() as wait:
                    waits.append((row, wait))
                case Nothing() | Skip() | Failure() as end:
                    ended.append((row, end))
        return ended, looks, waits, acts

    async def _step(
        self, row: Claimed, caller: VendorCaller, missing: dict[str, Failure]
    ) -> Nothing | Skip | Look | Wait | Act | Failure:
        """Facts are asked for only when something has to be written: a record that differs in nothing costs no call.

        What cannot be had is not asked for again by each row of the same turn: that is `missing`.
        """
        where = (row.item.connection, row.item.place)
        row.facts = self._facts.kept(*where)
        step = row.step(self._target, row.facts)
        if isinstance(step, Failure) and self._facts.may_be_mended(*where):
            # A retry after the remedy must not fail by what was so before it.
            self._facts.forget(*where)
            row.facts = None
            step = row.step(self._target, None)
        for _ in range(_ASKED_AT_MOST):
            if not isinstance(step, NeedFacts):
                return step
            if step.otherwise is not None and not self._facts.is_due(*where, step):
                return step.otherwise
            if row.item.place in missing:
                return missing[row.item.place]
            try:
                with vendor_read():
                    row.facts = await self._facts.of(*where, caller.api, step)
            except Failure as failure:
                return missing.setdefault(row.item.place, failure)
            step = row.step(self._target, row.facts)
        raise AssertionError("the facts were there, and never enough")
