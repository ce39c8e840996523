"""The configuration as services see it: one consistent snapshot, read in the transaction that uses it.

The mapper must read a mapping version *after* it locked its rows (R9): a version read earlier could be older than the one by which
another process has already judged the same record. So a snapshot is remembered only as long as `config_rev` stands still, and the
revision is read again in each transaction: one short query in the usual case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, SyncId, VendorName
from common.contracts.syncs import Leg, Sync
from common.state import pool as state
from common.state.definitions import leg_of


@dataclass(frozen=True, slots=True)
class Configuration:
    """Connections and syncs at one revision."""

    revision: int
    connections: Mapping[ConnectionId, Connection] = field(default_factory=dict)
    syncs: Mapping[SyncId, Sync] = field(default_factory=dict)
    _found: dict[tuple[ConnectionId, Entity], tuple[Leg, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def legs_of(self, source: ConnectionId, entity: Entity) -> Iterable[Leg]:
        """The legs that want to hear of this entity of this connection, by whichever side of their sync it is."""
        # Asked of every record, and so looked for once.
        if (source, entity) not in self._found:
            self._found[source, entity] = tuple(
                leg
                for leg in self.legs()
                if leg.source == source and leg.source_entity == entity and leg.mapping and self.syncs[leg.sync].judges
            )
        return self._found[source, entity]

    def legs(self) -> Iterable[Leg]:
        """Every leg of every sync."""
        return (leg for sync in self.syncs.values() for leg in sync.legs.values())

    def way_back(self, leg: Leg) -> Leg | None:
        """The leg that leads the other way between the same records."""
        return self.syncs[leg.sync].way_back(leg)

    def leg(self, sync: SyncId, name: Entity) -> Leg | None:
        """The leg that a row of this sync belongs to."""
        found = self.syncs.get(sync)
        return found.legs.get(name) if found is not None else None


class ConfigurationReader:
    """Reads the snapshot; shared by everything in one process, and safe to use from several tasks."""

    def __init__(self) -> None:
        self._known: Configuration | None = None

    @property
    def known(self) -> Configuration:
        """As somebody in this process read it last."""
        return self._known or Configuration(0)

    async def read(self, tx: state.DbConnection) -> Configuration:
        """The configuration as this transaction's statements see it."""
        revision = await tx.fetchval("select revision from core.config_rev")
        if self._known is None or self._known.revision != revision:
            self._known = await _load(tx)
        return self._known


async def _load(tx: state.DbConnection) -> Configuration:
    # Each statement of READ COMMITTED sees its own moment; one statement for all of it makes it one moment.
    row = await tx.fetchrow(
        """
        select (select revision from core.config_rev) as revision,
               (select coalesce(jsonb_agg(to_jsonb(c)), '[]') from core.connection c where c.state <> 'deleted') as connections,
               (select coalesce(jsonb_agg(to_jsonb(s)), '[]') from core.sync s where s.state <> 'draft') as syncs,
               (select coalesce(jsonb_agg(to_jsonb(l) || jsonb_build_object('definition', m.definition) order by l.sync, l.position), '[]')
                  from core.leg l
                  left join core.mapping_version m on (m.sync, m.version, m.leg) = (l.sync, l.mapping_version, l.name)) as legs
        """
    )
    connections = [_connection(stored) for stored in row["connections"]]
    legs: dict[SyncId, dict[Entity, Leg]] = {}
    for stored in row["legs"]:
        leg = leg_of(stored)
        legs.setdefault(leg.sync, {})[leg.name] = leg
    syncs = [_sync(stored, legs.get(SyncId(stored["id"]), {})) for stored in row["syncs"]]
    return Configuration(row["revision"], {c.id: c for c in connections}, {s.id: s for s in syncs})


def _connection(stored: Mapping[str, Any]) -> Connection:
    return Connection(
        id=ConnectionId(stored["id"]),
        vendor=VendorName(stored["vendor"]),
        name=stored["name"],
        state=stored["state"],
        details=dict(stored["details"]),
        capabilities=frozenset(stored["capabilities"]),
    )


def _sync(stored: Mapping[str, Any], legs: Mapping[Entity, Leg]) -> Sync:
    return Sync(
        id=SyncId(stored["id"]),
        name=stored["name"],
        template=stored["template"],
        source=ConnectionId(stored["source_connection"]),
        target=ConnectionId(stored["target_connection"]),
        state=stored["state"],
        legs=legs,
        on_disable=stored["on_disable"],
    )
