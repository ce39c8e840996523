"""Which of the commands of a batch is the newest of its record, and what it does to the row that is stored (R1, R7, R8). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.bus.handler import Delivered
from common.contracts.messages import WriteCommand
from writing.items import ItemKey, Locked


def key_of(command: WriteCommand) -> ItemKey:
    """The record that it is about."""
    return ItemKey(command.sync, command.entity, command.record)


def newest(
    batch: Sequence[Delivered[WriteCommand]], stored: Mapping[ItemKey, Locked]
) -> tuple[dict[ItemKey, Delivered[WriteCommand]], list[tuple[Delivered[WriteCommand], int]]]:
    """The highest revision of each record, and those that are older than what is known, with what they are older than."""
    newest: dict[ItemKey, Delivered[WriteCommand]] = {}
    passed_over: list[tuple[Delivered[WriteCommand], int]] = []
    for item in sorted(batch, key=lambda one: one.message.revision, reverse=True):
        key = key_of(item.message)
        first = newest.setdefault(key, item)
        known = max(first.message.revision, stored[key].revision if key in stored else 0)
        if item.message.revision < known:
            passed_over.append((item, known))
    return {k: i for k, i in newest.items() if k not in stored or i.message.revision >= stored[k].revision}, passed_over


def opens(item: Delivered[WriteCommand], stored: Mapping[ItemKey, Locked]) -> bool:
    """R8: whether it makes a row ready whose revision has ended; what is on its way ends as whatever it was."""
    before = stored.get(key_of(item.message))
    return (
        before is not None and before.state in ("done", "dead", "parked") and before.revision == item.message.revision
    )


def replaces(item: Delivered[WriteCommand], stored: Mapping[ItemKey, Locked]) -> bool:
    """Whether an older wish is dropped that nobody had begun to work on."""
    before = stored.get(key_of(item.message))
    return (
        before is not None
        and before.state in ("ready", "waiting", "awaiting", "parked", "dead")
        and before.revision < item.message.revision
    )
