"""What one transaction of a writer stores: next states, journal, knowledge, links and ownership, gathered row by row and written together.

In: rows and what became of them. Out: the rows that go on. Durable with the caller's commit: all of it, or nothing. A crash before
leaves the rows with whoever had taken them: their leases run out, and what is in flight is settled by one look (R2).

R5: every row of a batch stands alone here; a refused row, or one whose lease is gone, leaves its neighbours as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from common.failures import Transient
from common.journal import Entry, Step, write
from common.state.pool import DbConnection
from common.state.runs import LineKey, Spoken
from vendors.absorbing import Fact, SameAsWished
from vendors.acts import Nothing, Skip
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing import (
    audits,
    consequences,
    journal_entries,
    leases,
    leaving,
    needs,
    run_lines,
    target_records,
    work_items,
)
from writing.claimed import Claimed
from writing.codes import WAITS_FOR_RECORD
from writing.items import Item, ItemKey, Locked, NextState, TargetKey
from writing.leaving import Yielding
from writing.lessons import Taught
from writing.needs import Awaited
from writing.rechecks import NOBODY, Concern, ask_concerned

_TOLD = {"waiting": Step.WAITING, "hold": Step.HELD, "parked": Step.PARKED, "dead": Step.DEAD}


@dataclass(slots=True)
class ResultTransaction:
    """The rows of one transaction."""

    target: Target
    now: datetime
    fates: dict[ItemKey, NextState] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    known: dict[TargetKey, TargetRecord] = field(default_factory=dict)
    done: list[Claimed] = field(default_factory=list)
    going_on: list[Claimed] = field(default_factory=list)
    progressed: list[Claimed] = field(default_factory=list)
    yielding: dict[ItemKey, Yielding] = field(default_factory=dict)
    audits: dict[TargetKey, ItemKey] = field(default_factory=dict)
    awaiting: dict[ItemKey, tuple[Awaited, ...]] = field(default_factory=dict)
    refused: list[Item] = field(default_factory=list)
    """Whose creates the vendor has refused: what they carried is not repeated, and they are no pairs."""
    given_up: list[Item] = field(default_factory=list)
    """Which nobody tries again by themselves: nothing is about to be made for them."""
    ended: dict[LineKey, Spoken] = field(default_factory=dict)
    concerns: set[Concern] = field(default_factory=set)
    taught: Taught = field(default_factory=Taught)
    late: set[LineKey] = field(default_factory=set)
    """What was written of these is learnt when their ends have been told already."""

    def learn(self, row: Claimed, key: str, fact: Fact) -> None:
        """Something is known better now; what is known of the target record is locked."""
        row.known[key] = self.absorb(row.target(key), row.known.get(key, TargetRecord()), fact, by=row.item.key)
        row.lessons |= self.taught.of(row.target(key).of_place)

    def absorb(self, where: TargetKey, known: TargetRecord, fact: Fact, *, by: ItemKey = NOBODY) -> TargetRecord:
        """The same without a row; `by` is the record whose plan goes on with it."""
        absorbed = self.target.absorb(known, fact)
        self.known[where] = absorbed.record
        self.concerns |= {Concern(where, who, by) for who in absorbed.concerns}
        self.taught.hear(where.of_place, absorbed.lessons)
        return absorbed.record

    def finish(self, row: Claimed, step: Nothing | Skip, locked: Locked) -> None:
        """Nothing is left to do for this wish. R1: unless a newer one came meanwhile."""
        next_state = self._finished(row, step)
        skipped = next_state.outcome == "skipped"
        self.ended[row.item.line] = Spoken(ended="skipped" if skipped else "unchanged", reason=next_state.reason)
        self.fates[row.item.key] = next_state.overtaken(self.now) if locked.revision > row.item.revision else next_state
        if (given_up := leaving.given_up(row.item, row.ownership, step)) is not None:
            self.yielding[row.item.key] = given_up
        if self.agrees(row, step):
            self.learn(row, row.item.target_key, SameAsWished(row.item.document))
        if row.item.wish != "keep":
            # The links and keys of what is kept stay as they are.
            self.done.append(row)

    def agrees(self, row: Claimed, step: object) -> bool:
        """R15: both sides say the same, and it was not agreed before."""
        if not isinstance(step, Nothing) or row.item.wish != "present":
            return False
        known = row.known.get(row.item.target_key, TargetRecord())
        return self.target.absorb(known, SameAsWished(row.item.document)).record != known

    def _finished(self, row: Claimed, step: Nothing | Skip) -> NextState:
        reason, words = (step.reason.value, step.words) if isinstance(step, Skip) else (row.item.skip, "")
        if reason:
            self.entries.append(journal_entries.entry(row.item, Step.SKIPPED, self.now, reason=reason, words=words))
            return NextState("done", self.now, result_so_far=row.result_so_far, outcome="skipped", reason=reason)
        if not row.result_so_far:
            self.entries.append(journal_entries.entry(row.item, Step.UNCHANGED, self.now))
        return NextState("done", self.now, result_so_far=row.result_so_far, outcome=row.result_so_far or "unchanged")

    def fail(self, row: Claimed, next_state: NextState, locked: Locked, *, name: str = "") -> None:
        """What a failure makes of it. R1: a newer wish makes the row ready, unless something is in flight (R2)."""
        overtaken = locked.revision > row.item.revision and next_state.state != "hold"
        failure = next_state.failure
        details = {"due_at": next_state.due_at.isoformat()} if next_state.state in ("waiting", "hold") else None
        self.entries.append(
            journal_entries.entry(
                row.item, _TOLD[next_state.state], self.now, attempt=name, details=details,
                reason=failure.code if failure else next_state.reason, words=failure.message if failure else "",
            )
        )  # fmt: skip
        self.fates[row.item.key] = (
            next_state.overtaken(self.now) if overtaken else replace(next_state, result_so_far=row.result_so_far)
        )
        if next_state.state == "parked" and not overtaken:
            self.given_up.append(row.item)
        if next_state.state in ("dead", "parked") and not overtaken and row.item.target_key:
            # R13: it cannot write any more, so the next of those who share its target does.
            self.yielding[row.item.key] = Yielding(silent=(row.target(row.item.target_key),))

    def wait(self, row: Claimed, missing: Sequence[Awaited], words: str, locked: Locked) -> None:
        """R23: until these are linked; no attempt. R13: somebody else may write meanwhile what it shares."""
        item = row.item
        if locked.revision > item.revision:
            self.fates[item.key] = NextState("ready", self.now)
            return
        failure = Transient(WAITS_FOR_RECORD.name, words)
        self.fates[item.key] = NextState(
            "awaiting", self.now, attempts=locked.attempts, result_so_far=row.result_so_far, reason=failure.code, failure=failure
        )  # fmt: skip
        self.awaiting[item.key] = tuple(missing)
        self.entries.append(
            journal_entries.entry(item, Step.WAITING, self.now, reason=failure.code, words=failure.message)
        )
        if item.target_key:
            self.yielding[item.key] = Yielding(silent=(item.target(item.target_key),))

    def end_held(self, item: Item, next_state: NextState) -> None:
        """What becomes of a row after its hold; one that ends for good is told, and makes room for those who share its target (R13)."""
        self.fates[item.key] = next_state
        if next_state.state in ("dead", "parked"):
            self.given_up.append(item)
            self.entries.append(journal_entries.ended(item, _TOLD[next_state.state], next_state, self.now))
            if item.target_key:
                self.yielding[item.key] = Yielding(silent=(item.target(item.target_key),))

    def go_on(self, row: Claimed, locked: Locked, *, progress: bool = True) -> None:
        """The lease stays: another step follows at once. R1: not for a wish that is outdated."""
        if locked.revision > row.item.revision:
            self.fates[row.item.key] = NextState("ready", self.now)
            return
        self.going_on.append(row)
        if progress:
            self.progressed.append(row)

    def hand_over(self, row: Claimed) -> None:
        """Our lease is over, so whoever comes next takes the next step."""
        if row in self.going_on:
            self.going_on.remove(row)
            self.fates[row.item.key] = NextState("ready", self.now, result_so_far=row.result_so_far)

    async def write(self, tx: DbConnection) -> None:
        """Stores everything; the rows of all fates are locked by this transaction."""
        await target_records.save(tx, self.known, self.now)
        await work_items.settle(tx, self.fates, self.now)
        if self.progressed:
            # A crash must not make an added record an unchanged one.
            await work_items.note_progress(tx, {row.item.key: row.result_so_far for row in self.progressed})
        await consequences.refused(tx, self.refused, self.now)
        await consequences.given_up(tx, self.given_up, self.now)
        if self.awaiting:
            await needs.store(tx, self.awaiting)
        self.entries += await consequences.told_to_waiting(tx, self.fates, self.now)
        if self.done:
            self.entries += await consequences.left_and_linked(tx, self.target, self.done, self.fates, self.now)
        await audits.owe(tx, self.audits.values(), self.now)
        survivors = await leaving.survivors(tx, self.yielding)
        await work_items.reopen(tx, survivors, self.now)
        await leases.release(tx, [key for key, next_state in self.fates.items() if next_state.state != "hold"])
        await run_lines.tell(tx, self.entries, self.ended, self.late, self.now)
        await self.taught.store(tx, self.now)
        # Last of all: whoever asks for the same records at the same time waits, and must not be waited for.
        await ask_concerned(tx, self.concerns)
        await write(tx, self.entries)
