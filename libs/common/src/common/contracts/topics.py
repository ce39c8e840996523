"""What a topic is, and which there are for a vendor; the list itself is made from the registry of vendors (`vendors.registry.TOPICS`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from common.contracts.messages import ChangeEvent, Message, Receipt, WriteCommand

Stage = Literal["receipts", "changes", "commands"]

PARTITIONS = 12
"""Fixed at creation: another count would move keys to other partitions."""

MAX_MESSAGE_BYTES = 3 * 1024 * 1024
"""A webhook body of 2 MiB in base64, with its headers; producers, topics and consumers all go by it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: what it carries, by which key, in how many partitions, for how long."""

    name: str
    stage: Stage
    vendor: str
    message: type[Message]
    key: str
    meaning: str
    partitions: int = PARTITIONS
    retention: timedelta = timedelta(days=30)
    max_bytes: int = MAX_MESSAGE_BYTES


def receipts(vendor: str) -> Topic:
    return Topic(
        f"receipts.{vendor}", "receipts", vendor, Receipt, "{connection}:{entity}:{record_id}",
        f"Verified webhook requests of {vendor}, byte for byte.",
    )  # fmt: skip


def changes(vendor: str) -> Topic:
    return Topic(
        f"changes.{vendor}", "changes", vendor, ChangeEvent, "{connection}:{entity}:{record_id}",
        f"States of records at {vendor}, in neutral words.",
    )  # fmt: skip


def commands(vendor: str) -> Topic:
    return Topic(
        f"commands.{vendor}", "commands", vendor, WriteCommand, "{sync}:{leg}:{record_id}",
        f"What records shall look like at {vendor}.",
    )  # fmt: skip


def declared(sources: Iterable[str], targets: Iterable[str]) -> Iterator[Topic]:
    """Every topic of an installation that reads from these vendors and writes to those."""
    for vendor in sources:
        yield receipts(vendor)
        yield changes(vendor)
    for vendor in targets:
        yield commands(vendor)
