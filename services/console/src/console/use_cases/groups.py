"""Consumer groups for operators: who reads, how far behind, and moving a stopped group."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from common.api.refusal import Refusal
from common.codes import CODES
from common.failures import Transient
from console import record_codes

if TYPE_CHECKING:
    from common.bus.connection import KafkaAddress
    from common.bus.groups import Group, Move

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seek:
    """What a seek would do, or did."""

    group: str
    members: Sequence[str]
    moves: Sequence[Move]
    executed: bool

    @property
    def records(self) -> int:
        """How many records will be read again (or, negative, are passed over)."""
        return sum((move.before if move.before is not None else move.begin) - move.after for move in self.moves)


class Groups:
    """Asks Kafka; its client is imported when somebody does."""

    def __init__(self, address: Callable[[], KafkaAddress]) -> None:
        self._address_of = address

    @property
    def _address(self) -> KafkaAddress:
        return self._address_of()

    async def all(self) -> Sequence[Group]:
        """Every group with its lag."""
        from common.bus import groups

        found = [await _asked(groups.group(self._address, name)) for name in await _asked(groups.names(self._address))]
        return [one for one in found if one is not None]

    async def one(self, name: str) -> Group:
        """One group with its lag."""
        from common.bus import groups

        found = await _asked(groups.group(self._address, name))
        if found is None:
            raise _unknown(f"There is no group {name[:100]}.")
        return found

    async def seek(self, name: str, topic: str, to: str | datetime, *, execute: bool) -> Seek:
        """The plan; executed only where no member is active."""
        from common.bus import groups

        group = await self.one(name)
        moves = await _asked(groups.moves(self._address, name, topic, to))
        if not moves:
            raise _unknown(f"There is no topic {topic[:100]}.")
        if execute:
            await self._commit(name, {(move.topic, move.partition): move.after for move in moves})
        return Seek(name, group.members, moves, execute)

    async def restore(self, name: str, offsets: Mapping[tuple[str, int], int], *, execute: bool) -> Seek:
        """Offsets that were exported before; those that a topic has no more are moved to what it has."""
        from common.bus import groups

        group = await self.one(name)
        found: list[Move] = []
        for topic in sorted({place[0] for place in offsets}):
            there = await _asked(groups.moves(self._address, name, topic, "latest"))
            found += [_restored(move, offsets) for move in there if (move.topic, move.partition) in offsets]
        if not found:
            raise _unknown("None of these partitions is there.")
        if execute:
            await self._commit(name, {(move.topic, move.partition): move.after for move in found})
        return Seek(name, group.members, found, execute)

    async def _commit(self, name: str, offsets: Mapping[tuple[str, int], int]) -> None:
        from common.bus import groups

        try:
            await _asked(groups.commit(self._address, name, offsets))
        except groups.GroupActive as active:
            words = f"{name} has active members: {active}."
            raise Refusal(409, record_codes.GROUP_ACTIVE, words) from active


def _restored(move: Move, offsets: Mapping[tuple[str, int], int]) -> Move:
    from dataclasses import replace

    wanted = offsets[move.topic, move.partition]
    return replace(move, after=min(max(wanted, move.begin), move.end))


async def _asked(work: Awaitable[T]) -> T:
    try:
        return await work
    except Transient as away:
        raise Refusal(503, CODES[away.code], away.message, retry_after_s=5) from away


def _unknown(words: str) -> Refusal:
    return Refusal(404, record_codes.GROUP_UNKNOWN, words)
