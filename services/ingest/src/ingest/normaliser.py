"""Receipts become change events; thin ones become reads by id. Nothing is dropped: what cannot be read is a dead letter.

In: receipts, in the order of their records. Out: change events. Durable first, with a commit: what has to be read by id, a row of
`flow.read_request` with what the receipt has told (decision 57). Durable then, by the broker's acknowledgement: the events; and only after that
Kafka is told how far we are. A receipt that tells its record by itself leaves no row, so this group's place is Kafka's and not the database's
(decision 17).

A crash before Kafka is told reads the batch again: its rows are there already, and its changes are sent twice under the same event ids,
which the mapper finds to be duplicates. What a vendor sends again is known for a while (`repeats.py`) and costs nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from common import failpoints
from common.bus.handler import Delivered
from common.bus.producer import Outgoing
from common.bus.record import RawRecord
from common.clock import Clock
from common.contracts.messages import Receipt
from common.contracts.topics import receipts
from common.failures import Rejected
from common.state import own_writes, read_requests
from common.state.pool import DbConnection
from common.state.read_requests import ReadRecord, ReadRequest
from ingest.account_receipts import AccountReceipts
from ingest.publishing import change_event, outgoing
from ingest.repeats import Repeats
from ingest.sends import SendsAll, Wakes
from vendors.vendor import ReceiptReading, Source, State, Subject, Vendor

GROUP = "ingest-normaliser"


class ReceiptHandler:
    """Consumes the receipts of one vendor."""

    group = GROUP

    def __init__(self, vendor: Vendor, source: Source, producer: SendsAll, reader: Wakes, clock: Clock) -> None:
        self.topic = receipts(vendor.name)
        self._source = source
        self._producer = producer
        self._reader = reader
        self._clock = clock
        self._read: dict[int, tuple[Delivered[Receipt], ReceiptReading | Rejected]] = {}
        self._known = set[ReadRecord]()
        self._repeats = Repeats()
        self._accounts = AccountReceipts()

    def parse(self, record: RawRecord) -> Receipt:
        """Reads one record."""
        return Receipt.model_validate_json(record.value or b"")

    def stores(self, batch: Sequence[Delivered[Receipt]]) -> bool:
        """Most receipts tell their record by themselves: nothing has to be asked for them, and nothing stored."""
        self._read.clear()
        return bool(self._asks(batch)) or self._accounts.tells(self._found(batch))

    async def store(self, batch: Sequence[Delivered[Receipt]], tx: DbConnection) -> None:
        """Asks for what the receipts do not tell and nobody knows; refuses what cannot be read."""
        asks = self._asks(batch)
        heard = [one for one in asks if one.heard is not None]
        self._known = await read_requests.known(tx, heard) if heard else set()
        asks = [one for one in asks if one.heard is None or one.whose not in self._known]
        asks = await self._after_our_writes(tx, asks)
        if asks:
            await read_requests.ask(tx, asks, self._clock.now())
        await self._accounts.store(tx, self._found(batch), self._clock.now())

    async def _after_our_writes(self, tx: DbConnection, asks: Sequence[ReadRequest]) -> list[ReadRequest]:
        """R16: of a record to which a write of ours is under way nothing is judged before a settled read, and that is asked for with its end.
        A read at once would be one more, and decide nothing; so one that tells of such a record waits until its second is over."""
        under_way = await own_writes.under_way(tx, [one.whose for one in asks if one.heard is None])
        return [
            replace(one, not_before=one.not_before + self._source.settles_after) if one.whose in under_way else one
            for one in asks
        ]

    def _found(self, batch: Sequence[Delivered[Receipt]]) -> list[tuple[Receipt, ReceiptReading]]:
        return [(item.message, reading) for item in batch if (reading := self._reading(item)) is not None]

    def _asks(self, batch: Sequence[Delivered[Receipt]]) -> list[ReadRequest]:
        now = self._clock.now()
        asks = []
        for item in batch:
            reading = self._reading(item)
            traceparent = (item.record.header("traceparent") or b"").decode("ascii", "replace")
            asks += [
                ReadRequest(
                    item.message.connection, thin.entity, thin.record, "detail", now, traceparent,
                    version=thin.heard.version.sequence if thin.heard else "", heard=thin.heard.fields if thin.heard else None,
                )
                for thin in (reading.thin if reading else ())
            ]  # fmt: skip
        return asks

    async def after(self, batch: Sequence[Delivered[Receipt]]) -> None:
        """Publishes what the receipts tell, and wakes the reader for the rest."""
        messages: list[Outgoing] = []
        for item in batch:
            reading = self._reading(item)
            if reading is None:
                continue
            receipt, known = item.message, [one for one in reading.thin if self._is_known(item.message, one)]
            # What is known already, or was newer, the mapper finds to be so.
            events = [
                change_event(receipt.connection, receipt.vendor, state, "webhook", receipt.id)
                for state in (*reading.states, *(_as_heard(receipt, one) for one in known))
            ]
            messages += [outgoing(event, cause=item.record) for event in events]
            if len(reading.thin) > len(known):
                self._reader.wake()
        await self._producer.send_all(messages)
        await failpoints.hit("normaliser.after_produce")
        self._accounts.stored(self._found(batch))
        for receipt, reading in self._found(batch):
            self._repeats.handled(receipt.id, reading.repeat_of)

    def _is_known(self, receipt: Receipt, thin: Subject) -> bool:
        return thin.heard is not None and (receipt.connection, thin.entity, thin.record) in self._known

    def _reading(self, item: Delivered[Receipt]) -> ReceiptReading | None:
        """Each receipt of a batch is read once, however often it is asked what it says."""
        if id(item) not in self._read:
            self._read[id(item)] = (item, self._said(item.message))
        _, found = self._read[id(item)]
        if isinstance(found, Rejected):
            item.reject(found)
            return None
        return found

    def _said(self, receipt: Receipt) -> ReceiptReading | Rejected:
        try:
            found = self._source.receipt(receipt)
        except Rejected as failure:
            return failure
        return ReceiptReading() if self._repeats.knows(receipt.id, found.repeat_of) else found


def _as_heard(receipt: Receipt, thin: Subject) -> State:
    assert thin.heard is not None
    return State(
        thin.entity, thin.record, "changed", thin.heard.version, "hook", thin.heard.fields, receipt.received_at
    )
