"""What a look makes of a row on hold, in one transaction: intents closed, the journal told, knowledge replaced, the row's next state (R2).

In: a row, what is in flight of it, and what was seen. Durable with the commit: all of it at once. A crash before leaves the row on hold,
and somebody looks again.

What the look does not find is journalled as "not seen by the horizon", because no protocol of ours can stop a request that lands later;
the audit, hours later, looks once more (R4). Where nobody can look, nobody knows what the target has: the row becomes a dead letter, its
keys go, and whoever opens it again looks first.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from common.clock import Clock, moved_by
from common.contracts.ids import Entity
from common.failures import Failure
from common.metrics import Metrics
from common.retries import ATTEMPTS
from common.state import awaiting
from common.state import pool as state
from common.state.pool import Pool, transaction
from common.state.runs import Did
from vendors.absorbing import ActDone, Doubted, Seen
from vendors.acts import Done, id_of_key
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import figures, intents, journal_entries, needs, target_records, verdicts
from writing.event_judgement import release
from writing.intent import Closing, Intent
from writing.items import Item, Locked, NextState
from writing.looks import Finding
from writing.pair_results import PairResults, known_by_link
from writing.result_transaction import ResultTransaction
from writing.run_lines import counted
from writing.vendor_code import judged

NOT_SEEN, NOT_LOOKED = "not_seen", "not_looked"
Landed = Mapping[str, Done | Failure | None]


class Settlement:
    """Stores it."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        targets: Mapping[Entity, Target],
        *,
        metrics: Metrics,
        service: str,
        chance: random.Random,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._targets = targets
        self._metrics = metrics
        self._service = service
        self._chance = chance

    async def store(self, item: Item, its: Sequence[Intent], finding: Finding) -> None:
        """R2: the look's transaction."""
        landed = {intent.attempt: self._landed(intent, finding.found[intent.target]) for intent in its}
        failed = next((one for one in (*finding.found.values(), *landed.values()) if isinstance(one, Failure)), None)
        result = ResultTransaction(self._targets[item.target_entity], self._clock.now())
        async with transaction(self._pool) as tx:
            await awaiting.together(tx, item.awaited_in if item.side else ())
            locked = (await needs.lock_with_waiting(tx, [item.key]))[item.key]
            if locked.token != item.token:
                return
            if failed is not None:
                await self._failed(tx, result, item, its, failed, locked, outage=finding.outage)
            else:
                result_so_far = await self._settled(tx, result, item, its, finding, landed)
                self._decide(result, item, locked, result_so_far, seen=any(landed.values()))
            await result.write(tx)
            if result.fates[item.key].state != "hold":
                # R16: what the target told meanwhile is judged now that the write has its end.
                await release(tx, {intent.target for intent in its}, result.target, result.now)
        figures.count(result, self._metrics, self._service)

    async def give_up(self, item: Item, its: Sequence[Intent], failure: Failure) -> None:
        """Our own code cannot settle this row: no look will, so it ends where people see it."""
        result = ResultTransaction(self._targets[item.target_entity], self._clock.now())
        async with transaction(self._pool) as tx:
            locked = (await needs.lock_with_waiting(tx, [item.key]))[item.key]
            if locked.token == item.token:
                await self._failed(tx, result, item, its, failure, locked, outage=False)
                await result.write(tx)
        figures.count(result, self._metrics, self._service)

    def _landed(self, intent: Intent, seen: TargetRecord | Failure) -> Done | Failure | None:
        if isinstance(seen, Failure):
            return seen
        return judged(lambda: self._targets[intent.target.entity].landed(intent.unseen, seen))

    async def _settled(
        self, tx: state.DbConnection, result: ResultTransaction, item: Item, its: Sequence[Intent], finding: Finding, landed: Landed
    ) -> Did:  # fmt: skip
        """Closes the intents, and learns what was seen."""
        known = await target_records.lock(tx, finding.found, result.now)
        result_so_far = item.result_so_far
        for intent in its:
            done = landed[intent.attempt]
            assert not isinstance(done, Failure)
            if done is not None:
                # What the act has made is known from the look, so it holds for the look's own moments.
                fact = ActDone(intent.act, done, finding.asked_at, result.now)
                known[intent.target] = result.absorb(intent.target, known[intent.target], fact, by=item.key)
                result_so_far = counted(result_so_far, intent.act, changed=True)
            _tell(result, item, intent, landed=done is not None)
        words = {i.attempt: "applied" if landed[i.attempt] else NOT_SEEN for i in its}
        await intents.close(tx, [Closing(i.attempt, i.key, "settled", words[i.attempt]) for i in its], result.now)
        for target, seen in finding.found.items():
            assert isinstance(seen, TargetRecord)
            shown = Seen(seen, finding.asked_at, result.now)
            result.absorb(target, known[target], shown, by=item.key)
        await self._paired(tx, result, item, its, finding, landed)
        return result_so_far

    async def _paired(
        self, tx: state.DbConnection, result: ResultTransaction, item: Item, its: Sequence[Intent], finding: Finding, landed: Landed
    ) -> None:  # fmt: skip
        """The end of the write in the pair, where the row has one; what was found by a match is not kept under it."""
        shown = {i.attempt: one for i in its if isinstance(one := finding.found[i.target], TargetRecord)}
        pairs = await PairResults.locked(tx, [item], result.now, [(item, one.id) for one in shown.values() if one.id])
        for intent in its if item.side else ():
            seen, done = shown[intent.attempt], landed[intent.attempt]
            id = pairs.looked(item, intent.attempt, seen, finding.asked_at, landed=done is not None)
            if not id_of_key(intent.target.key):
                known_by_link(result.known, item, intent.target.key, id)
        await pairs.write(tx)
        result.entries += pairs.entries

    def _decide(self, result: ResultTransaction, item: Item, locked: Locked, result_so_far: Did, *, seen: bool) -> None:
        """R1: whatever the look has shown, the plan is made anew; a newer wish has its turn then as well."""
        if seen:
            result.fates[item.key] = NextState("ready", result.now, result_so_far=result_so_far)
        elif locked.revision > item.revision:
            result.fates[item.key] = NextState(
                "ready",
                result.now,
                attempts=min(item.attempts, ATTEMPTS - 1),
                result_so_far=result_so_far,
                call_group=item.call_group,
            )
        else:
            result.end_held(item, verdicts.after_look(item, result.now))

    async def _failed(
        self, tx: state.DbConnection, result: ResultTransaction, item: Item, its: Sequence[Intent], failure: Failure, locked: Locked, *, outage: bool
    ) -> None:  # fmt: skip
        """The look failed: it is made again later, or the row ends here, without anybody knowing what became of its write."""
        at = await tx.fetchval("select now()") + moved_by(self._clock)
        next_state = verdicts.after_failed_look(item, failure, at, self._chance, outage=outage)
        if next_state.state == "hold":
            result.fates[item.key] = next_state
        else:
            await intents.close(tx, [Closing(i.attempt, i.key, "settled", NOT_LOOKED) for i in its], result.now)
            result.entries += [journal_entries.settled_intent(item, intent, result.now, NOT_LOOKED) for intent in its]
            known = await target_records.lock(tx, {intent.target for intent in its}, result.now)
            for target, one in known.items():
                result.absorb(target, one, Doubted())
            pairs = await PairResults.locked(tx, [item], result.now)
            for intent in its:
                pairs.not_looked(item, intent.attempt)
            await pairs.write(tx)
            # R1: a newer wish looks by its own plan, because what is known is doubtful now.
            newer = locked.revision > item.revision
            result.end_held(item, next_state.overtaken(result.now) if newer else next_state)


def _tell(result: ResultTransaction, item: Item, intent: Intent, *, landed: bool) -> None:
    settled = journal_entries.settled_intent(item, intent, result.now, "applied" if landed else NOT_SEEN)
    result.entries.append(settled)
    if landed:
        result.entries.append(journal_entries.applied_intent(item, intent, result.now, "seen"))
