"""Reads a day's figures, and what waits now, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from common.contracts.connections import Connection
from common.contracts.ids import Entity, RecordId, VendorName
from common.state import pool as state
from common.state.stuck_items import StuckFilter, StuckItem, StuckItems
from console.state import summary_figures as rows
from console.state.summary_figures import AmountRow, LegName, LegRow
from console.summaries.days import Day
from console.summaries.figures import Amount, Blocked, Figures, LegFigures, Stuck, SyncWaiting
from vendors.vendor import Vendor

MOST_SHOWN = 20
_MOST_COUNTED = 1_000_000


class DayFigures:
    """`api_url` is where people reach this installation's API; empty: failures are named by their commands alone."""

    def __init__(self, vendors: Mapping[VendorName, Vendor], api_url: str) -> None:
        self._vendors = vendors
        self._money = {name: vendor.money for name, vendor in vendors.items() if vendor.money}
        self._api_url = api_url

    async def read(self, tx: state.DbConnection, day: Day) -> Figures:
        await rows.take_time(tx)
        legs = await rows.legs(tx, day.begins_at, day.ends_at)
        amounts = await rows.amounts(tx, self._money, day.begins_at, day.ends_at)
        items = StuckItems(tx)
        return Figures(
            legs=_legs(legs, amounts),
            waiting=tuple(
                SyncWaiting(sync=name, waiting=waits, stuck=stuck) for name, waits, stuck in await rows.waiting(tx)
            ),
            blocked=tuple(
                Blocked(connection=one.connection, reason=one.reason, since=one.since, words=one.words)
                for one in await rows.blocked(tx)
            ),
            stuck=await self._stuck(tx, await items.newest(StuckFilter(), limit=MOST_SHOWN), legs),
            stuck_count=await items.count(StuckFilter(), _MOST_COUNTED),
            letters_open=await rows.letters_open(tx),
        )

    async def _stuck(
        self, tx: state.DbConnection, items: Sequence[StuckItem], legs: Sequence[LegRow]
    ) -> tuple[Stuck, ...]:
        names = {leg.key.sync: leg.sync_name for leg in legs}
        sources = await rows.connections(tx, {one.source for one in items})
        entities = {leg.key: leg.source_entity for leg in legs}
        return tuple(
            Stuck(
                id=one.id, sync=names.get(one.sync, one.sync), record=one.record, code=one.code, since=one.last_at,
                page=self._page(sources.get(one.source), entities.get(LegName(one.sync, one.entity), ""), one.record),
                link=f"{self._api_url}/api/v1/dead-letters/{quote(one.id)}" if self._api_url else "",
                command=f"millrace dead-letter show {one.id}",
            )
            for one in items
        )  # fmt: skip

    def _page(self, source: Connection | None, entity: str, record: str) -> str:
        page = self._vendors[source.vendor].page if source is not None and source.vendor in self._vendors else None
        return page(source, Entity(entity), RecordId(record)) if page is not None and source is not None else ""


def _legs(legs: Sequence[LegRow], amounts: Sequence[AmountRow]) -> tuple[LegFigures, ...]:
    return tuple(
        LegFigures(
            sync=leg.sync_name, leg=leg.key.leg, becomes=leg.becomes, arrived=leg.arrived, created=leg.created,
            updated=leg.updated, failed=leg.failed, amounts=tuple(_amount(one) for one in amounts if one.key == leg.key),
        )
        for leg in legs
    )  # fmt: skip


def _amount(one: AmountRow) -> Amount:
    return Amount(word=one.word, currency=one.currency, amount=one.amount, count=one.count, unknown=one.unknown)
