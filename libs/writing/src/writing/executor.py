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
from collections.abc import Iterator, Sequence
from uuid import uuid4

import structlog

from common import failpoints
from common.failures import Failure
from vendors.target import Act, Known, Look, NeedFacts, Nothing, Skip, Target
from writing.caller import Caller
from writing.claimed import Claimed
from writing.facts import Facts
from writing.results import Batch, Results, Sent

_log = structlog.get_logger(__name__)

Ended = tuple[Claimed, Nothing | Skip | Failure]


class Executor:
    """Brings claimed rows of one connection to their end."""

    def __init__(self, target: Target, results: Results, facts: Facts) -> None:
        self._target = target
        self._results = results
        self._facts = facts

    async def work(self, rows: Sequence[Claimed], caller: Caller) -> None:
        """Each turn of the loop takes every row one step further; a row that is through leaves it.

        On a stop, calls under way are brought to their end and the other rows are given back.
        """
        await failpoints.hit("executor.after_claim")
        while rows and not caller.stopping.is_set():
            ended, looks, acts = await self._plan(rows, caller)
            looked, unseen = await self._look(looks, caller)
            if ended or unseen:
                await self._results.end([*ended, *unseen])
            sent = await asyncio.gather(*(self._send(batch, caller) for batch in batches(acts)))
            rows = [*looked, *(row for rest in sent for row in rest)]
        if rows:
            await self._results.give_back(rows)

    async def _plan(
        self, rows: Sequence[Claimed], caller: Caller
    ) -> tuple[list[Ended], list[tuple[Claimed, Look]], list[tuple[Claimed, Act]]]:
        ended: list[Ended] = []
        looks: list[tuple[Claimed, Look]] = []
        acts: list[tuple[Claimed, Act]] = []
        for row in rows:
            match await self._step(row, caller):
                case Act() as act:
                    acts.append((row, act))
                case Look() as look:
                    looks.append((row, look))
                case Nothing() | Skip() | Failure() as end:
                    ended.append((row, end))
        return ended, looks, acts

    async def _step(self, row: Claimed, caller: Caller) -> Nothing | Skip | Look | Act | Failure:
        """Facts are asked for only when something has to be written: a record that differs in nothing costs no call."""
        where = (row.item.connection, row.item.place)
        row.facts = self._facts.kept(*where)
        step = row.step(self._target, row.facts)
        if not isinstance(step, NeedFacts):
            return step
        try:
            row.facts = await self._facts.of(*where, caller.api)
        except Failure as failure:
            return failure
        step = row.step(self._target, row.facts)
        assert not isinstance(step, NeedFacts), "the facts were there"
        return step

    async def _look(self, looks: Sequence[tuple[Claimed, Look]], caller: Caller) -> tuple[list[Claimed], list[Ended]]:
        """Reads what cannot be decided unseen, and remembers it."""
        asked_at = self._results.now()
        found = await asyncio.gather(*(caller.look(row, look.key) for row, look in looks))
        pairs = list(zip(looks, found, strict=True))
        seen = [(row, look.key, one) for (row, look), one in pairs if isinstance(one, Known)]
        if seen:
            await self._results.learn(seen, asked_at)
        return [row for row, _, _ in seen], [(row, one) for (row, _), one in pairs if isinstance(one, Failure)]

    async def _send(self, batch: Batch, caller: Caller) -> list[Claimed]:
        """One call between its two transactions."""
        async with caller.line:
            if caller.stopping.is_set():
                return [row for row, _ in batch]
            name = uuid4().hex
            mine, at = await self._results.intend(name, batch)
            if not mine:
                return []
            await failpoints.hit("executor.after_intent")
            facts = mine[0][0].facts
            verdicts, reply = await caller.call(mine, facts)
            await failpoints.hit("executor.after_answer")
            rest = await self._results.store(Sent(name, mine, verdicts, reply, at), facts)
        await failpoints.hit("executor.after_result")
        failed = sum(isinstance(verdict, Failure) for verdict in verdicts)
        _log.info(
            "write.attempted", attempt=name, connection=mine[0][0].item.connection, action=mine[0][1].action, rows=len(mine),
            failed=failed, status=reply.status, duration_s=reply.duration_s, going_on=len(rest),
        )  # fmt: skip
        return rest


def batches(acts: Sequence[tuple[Claimed, Act]]) -> Iterator[Batch]:
    """Acts of one batch and one place share a call, as many as it takes; an act without a batch goes alone."""
    together: defaultdict[tuple[str, str], list[tuple[Claimed, Act]]] = defaultdict(list)
    for row, act in acts:
        if act.batch:
            together[row.item.place, act.batch].append((row, act))
        else:
            yield [(row, act)]
    for group in together.values():
        most = group[0][1].most
        for at in range(0, len(group), most):
            yield group[at : at + most]
