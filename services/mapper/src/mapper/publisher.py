"""Publishes stored wishes as commands: after each batch, and again every few seconds for whatever a crash left unpublished.

R9: what is published is what is stored, never what somebody remembers. Publishing twice is harmless: a revision is one command id,
and the intake takes a lower or equal revision for what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from common import failpoints
from common.bus.producer import Outgoing
from common.bus.record import RawRecord
from common.contracts.ids import ConnectionId, SyncId, VendorName, command_key
from common.contracts.messages import Envelope
from common.contracts.syncs import Sync
from common.contracts.topics import commands
from common.state.configuration import Configuration, ConfigurationReader
from common.state.pool import Pool, connection
from mapper import wanted_rows
from mapper.state_rows import Key
from mapper.wanted_rows import Unpublished

EVERY_S, CALM_S = 3.0, 5.0
PAGE = 500


class Sends(Protocol):
    """What publishing needs of a producer."""

    async def send_all(self, messages: Sequence[Outgoing]) -> object:
        """Returns when the broker has all of them."""


class Publisher:
    """Sends commands and remembers which revisions the broker has."""

    def __init__(self, pool: Pool, producer: Sends, configuration: ConfigurationReader) -> None:
        self._pool = pool
        self._producer = producer
        self._configuration = configuration

    async def publish(self, keys: Sequence[Key] | None, causes: Mapping[Key, RawRecord] | None = None) -> int:
        """Publishes what these records are still owed, or a page of what has waited longest (None); says how many commands that was."""
        published = sent = await self._page(keys, causes or {})
        # Several legs may want every record of a batch.
        while keys is not None and sent == PAGE:
            published += (sent := await self._page(keys, causes or {}))
        return published

    async def _page(self, keys: Sequence[Key] | None, causes: Mapping[Key, RawRecord]) -> int:
        # Two reads, and later one write: none of them needs a transaction around it.
        async with connection(self._pool) as link:
            configuration = await self._configuration.read(link)
            owed = await wanted_rows.unpublished(link, _reachable(configuration), keys, PAGE)
        if not owed:
            return 0
        await self._producer.send_all([_outgoing(item, configuration, causes) for item in owed])
        await failpoints.hit("mapper.after_publish")
        async with connection(self._pool) as link:
            await wanted_rows.mark_published(link, [item.command for item in owed])
        return len(owed)

    async def republish(self) -> bool:
        """The second way out for what the first did not publish: a crash between commit and send, or a broker that was away."""
        return await self.publish(None) > 0


def _reachable(configuration: Configuration) -> dict[SyncId, Sync]:
    """A disabled sync may outlive its target's connection: what it still wants has nowhere to go, and must not stop the others."""
    there = configuration.connections
    return {
        one.id: one for one in configuration.syncs.values() if all(leg.target in there for leg in one.legs.values())
    }


def _outgoing(item: Unpublished, configuration: Configuration, causes: Mapping[Key, RawRecord]) -> Outgoing:
    command = item.command
    vendor = configuration.connections[ConnectionId(command.target)].vendor
    cause = causes.get(item.source)
    headers = Envelope.of_command(command, VendorName(vendor)).headers()
    if cause is None and item.traceparent:
        headers.append(("traceparent", item.traceparent.encode()))
    key = command_key(command.sync, command.entity, command.record)
    return Outgoing(commands(vendor), key, command.model_dump_json().encode(), headers, cause)
