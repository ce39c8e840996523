"""How a member of an audience is named: by the MD5 of its lower-cased address, here and at Mailchimp."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from common.contracts.ids import RecordId


class MemberId(NamedTuple):
    """One address in one audience."""

    audience: str
    hash: str

    @property
    def record(self) -> RecordId:
        """As a record id: no address in it, because record ids stand in keys, headers and spans."""
        return RecordId(f"{self.audience}.{self.hash}")


def key_of(email: str) -> str:
    """The key by which two spellings of an address are one member."""
    return email.strip().lower()


def subscriber_hash(email: str) -> str:
    """The vendor's id of a member inside an audience (sheet, section 3)."""
    return hashlib.md5(key_of(email).encode(), usedforsecurity=False).hexdigest()


def member_of(audience: str, email: str) -> MemberId:
    return MemberId(audience, subscriber_hash(email))


def parsed(record: str) -> MemberId | None:
    """The member that a record id names, None when it names none."""
    audience, _, digest = record.partition(".")
    return MemberId(audience, digest) if audience and len(digest) == 32 else None
