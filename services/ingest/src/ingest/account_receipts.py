"""What receipts tell that no read can tell: that we are let in no more, that a person asks, that people have to know something, who was merged.

Stored in the transaction of its batch; each can be stored again, so a batch that comes twice tells it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.contracts.ids import ConnectionId
from common.contracts.messages import Receipt
from common.state import channels, merged_records, privacy
from common.state.merged_records import MergedRecord
from common.state.pool import DbConnection
from common.state.privacy import PrivacyRow
from ingest import notices
from vendors.notices import AccountNotice
from vendors.vendor import ReceiptReading

Read = Sequence[tuple[Receipt, ReceiptReading]]


class AccountReceipts:
    """Remembers which notices this process has stored: each receipt may give cause for the same one."""

    def __init__(self) -> None:
        self._stored: set[tuple[ConnectionId, AccountNotice]] = set()

    def tells(self, found: Read) -> bool:
        """Whether any of it is to be stored."""
        return bool(_doubted(found) or _asked(found) or _merged(found) or self._untold(found))

    async def store(self, tx: DbConnection, found: Read, now: datetime) -> None:
        """What a vendor says of an account, a call decides: the next audit of its webhooks is the next call."""
        if doubted := _doubted(found):
            await channels.soon(tx, doubted, now)
        if asked := _asked(found):
            await privacy.ask(tx, asked, now)
        await merged_records.merge(tx, _merged(found), now)
        for connection, notice in sorted(self._untold(found), key=lambda one: (one[0], one[1].kind)):
            await notices.tell(tx, connection, [notice], now)

    def stored(self, found: Read) -> None:
        """The transaction is committed."""
        self._stored |= self._untold(found)

    def _untold(self, found: Read) -> set[tuple[ConnectionId, AccountNotice]]:
        return {(receipt.connection, one) for receipt, reading in found for one in reading.notices} - self._stored


def _doubted(found: Read) -> list[ConnectionId]:
    return sorted({receipt.connection for receipt, reading in found if reading.doubts_access})


def _asked(found: Read) -> list[PrivacyRow]:
    """Under the receipt's id: a repeat asks nothing more."""
    return [
        PrivacyRow(one.id, one.connection, reading.privacy.kind, reading.privacy.reference, reading.privacy.records)
        for one, reading in found
        if reading.privacy
    ]


def _merged(found: Read) -> list[MergedRecord]:
    return [MergedRecord(one.connection, *merged) for one, reading in found for merged in reading.merged]
