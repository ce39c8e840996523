"""Write commands become work items: the newest wish of every record, and nothing else.

In: commands. Out: work items. Durable with one transaction a batch: each record's work item holds the highest revision ever seen for it,
and every older one that was passed over has its row in the journal. R7: versions decide and offsets are an economy, so the rows are never
deleted: they outlive Kafka's retention.

A crash before the commit leaves nothing, and the batch is read again. A crash after it and before the offsets repeats the batch: every
revision is then equal or lower, and at most a closed row is opened again, which ends as `Unchanged` without a call; where that can be told
by comparing alone (`read_again.py`), the row stays closed and the journal says so. A crash before the
executors hear of the work costs nothing but their next look at the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from common import failpoints
from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.bus.trace import trace_id_of
from common.clock import Clock
from common.contracts.ids import Entity
from common.contracts.messages import WriteCommand
from common.contracts.outcomes import UNMAPPED
from common.contracts.topics import Topic
from common.failures import Failure, Rejected
from common.journal import Entry, Step, write
from common.metric_register import RECORDS
from common.metrics import Metrics
from common.state.pool import DbConnection
from vendors.acts import ByMatch
from writing import needs, read_again, run_lines
from writing.codes import TARGET_ENTITY_UNKNOWN
from writing.items import PRIORITY, ItemKey, Locked
from writing.newest import key_of, newest, opens, replaces
from writing.work_items import lock, upsert

CHANNEL = "work"
_OUTCOMES = {Step.SUPERSEDED: "superseded", Step.UNCHANGED: "unchanged"}


class Identities(Protocol):
    """Of a target: how its records are found."""

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None: ...


class CommandHandler:
    """Consumes the commands of one vendor."""

    def __init__(
        self,
        topic: Topic,
        group: str,
        targets: Mapping[Entity, Identities],
        *,
        clock: Clock,
        metrics: Metrics,
        wake: Callable[[], None],
    ) -> None:
        """`targets` say which target record a document means, each for its entity.

        `wake` tells the executor of this process, NOTIFY those of the others.
        """
        self.topic = topic
        self.group = group
        self._targets = targets
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._is_news = False

    def parse(self, record: RawRecord) -> WriteCommand:
        """Reads one record; what is no command becomes a dead letter, byte for byte."""
        command = WriteCommand.model_validate_json(record.value or b"")
        self._entity_of(command)
        return command

    async def store(self, batch: Sequence[Delivered[WriteCommand]], tx: DbConnection) -> None:
        """One transaction. Repeatable by (sync, record, revision)."""
        now = self._clock.now()
        stored = await lock(tx, [key_of(item.message) for item in batch])
        latest, older = newest(batch, stored)
        still_so = await read_again.still_so(tx, latest, stored)
        entries = [_superseded(item, by, now) for item, by in older]
        entries += [_unchanged(latest.pop(key), target_key, now) for key, target_key in still_so.items()]
        await self._open(tx, latest, stored, entries, now)
        await run_lines.passed_over(tx, entries, now)
        await write(tx, entries)
        self._is_news |= bool(latest)
        with self._metrics.tally() as tally:
            for entry in entries:
                if (outcome := _OUTCOMES.get(entry.step)) is not None:
                    tally.count(RECORDS, sync=entry.sync, outcome=outcome)

    async def _open(
        self,
        tx: DbConnection,
        latest: Mapping[ItemKey, Delivered[WriteCommand]],
        stored: Mapping[ItemKey, Locked],
        entries: list[Entry],
        now: datetime,
    ) -> None:
        """What has to be worked on, whether for the first time or once more."""
        if not latest:
            return
        entries += [_replaced(item, stored, now) for item in latest.values() if replaces(item, stored)]
        entries += [_again(item, now) for item in latest.values() if item.message.replay]
        await run_lines.replayed(tx, [item.message for item in latest.values() if opens(item, stored)], now)
        await upsert(tx, [self._row(item) for _, item in sorted(latest.items())], now)
        # R7: a batch that is read again is no newer wish: whoever waits goes on waiting for the same.
        await needs.forget(tx, [key for key, item in latest.items() if replaces(item, stored)])
        await tx.execute("select pg_notify($1, '')", CHANNEL)

    async def after(self, batch: Sequence[Delivered[WriteCommand]]) -> None:
        """The work is stored: whoever can do it may begin."""
        await failpoints.hit("intake.after_commit")
        if self._is_news:
            self._is_news = False
            self._wake()

    async def buried(self, letters: Sequence[tuple[RawRecord, Failure]], tx: DbConnection) -> None:
        """A command that cannot be stored has failed; its line ends, and a retry by a person opens it again."""
        await run_lines.buried(tx, letters, self._clock.now())

    def _row(self, item: Delivered[WriteCommand]) -> tuple[Any, ...]:
        command = item.message
        wish = _wish(command)
        entity = self._entity_of(command)
        identity = self._targets[entity].identify(command.document) if wish == "present" else None
        key = identity.value if identity is not None else ""
        traceparent = (item.record.header("traceparent") or b"").decode("ascii", "replace")
        return (
            command.sync, command.entity, command.record, command.source, command.target, command.place, command.revision,
            wish, command.skip, dict(command.document), command.mapping_version, entity, key, command.lane.value,
            PRIORITY[command.lane], command.run or "", command.event or "", command.replay, command.happened_at, traceparent,
            _needs(command), command.side, command.rank,
        )  # fmt: skip

    def _entity_of(self, command: WriteCommand) -> Entity:
        """What the record is at the target; a command that does not say means the only kind that its vendor had then."""
        entity = command.target_entity or (next(iter(self._targets)) if len(self._targets) == 1 else "")
        if entity in self._targets:
            return Entity(entity)
        known = ", ".join(self._targets)
        wanted = f"{entity!r}" if entity else "no entity"
        words = f"The command names {wanted} as what to write to {self.topic.vendor}, which has: {known}."
        raise Rejected(TARGET_ENTITY_UNKNOWN.name, words)


def _wish(command: WriteCommand) -> str:
    """A release that did not know `keep` said `absent` of what it could not map; such a command may still lie on the topic."""
    return "keep" if command.wish == "absent" and command.skip in UNMAPPED else command.wish


def _needs(command: WriteCommand) -> dict[str, list[str]]:
    """By their entity, as the work item keeps them."""
    found: dict[str, list[str]] = {}
    for one in command.needs:
        found.setdefault(one.entity, []).append(one.record)
    return found


def _replaced(item: Delivered[WriteCommand], stored: Mapping[ItemKey, Locked], now: datetime) -> Entry:
    return _entry(item, Step.SUPERSEDED, now, stored[key_of(item.message)].revision, {"by": item.message.revision})


def _superseded(item: Delivered[WriteCommand], by: int, now: datetime) -> Entry:
    return _entry(item, Step.SUPERSEDED, now, item.message.revision, {"by": by, "at": item.record.place})


def _unchanged(item: Delivered[WriteCommand], target_key: str, now: datetime) -> Entry:
    return replace(_entry(item, Step.UNCHANGED, now, item.message.revision, None), target_key=target_key)


def _again(item: Delivered[WriteCommand], now: datetime) -> Entry:
    return _entry(item, Step.REPLAYED, now, item.message.revision, {"replay": item.message.replay})


def _entry(
    item: Delivered[WriteCommand], step: Step, now: datetime, revision: int, details: Mapping[str, Any] | None
) -> Entry:
    command = item.message
    return Entry(
        at=now, step=step, sync=command.sync, connection=command.source, entity=command.entity, record=command.record,
        event_id=command.event or "", run=command.run or "", revision=revision, mapping_version=command.mapping_version,
        trace_id=trace_id_of(item.record), details=details,
    )  # fmt: skip
