"""Facts as each leg sees them, for records that are locked: read for all of them at once, and scheduled for when the calendar changes them.

In: records and the legs that want facts of them. Out: for each its facts, or that they are not known yet. What the facts are made of was
stored under the same locks, so whoever judges later knows more and never less. A batch without such a leg costs no statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.contracts.connections import Connection
from common.contracts.facts import FROM_AUDIENCES
from common.contracts.ids import ConnectionId
from common.contracts.syncs import Leg
from common.state import feeding
from common.state.configuration import Configuration
from common.state.pool import DbConnection
from mapper import activity_facts, feed_rows
from mapper.facts import FeedRow, RecordFacts, facts_of
from mapper.feed_rows import FactDue
from mapper.mapping.engine import CompiledMapping
from mapper.state import RecordState
from mapper.state_rows import Key
from vendors.feeding import feeders
from vendors.registry import vendor_named

BY_DUE_DATE = frozenset({"overdue", "overdue_in", "payment_status"})


class Wanting(NamedTuple):
    """One record as one leg judges it."""

    leg: Leg
    mapping: CompiledMapping
    key: Key


@dataclass(slots=True)
class LegsFacts:
    """The facts of one transaction's records."""

    now: datetime
    zones: Mapping[ConnectionId, tzinfo] = field(default_factory=dict)
    rows: Mapping[Key, Sequence[FeedRow]] = field(default_factory=dict)
    unready: frozenset[tuple[str, str]] = frozenset()
    """Legs of whose facts something has not been read yet, by sync and name."""
    heard: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    """What audiences tell of those whose legs name it."""

    @classmethod
    async def read(
        cls, tx: DbConnection, configuration: Configuration, wanting: Iterable[Wanting], now: datetime
    ) -> LegsFacts:
        """For those legs that name facts."""
        its = [one for one in wanting if one.mapping.definition.facts]
        if not its:
            return cls(now)
        unready = await unready_legs(tx, configuration, [one.leg for one in its])
        zones = {one.leg.source: zone_of(configuration.connections.get(one.leg.source)) for one in its}
        rows = await feed_rows.telling_of(tx, {one.key for one in its})
        return cls(now, zones, rows, unready, await activity_facts.read(tx, configuration, _hearing(its)))

    def known(self, leg: Leg) -> bool:
        """Whether everything that the leg's facts are made of has been read."""
        return (leg.sync, leg.name) not in self.unready

    def lack(self, one: Wanting, facts: RecordFacts | None) -> bool:
        """Facts of half of the invoices are wrong: the record stays as it is, and is judged when all have been read."""
        return facts is None and bool(one.mapping.definition.facts)

    def of(self, one: Wanting, state: RecordState) -> RecordFacts | None:
        """None where the leg names none, or they are not known yet. What is gone needs none, and nothing is due of it."""
        if not one.mapping.definition.facts or not (self.known(one.leg) or state.deleted):
            return None
        if state.deleted:
            return RecordFacts({})
        return leg_facts(
            one.mapping,
            state,
            self.rows.get(one.key, ()),
            self.zones[one.leg.source],
            self.now,
            self.heard.get(one.key),
        )

    def is_silent(self, one: Wanting) -> bool:
        """Whether the leg says what audiences tell, and none has told anything."""
        return FROM_AUDIENCES.issuperset(one.mapping.definition.facts or ("",)) and not self.heard.get(one.key)

    async def schedule(
        self, tx: DbConnection, judged: Iterable[tuple[Wanting, RecordFacts | None]], *, by_all: bool
    ) -> None:
        """When each record has to be judged again although nobody tells anything; several legs have one row.

        Where not all of them have judged, what is due for the others stays due.
        """
        due: dict[Key, list[FactDue]] = defaultdict(list)
        for one, facts in judged:
            if one.mapping.definition.facts:
                due[one.key].append(self._due(one, facts))
        if due:
            await feed_rows.schedule(tx, {key: _first(several) for key, several in due.items()}, alone=by_all)

    def _due(self, one: Wanting, facts: RecordFacts | None) -> FactDue:
        if facts is None:
            return FactDue(None, waits=True)
        return FactDue(_midnight(facts.next_on, self.zones[one.leg.source]) if facts.next_on else None)


async def unready_legs(
    tx: DbConnection, configuration: Configuration, legs: Iterable[Leg] | None = None
) -> frozenset[tuple[str, str]]:
    """Legs (of these, or of all) of whose facts something has not been read yet; no statement where none names facts."""
    naming = {
        (leg.sync, leg.name): leg
        for leg in (configuration.legs() if legs is None else legs)
        if leg.mapping is not None and leg.mapping.facts
    }
    if not naming:
        return frozenset()
    ready = await feeding.ready(tx, {leg.source for leg in naming.values()})
    return frozenset(name for name, leg in naming.items() if not set(_feeders(configuration, leg)) <= ready)


def leg_facts(
    mapping: CompiledMapping,
    state: RecordState,
    rows: Sequence[FeedRow],
    zone: tzinfo,
    now: datetime,
    heard: Mapping[str, Any] | None = None,
) -> RecordFacts:
    """Pure: the facts that a mapping names, with what its own options make of them."""
    today = now.astimezone(zone).date()
    facts, names = facts_of(rows, today), mapping.definition.facts
    next_on = [facts.next_on] if BY_DUE_DATE & set(names) else []
    values = dict(facts.values) | dict.fromkeys(FROM_AUDIENCES) | dict(heard or {})
    if "inactive" in names:
        values["inactive"], turns_on = _inactive(mapping, state, facts, today, zone)
        next_on.append(turns_on)
    days = [day for day in next_on if day is not None]
    return replace(facts, values={name: values[name] for name in names}, next_on=min(days, default=None))


def _inactive(
    mapping: CompiledMapping, state: RecordState, facts: RecordFacts, today: date, zone: tzinfo
) -> tuple[bool, date | None]:
    """Whether nothing was heard of it for so many days, or its own fields say that it is over; and when silence will have been too long.

    Whoever came a short while ago has not been silent for long: the days count from when the record was made, or from its last invoice. Of
    whom neither is known nobody can say it.
    """
    if mapping.says_inactive(state.record()):
        return True, None
    made, last = state.fields.get("created_at"), facts.values["last_invoice_on"]
    heard = [date.fromisoformat(last)] if last else []
    if isinstance(made, str):
        heard.append(datetime.fromisoformat(made).astimezone(zone).date())
    days = mapping.inactive_after
    if not days or not heard:
        return False, None
    turns_on = max(heard) + timedelta(days=days)
    return (True, None) if turns_on <= today else (False, turns_on)


def _hearing(wanting: Iterable[Wanting]) -> set[Key]:
    return {one.key for one in wanting if FROM_AUDIENCES & set(one.mapping.definition.facts)}


def zone_of(connection: Connection | None) -> tzinfo:
    """The account's own; its day decides what is late."""
    try:
        return ZoneInfo(connection.details.get("time_zone") or "UTC") if connection is not None else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _first(several: Sequence[FactDue]) -> FactDue:
    """Whoever waits is judged when all is there."""
    if any(one.waits for one in several):
        return FactDue(None, waits=True)
    return FactDue(min((one.next_at for one in several if one.next_at is not None), default=None))


def _feeders(configuration: Configuration, leg: Leg) -> Sequence[tuple[str, str, str]]:
    connection = configuration.connections.get(leg.source)
    source = vendor_named(connection.vendor).source if connection is not None else None
    return feeders(source, leg) if source is not None else ()
