"""What intake and writers say of the run ledger: which revisions were passed over, and which records a replay or an archive takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from common.bus.record import RawRecord
from common.contracts.ids import Entity, RecordId, RunId, SyncId
from common.contracts.messages import WriteCommand
from common.failures import Failure
from common.journal import Entry, Step
from common.state import runs
from common.state.pool import DbConnection
from common.state.runs import Did, Entering, LineKey, Run, Spoken, most
from vendors.acts import Act
from writing.items import Item, ItemKey

ARCHIVE, REPLAY = "archive", "replay"


def line_of(entry: Entry) -> LineKey:
    """The line that a row of the journal is about."""
    return LineKey(SyncId(entry.sync), Entity(entry.entity), RecordId(entry.record), entry.revision or 0)


def said_by(entries: Iterable[Entry], late: Collection[LineKey] = ()) -> dict[LineKey, Spoken]:
    """What rows of the journal say of their lines: what was written, and which revisions failed for good.

    The ledger is told from the very rows that are a bijection with the vendor's writes, so neither can know more than the other.
    """
    said: dict[LineKey, Spoken] = {}
    for entry in entries:
        line = line_of(entry)
        if entry.step is Step.APPLIED:
            assert entry.details is not None
            one = Spoken(entry.details["counts_as"], late=line in late or entry.reason == "late")
        elif entry.step in (Step.DEAD, Step.PARKED):
            one = Spoken(ended="failed", reason=entry.reason)
        else:
            continue
        said[line] = said.get(line, Spoken()).and_then(one)
    return said


async def tell(
    tx: DbConnection,
    entries: Iterable[Entry],
    ended: Mapping[LineKey, Spoken],
    late: Collection[LineKey],
    now: datetime,
) -> None:
    """What was written counts as what it was; what ended without a write as what it ended."""
    said = said_by(entries, late)
    for line, one in ended.items():
        said[line] = said.get(line, Spoken()).and_then(one)
    await runs.speak(tx, said, now)


async def called(tx: DbConnection, calls: Iterable[Iterable[Item]], now: datetime) -> None:
    """Each of these calls was made for these items; a run that several of them are of has cost one."""
    made = Counter(
        (RunId(run), connection) for items in calls for run, connection in {(i.run, i.connection) for i in items}
    )
    await runs.called(tx, made, now)


def counted(result_so_far: Did, act: Act, *, changed: bool) -> Did:
    """What people count: a record that was added stays that, whatever was written to it afterwards."""
    return most(result_so_far, act.counts_as) if changed else result_so_far


async def passed_over(tx: DbConnection, entries: Iterable[Entry], now: datetime) -> None:
    """Revisions that something newer replaced before anybody had begun to work on them."""
    found = [entry for entry in entries if entry.step is Step.SUPERSEDED]
    await runs.speak(tx, {line_of(entry): Spoken(ended="superseded") for entry in found}, now)


async def buried(tx: DbConnection, letters: Iterable[tuple[RawRecord, Failure]], now: datetime) -> None:
    """Commands that became dead letters. Of one that nobody can read it is not known whose it was: its run says that one is unaccounted for."""
    said: dict[LineKey, Spoken] = {}
    for record, failure in letters:
        try:
            lost = WriteCommand.model_validate_json(record.value or b"")
        except ValueError:
            continue
        said[LineKey(lost.sync, lost.entity, lost.record, lost.revision)] = Spoken(ended="failed", reason=failure.code)
    await runs.speak(tx, said, now)


async def replayed(tx: DbConnection, commands: Iterable[WriteCommand], now: datetime) -> None:
    """What a replay makes ready again, each record once; its revision ends in the replay's run."""
    again = [command for command in commands if command.replay]
    if not again:
        return
    names = await _names(tx, {command.sync for command in again})
    lines, begun = list[Entering](), dict[RunId, Run]()
    for one in again:
        id = RunId(f"{names.get(one.sync, one.sync)}.{REPLAY}.{one.replay}")
        begun[id] = Run(id, one.sync, REPLAY)
        lines.append(Entering(id, LineKey(one.sync, one.entity, one.record, one.revision)))
    await runs.enter(tx, lines, now, runs=begun.values())


async def archived(
    tx: DbConnection, sync: SyncId, items: Sequence[tuple[ItemKey, int]], now: datetime, *, last: bool
) -> None:
    """What a sync that was switched off takes away, each record once, however often its writer has to begin again."""
    run = await _archive_run(tx, sync, now)
    await runs.enter(tx, [Entering(run, LineKey(*key, revision)) for key, revision in items], now)
    if last:
        await runs.close(tx, run, now)


async def _archive_run(tx: DbConnection, sync: SyncId, now: datetime) -> RunId:
    """The one that a person's command has begun; one begins here where that was before there was a ledger."""
    found = await tx.fetchval(
        "select id from flow.run where sync = $1 and kind = $2 order by started_at desc, id desc limit 1", sync, ARCHIVE
    )
    if found is not None:
        return RunId(found)
    names = await _names(tx, {sync})
    run = Run(RunId(f"{names.get(sync, sync)}.{ARCHIVE}.{await runs.next_number(tx)}"), sync, ARCHIVE)
    await runs.begin(tx, [run], now)
    return run.id


async def _names(tx: DbConnection, syncs: set[SyncId]) -> dict[str, str]:
    rows = await tx.fetch("select id, name from core.sync where id = any($1::text[])", list(syncs))
    return {row["id"]: row["name"] for row in rows}
