"""Takes due records, plans each one's next step, and makes the calls: at most one in flight per record and per target key.

Promise: whatever was sent has an intent that was stored before, and whatever came of it is stored in one transaction with one verdict
per row. A record that differs in nothing costs no call.

    claim -> plan -> (look) -> intents -> call -> result -> plan again, until nothing is left for this wish

A crash after the claim: the lease runs out, nothing was sent, somebody else takes the row. After the intents, during the call or
before the result: the outcome is unknown, so the row goes on hold until the vendor's horizon, and one look settles it (R2, settle.py).
After the result: everything is stored, and a row with more to do is taken again when its lease runs out.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from common import failpoints
from common.failures import Failure
from common.http.outage import Outage
from common.state.trouble import DatabaseTrouble, trouble_of
from vendors.acts import Act, Look, NeedFacts, Nothing, Skip, Wait
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import verdicts
from writing.caller import Answers, VendorCaller
from writing.calls import Batch, Intended, Sent
from writing.claimed import Claimed
from writing.endings import Endings
from writing.facts import Facts
from writing.results import Results
from writing.splitting import Hunt, is_about_some_row, parts
from writing.vendor_code import broken, vendor_read

_log = structlog.get_logger(__name__)

T = TypeVar("T")
Looked = tuple[Claimed, str, TargetRecord | Failure]
Ended = tuple[Claimed, Nothing | Skip | Failure]


@dataclass(frozen=True, slots=True)
class _Called:
    """What came of one call: the rows that go on, or those that were refused together and go on in parts."""

    going_on: list[Claimed]
    refused: Batch = ()
    passed: bool = False


class Executor:
    """Brings claimed rows of one connection to their end."""

    def __init__(self, target: Target, results: Results, endings: Endings, facts: Facts, outage: Outage) -> None:
        self._target = target
        self._results = results
        self._endings = endings
        self._facts = facts
        self._outage = outage

    async def work(self, rows: Sequence[Claimed], caller: VendorCaller) -> None:
        """Each turn of the loop takes every row one step further; finished rows drop out.

        On a stop, calls under way are brought to their end and the other rows are given back.
        """
        await failpoints.hit("executor.after_claim")
        while rows := await self._free(rows, caller):
            ended, looks, waits, acts = await self._plan(rows, caller)
            looked, unseen = await self._look(looks, caller)
            if ended or unseen:
                failed = [(row.item.place, one) for row, one in (*ended, *unseen)]
                away = await self._outage.is_on(caller.connection, failed, caller.api)
                await self._endings.end([*ended, *unseen], outage=away)
            sent = await all_of(self._send(batch, caller) for batch in batches(acts))
            on = await self._endings.wait(waits) if waits else []
            rows = [*on, *looked, *(row for rest in sent for row in rest)]

    async def give_back(self, rows: Sequence[Claimed]) -> None:
        """Nothing can be done for them here."""
        await self._endings.give_back(rows)

    async def _free(self, rows: Sequence[Claimed], caller: VendorCaller) -> list[Claimed]:
        """The rows that can go on; the others are given back: all on a stop, and those behind a gate that we have closed ourselves."""
        free, back = list[Claimed](), list[Claimed]()
        for row in rows:
            (back if self._stops(row, caller) else free).append(row)
        if back:
            await self._endings.give_back(back)
        return free

    def _stops(self, row: Claimed, caller: VendorCaller) -> bool:
        return caller.stopping.is_set() or self._outage.holds_back(caller.connection.id, row.item.place)

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
        if not isinstance(step, NeedFacts):
            return step
        if row.item.place in missing:
            return missing[row.item.place]
        try:
            with vendor_read():
                row.facts = await self._facts.of(*where, caller.api)
        except Failure as failure:
            return missing.setdefault(row.item.place, failure)
        step = row.step(self._target, row.facts)
        assert not isinstance(step, NeedFacts), "the facts were there"
        return step

    async def _look(
        self, looks: Sequence[tuple[Claimed, Look]], caller: VendorCaller
    ) -> tuple[list[Claimed], list[Ended]]:
        """Reads what cannot be decided unseen, and remembers it."""
        asked_at = self._endings.now()
        found = [
            one for part in await all_of(self._look_at(some, caller) for some in self._parts(looks)) for one in part
        ]
        seen = [(row, key, one) for row, key, one in found if isinstance(one, TargetRecord)]
        if seen:
            await self._endings.learn(seen, asked_at)
        return [row for row, _, _ in seen], [(row, one) for row, _, one in found if isinstance(one, Failure)]

    def _parts(self, looks: Sequence[tuple[Claimed, Look]]) -> Iterator[Sequence[tuple[Claimed, Look]]]:
        """As many of one place as one look takes."""
        places: defaultdict[str, list[tuple[Claimed, Look]]] = defaultdict(list)
        for row, look in looks:
            places[row.item.place].append((row, look))
        for some in places.values():
            for at in range(0, len(some), self._target.looks):
                yield some[at : at + self._target.looks]

    async def _look_at(self, looks: Sequence[tuple[Claimed, Look]], caller: VendorCaller) -> list[Looked]:
        """One look; the first that meets a vendor that is away or refuses everything spares it the others."""
        rows, keys = [row for row, _ in looks], [look.key for _, look in looks]
        async with caller.line:
            if self._stops(rows[0], caller):
                return [(row, look.key, verdicts.behind_a_gate()) for row, look in looks]
            found = await caller.look(rows, keys)
            failed = [(rows[0].item.place, one) for one in found.values()]
            await self._outage.is_on(caller.connection, failed, caller.api)
            return [(row, look.key, found[look.key]) for row, look in looks]

    async def _send(self, batch: Batch, caller: VendorCaller) -> list[Claimed]:
        """Brings one batch through, in one call where that is possible; returns the rows that go on."""
        hunt = Hunt(len(batch))
        if len(batch) > 1 and batch[0][0].call_group:
            return await self._part(batch, caller, hunt)
        return await self._whole(batch, caller, hunt)

    async def _whole(self, batch: Batch, caller: VendorCaller, hunt: Hunt) -> list[Claimed]:
        """A batch of which nothing bad is known."""
        done = await self._call(batch, caller, hunt)
        return [*done.going_on, *(await self._part(done.refused, caller, hunt) if done.refused else ())]

    async def _part(self, batch: Batch, caller: VendorCaller, hunt: Hunt) -> list[Claimed]:
        """A batch that was refused or broken whole: one of it is guilty, and is left alone in the end (`splitting.py`)."""
        if len(batch) == 1:
            return await self._whole(batch, caller, hunt)
        first, others = parts(batch)
        done = await self._call(first, caller, hunt)
        rest = [*done.going_on, *(await self._part(done.refused, caller, hunt) if done.refused else ())]
        onwards = self._part if done.passed else self._whole
        return [*rest, *await onwards(others, caller, hunt)]

    async def _call(self, batch: Batch, caller: VendorCaller, hunt: Hunt) -> _Called:
        """One call between its two transactions."""
        async with caller.line:
            if self._stops(batch[0][0], caller):
                return _Called([row for row, _ in batch])
            call = await self._results.intend(uuid4().hex, batch)
            if call is None:
                return _Called([])
            await failpoints.hit("executor.after_intent")
            facts = call.batch[0][0].facts
            answers = await caller.call(call.batch, facts)
            await failpoints.hit("executor.after_answer")
            sent = await self._judged(call, answers, caller, hunt)
            going_on = await self._results.store(sent, facts)
        await failpoints.hit("executor.after_result")
        _tell(sent, len(going_on))
        if sent.split:
            kept = {row.item.key for row in going_on}
            return _Called([], refused=[(row, act) for row, act in call.batch if row.item.key in kept])
        return _Called(going_on, passed=answers.whole is None)

    async def _judged(self, call: Intended, answers: Answers, caller: VendorCaller, hunt: Hunt) -> Sent:
        """What a failure of the whole call is about: some row of it, the vendor, or nobody knows."""
        hunt.tell(answers.whole)
        if not is_about_some_row(answers.whole, len(call.batch)):
            failed = [(row.item.place, one) for (row, _), one in zip(call.batch, answers.verdicts, strict=True)]
            return Sent(call, answers, outage=await self._outage.is_on(caller.connection, failed, caller.api))
        return Sent(call, answers, split=not hunt.is_vain)


def _tell(sent: Sent, going_on: int) -> None:
    answers, (row, act) = sent.answers, sent.call.batch[0]
    failed = sum(isinstance(verdict, Failure) for verdict in answers.verdicts)
    _log.info(
        "write.attempted", attempt=sent.call.name, connection=row.item.connection, action=act.action, rows=len(sent.call.batch),
        failed=failed, status=answers.reply.status, duration_s=answers.reply.duration_s, going_on=going_on,
        parted=sent.split, outage=sent.outage,
    )  # fmt: skip


async def all_of(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Everything is brought to its end before an error of one is raised: nothing goes on behind the back of its lease."""
    ended = await asyncio.gather(*works, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]


def batches(acts: Sequence[tuple[Claimed, Act]]) -> Iterator[Batch]:
    """Acts of one batch and one place share a call, as many as it takes; an act without a batch goes alone.

    Rows whose last call broke as a whole stay among themselves: whoever is guilty takes nobody else along.
    """
    together: defaultdict[tuple[str, str, str], list[tuple[Claimed, Act]]] = defaultdict(list)
    for row, act in acts:
        if act.batch:
            together[row.item.place, act.batch, row.call_group].append((row, act))
        else:
            yield [(row, act)]
    for group in together.values():
        most = group[0][1].most
        for at in range(0, len(group), most):
            yield group[at : at + most]
