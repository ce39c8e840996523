"""The rows of `core.sync` with their legs, and of `core.mapping_version`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.contracts.syncs import Leg, MappingDefinition, OnDisable, SyncState
from common.state import pool as state
from common.state.definitions import leg_of, to_jsonb


@dataclass(frozen=True, slots=True)
class SyncRow:
    """A sync as it is stored, with the names of its connections, and its legs with their active definitions."""

    id: str
    name: str
    template: str
    source: str
    source_name: str
    source_vendor: str
    target: str
    target_name: str
    target_vendor: str
    state: SyncState
    version: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    legs: tuple[Leg, ...] = ()

    @property
    def mapped(self) -> bool:
        """Whether every leg has a mapping."""
        return bool(self.legs) and all(leg.mapping is not None for leg in self.legs)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a sync's mappings, without its definitions, and the legs that it changed."""

    version: int
    note: str
    created_at: datetime
    created_by: str
    legs: tuple[str, ...]


_SELECT = """
select s.id, s.name, s.template, s.source_connection as source, a.name as source_name, a.vendor as source_vendor,
       s.target_connection as target, b.name as target_name, b.vendor as target_vendor, s.state, s.mapping_version as version,
       s.created_at, s.created_by, s.updated_at,
       (select coalesce(jsonb_agg(to_jsonb(l) || jsonb_build_object('definition', m.definition) order by l.position, l.name), '[]')
          from core.leg l
          left join core.mapping_version m on (m.sync, m.version, m.leg) = (l.sync, l.mapping_version, l.name)
         where l.sync = s.id) as legs
  from core.sync s
  join core.connection a on a.id = s.source_connection
  join core.connection b on b.id = s.target_connection
"""


async def named(tx: state.DbConnection, name: str, *, lock: bool = False) -> SyncRow | None:
    """The sync of this name or id; locked against everybody who would change it."""
    how = " for update of s" if lock else ""
    row = await tx.fetchrow(f"{_SELECT} where s.name = $1 or s.id = $1 order by s.name = $1 desc limit 1{how}", name)
    return _sync(row) if row is not None else None


async def page(tx: state.DbConnection, after: str, limit: int) -> Sequence[SyncRow]:
    """Syncs in the order of their names."""
    rows = await tx.fetch(f"{_SELECT} where s.name > $1 order by s.name limit $2", after, limit)
    return [_sync(row) for row in rows]


async def running(tx: state.DbConnection) -> Sequence[SyncRow]:
    """Those that judge what they hear."""
    return [_sync(row) for row in await tx.fetch(f"{_SELECT} where s.state in ('active', 'paused') order by s.name")]


async def accounts(tx: state.DbConnection) -> Mapping[str, str]:
    """The vendor's own account of every connection; several may lead to one."""
    return {row["id"]: row["account"] or row["id"] for row in await tx.fetch("select id, account from core.connection")}


async def exclude_other_two_ways(tx: state.DbConnection) -> None:
    """Until the transaction ends nobody else looks whether the records of a sync that leads both ways are free."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('millrace:two-ways', 0))")


async def exclude_others(tx: state.DbConnection, name: str) -> None:
    """Until the transaction ends nobody else applies a sync of this name."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('millrace:sync:' || $1, 0))", name)


async def usable(tx: state.DbConnection, connections: Sequence[str]) -> bool:
    """Whether all of them are active, and so they stay until the transaction ends."""
    rows = await tx.fetch(
        "select id from core.connection where id = any($1) and state = 'active' order by id for share",
        list(connections),
    )
    return len(rows) == len(set(connections))


async def insert(tx: state.DbConnection, fresh: SyncRow) -> None:
    """A new sync, without a version yet."""
    await tx.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, created_by, updated_at)
           values ($1, $2, $3, $4, $5, 'draft', $6, $7, $6)""",
        fresh.id, fresh.name, fresh.template, fresh.source, fresh.target, fresh.created_at, fresh.created_by,
    )  # fmt: skip


async def insert_legs(tx: state.DbConnection, legs: Mapping[int, Leg]) -> None:
    """New legs by their position in the file, without a version yet."""
    await tx.executemany(
        """insert into core.leg (sync, position, name, direction, source_connection, source_entity, source_place, target_connection,
                                 target_entity, target_place, mode)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        [
            (leg.sync, position, leg.name, leg.direction, leg.source, leg.source_entity, leg.source_place, leg.target,
             leg.target_entity, leg.target_place, leg.mode)
            for position, leg in legs.items()
        ],
    )  # fmt: skip


async def add_version(
    tx: state.DbConnection,
    sync: str,
    version: int,
    changed: Mapping[str, MappingDefinition],
    note: str,
    by: str,
    now: datetime,
) -> None:
    """A new immutable version of the sync: the mappings of the legs that it changes, active from now on."""
    await tx.executemany(
        """insert into core.mapping_version (sync, version, leg, definition, note, created_at, created_by)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        [(sync, version, leg, to_jsonb(definition), note, now, by) for leg, definition in changed.items()],
    )  # fmt: skip
    await tx.execute(
        "update core.leg set mapping_version = $2 where sync = $1 and name = any($3::text[])",
        sync,
        version,
        list(changed),
    )
    await tx.execute("update core.sync set mapping_version = $2, updated_at = $3 where id = $1", sync, version, now)


async def mark(tx: state.DbConnection, sync: str, wanted: SyncState, now: datetime) -> None:
    """Another state of its life."""
    await tx.execute(
        "update core.sync set state = $2, updated_at = $3 where id = $1 and state <> $2", sync, wanted, now
    )


async def on_disable(tx: state.DbConnection, sync: str, wanted: OnDisable, was: SyncState, now: datetime) -> bool:
    """What becomes of its target records, now that it is switched off; returns whether anything is new by that."""
    changed = await tx.fetchval(
        "update core.sync set on_disable = $2, updated_at = $3 where id = $1 and on_disable <> $2 returning true",
        sync,
        wanted,
        now,
    )
    return was != "disabled" or bool(changed)


async def retemplate(tx: state.DbConnection, sync: str, template: str, now: datetime) -> None:
    """Another template between the same two places."""
    await tx.execute(
        "update core.sync set template = $2, updated_at = $3 where id = $1 and template <> $2", sync, template, now
    )


async def versions(tx: state.DbConnection, sync: str) -> Sequence[VersionRow]:
    """All versions, newest first."""
    rows = await tx.fetch(
        """select version, min(note) as note, min(created_at) as created_at, min(created_by) as created_by, array_agg(leg order by leg) as legs
             from core.mapping_version where sync = $1 group by version order by version desc""",
        sync,
    )
    return [VersionRow(**{**dict(row), "legs": tuple(row["legs"])}) for row in rows]


def _sync(row: Mapping[str, Any]) -> SyncRow:
    given: dict[str, Any] = {name: row[name] for name in row.keys()}  # noqa: SIM118
    return SyncRow(**{**given, "legs": tuple(leg_of(stored) for stored in row["legs"])})
