"""A record that a vendor's own sync with the other side keeps as well: our writes to that side wait, from this very transaction on.

In: the records of a batch, merged and locked. Durable with the batch: the sync is paused and it is told, before any command of these
records can be taken. Judging goes on, so that nothing is missing when a person has decided and resumes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import structlog

from common.contracts.ids import ConnectionId, SyncId
from common.state.configuration import Configuration
from common.state.pool import DbConnection
from mapper.state import RecordState
from mapper.state_rows import Key
from vendors.own_sync import NOTICE, OwnSync, said_ended
from vendors.registry import vendor_named

_log = structlog.get_logger(__name__)


class _Met(NamedTuple):
    sync: SyncId
    connection: ConnectionId
    own: OwnSync


async def heed(
    tx: DbConnection, configuration: Configuration, states: Mapping[Key, RecordState], now: datetime
) -> None:
    """Pauses the syncs that these records belong to; where no record is marked, it costs nothing."""
    for sync, connection, own in dict.fromkeys(_met(configuration, states)):
        words = f"{configuration.syncs[sync].name} is paused. {own.words}"
        if await tx.fetchval(
            "select core.pause_sync($1, $2, $3, $4, $5, $6)", sync, connection, NOTICE, own.code.name, words, now
        ):
            _log.warning("sync.paused", sync=sync, connection=connection, code=own.code.name)


def _met(configuration: Configuration, states: Mapping[Key, RecordState]) -> Iterator[_Met]:
    for key, state in states.items():
        connection = configuration.connections.get(key.connection)
        for own in vendor_named(connection.vendor).own_syncs if connection is not None else ():
            if own.entity == key.entity and not state.deleted and own.keeps(state.fields):
                yield from (_Met(sync, key.connection, own) for sync in _of(configuration, key, own))


def _of(configuration: Configuration, key: Key, own: OwnSync) -> Iterator[SyncId]:
    """Syncs that write, and have a leg between these records and the other vendor's."""
    for leg in configuration.legs_of(key.connection, key.entity):
        there, sync = configuration.connections.get(leg.target), configuration.syncs[leg.sync]
        ended = any(said_ended(one) for one in sync.legs.values())
        if sync.state == "active" and there is not None and there.vendor == own.other and not ended:
            yield leg.sync
