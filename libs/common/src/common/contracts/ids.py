"""Ids as types of their own, and the ids that are derived so that a repeat carries the same one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NewType

import orjson

ConnectionId = NewType("ConnectionId", str)
SyncId = NewType("SyncId", str)
RecordId = NewType("RecordId", str)
Entity = NewType("Entity", str)
EventId = NewType("EventId", str)
CommandId = NewType("CommandId", str)
RunId = NewType("RunId", str)
VendorName = NewType("VendorName", str)


def content_hash(content: Mapping[str, object] | list[object]) -> str:
    """The same content has the same hash, whatever the order of its keys."""
    return hashlib.blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def derived_id(*parts: str) -> str:
    """A short id that is a function of its parts; the separator cannot occur in a part's meaning."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def change_key(connection: ConnectionId, entity: Entity, record: RecordId) -> str:
    """The Kafka key of receipts and changes: one record, one partition."""
    return f"{connection}:{entity}:{record}"


def command_key(sync: SyncId, entity: Entity, record: RecordId) -> str:
    """The Kafka key of commands: one record of one sync, one partition."""
    return f"{sync}:{entity}:{record}"
