"""All invoices of an organisation, two hundred a call: what their list shows of them, by their ids.

A list has no lines and no payments, and our key only where the field is switched on for lists. So a row says what it came to, what is left to pay
and whether it is posted; whatever of it is not as we know it is looked at by id, and judged then (decision 41).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from common.contracts.ids import Entity
from common.http.call import Api
from vendors.answers import reading
from vendors.target_listing import TargetPage
from vendors.target_record import TargetRecord
from vendors.vendor import Cursor
from vendors.zoho_books import invoice_wire, wire
from vendors.zoho_books.invoice_paths import ADJUSTMENT, BALANCE, STATUS
from vendors.zoho_books.listing import ListReading, rows_of

_INVOICE = Entity("invoice")
# What else a posted invoice is called follows from its balance and the day.
_TOLD = frozenset({"draft", "void"})


class InvoiceListing:
    """Lists invoices, by the time of their creation: whoever slips is looked at by key, as somebody missing."""

    async def pages(self, place: str, since: str, api: Api) -> AsyncIterator[TargetPage]:
        reader = ListReading(_INVOICE, Cursor(since) if since else None)
        while not reader.over:
            answer = await api.call(replace(reader.call(), priority="backfill"))
            with reading(answer):
                rows, _ = rows_of(answer, reader.reader)
                parts = [_part(row) for row in rows]
            yield TargetPage({}, reader.page(answer).next or "", parts=parts)


def _part(row: Mapping[str, Any]) -> TargetRecord:
    status = str(row["status"])
    sums = {name: invoice_wire.amount_of(row, name) for name in ("total", BALANCE, ADJUSTMENT) if name in row}
    told = {**sums, **({STATUS: status} if status in _TOLD else {})}
    return TargetRecord(exists=True, id=str(row["invoice_id"]), seen=told, stamp=wire.stamp(row))
