"""Gives invoices that name no deal to the one open deal of their account that fits (decision 78).

In: `flow.deal_due`, which whoever changes an invoice, a deal or a link adds to in the same transaction. Out: what the invoice tells of the deal, as
if it had named it, and the wishes that follow (R9). Durable with one transaction a page: who was due is so no more, what is told, and what the
journal says of it. A crash before the commit leaves them due; one after it leaves wishes that the republisher sends. It decides by what is
committed when it looks; whatever is committed later is due again. Nothing is decided before invoices and deals were read whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from common.clock import Clock
from common.contracts.facts import INVOICE
from common.contracts.ids import RecordId
from common.contracts.messages import Lane
from common.contracts.money import decimal_of
from common.contracts.open_deals import CHOSEN, read_besides
from common.journal import Entry, Step, write
from common.state import feeding
from common.state.configuration import Configuration, ConfigurationReader
from common.state.polls import Polled
from common.state.pool import DbConnection, Pool, transaction
from mapper import deal_rows, feed_rows, state_rows
from mapper.deal_causes import ChoosingLeg, choosing_legs
from mapper.deal_rows import CUSTOMER, InvoiceRow
from mapper.entering import enter_changes
from mapper.facts import NOT_COUNTED
from mapper.feed_rows import told_by
from mapper.judging import judge
from mapper.mappings import Mappings
from mapper.merged_batch import MergedBatch
from mapper.open_deals import AccountDeal, ChosenDeal, UnnamedInvoice, decide
from mapper.pairing import Pairing
from mapper.publisher import Publisher
from mapper.state_rows import Key
from mapper.telling import whom
from mapper.wanted_rows import Cause
from vendors.feeds import Feed
from vendors.registry import vendor_named

EVERY_S = 1.0
PAGE = 200


@dataclass(frozen=True, slots=True)
class _Decided:
    """What was decided of the invoices of one leg's customers."""

    rows: Mapping[RecordId, InvoiceRow]
    choices: Mapping[RecordId, ChosenDeal]

    @property
    def moved(self) -> dict[RecordId, RecordId | None]:
        """Those that are for another deal than before, or for none."""
        return {one: choice.deal for one, choice in self.choices.items() if choice.deal != _chosen(self.rows[one])}


class DealChoosing:
    """Decides a page of customers at a time."""

    def __init__(
        self, pool: Pool, clock: Clock, configuration: ConfigurationReader, mappings: Mappings, publisher: Publisher
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._configuration = configuration
        self._mappings = mappings
        self._publisher = publisher

    async def step(self) -> bool:
        """One page; False when nobody is due."""
        async with transaction(self._pool) as tx:
            if not await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended('deal choosing', 0))"):
                return False
            due = await deal_rows.take(tx, PAGE)
            raised = await self._decide(tx, due) if due else []
        if raised:
            await self._publisher.publish(raised)
        return bool(due)

    async def _decide(self, tx: DbConnection, due: Sequence[Key]) -> list[Key]:
        now, raised = self._clock.now(), list[Key]()
        configuration = await self._configuration.read(tx)
        cause = Cause(now, Lane.LIVE if len(due) < PAGE else Lane.BACKFILL)
        for one in choosing_legs(configuration):
            if await _is_read(tx, one):
                decided = await _decided(tx, configuration, one, due)
                await _say(tx, one, decided, now)
                raised += await self._tell(tx, configuration, one, decided.moved, cause)
        return raised

    async def _tell(
        self,
        tx: DbConnection,
        configuration: Configuration,
        one: ChoosingLeg,
        moved: Mapping[RecordId, RecordId | None],
        cause: Cause,
    ) -> list[Key]:
        """Invoices before deals, as every batch locks them."""
        if not moved:
            return []
        keys = {Key(one.leg.source, INVOICE, record): deal for record, deal in moved.items()}
        await state_rows.judging(tx, list(keys))
        states = await state_rows.lock_known(tx, list(keys))
        before = await feed_rows.stored(tx, keys)
        feed = _feed(configuration, one)
        after = {key: told_by(state, key, feed, keys[key]) for key, state in states.items() if not state.redacted}
        news = {key: told for key, told in after.items() if told != before.get(key, {})}
        await feed_rows.replace(tx, news)
        told = {
            Key(key.connection, *its): cause for key in news for its in whom(before.get(key, {}), news[key])
        }  # fmt: skip
        return await self._judge(tx, told, feed, cause.happened_at) if told else []

    async def _judge(self, tx: DbConnection, told: Mapping[Key, Cause], feed: Feed, now: datetime) -> list[Key]:
        merged = MergedBatch(now)
        merged.add((), await state_rows.lock(tx, sorted(told), now))
        merged.gather(told, {INVOICE: feed})
        if merged.changed:
            await state_rows.save(tx, merged.changed, now)
        configuration = await self._configuration.read(tx)  # R9: after the locks
        states = {key: state for key, state in merged.states.items() if not state.redacted}
        pairing = await Pairing.of(tx, configuration, self._mappings, states, now)
        pairing.recall(merged.known)
        judged = await judge(tx, configuration, self._mappings, states, told, now, pairing=pairing)
        raised = [one for one in judged.all if one.revision]
        await enter_changes(tx, raised, {one.key: [None] for one in raised}, now)
        await write(tx, judged.entries)
        return [one.key for one in raised]


async def arrived(tx: DbConnection, configuration: Configuration, polled: Iterable[Polled]) -> None:
    """These have been read whole: of everybody who has a deal it is decided now."""
    whole = set(polled)
    for one in choosing_legs(configuration):
        if whole & _needed(one):
            await deal_rows.mark_all(tx, one.leg.target)


def _needed(one: ChoosingLeg) -> set[Polled]:
    return {Polled(one.leg.source, INVOICE, one.leg.source_place), *(Polled(*its) for its in read_besides(one.leg))}


async def _is_read(tx: DbConnection, one: ChoosingLeg) -> bool:
    """By half of the invoices or half of the deals one would seem to be the only one."""
    return _needed(one) <= await feeding.ready(tx, [one.leg.source, one.leg.target])


async def _decided(tx: DbConnection, configuration: Configuration, one: ChoosingLeg, due: Sequence[Key]) -> _Decided:
    """A constant number of statements, however many customers."""
    leg, (left, right) = one.leg, _accounts(configuration, one)
    customers = {key.record for key in due if key[:2] == (leg.source, CUSTOMER)}
    there = [(key.entity, key.record) for key in due if key.connection == leg.target]
    customers |= await deal_rows.customers_of(tx, left, right, there)
    ends = await deal_rows.accounts_of(tx, left, right, customers)
    deals = await deal_rows.deals_of(tx, leg.target, {end for its in ends.values() for end in its})
    holders = await deal_rows.holders_of(tx, leg.source, deals.keys(), NOT_COUNTED)
    home = configuration.connections[leg.target].details.get("currency_code", "")
    rows = {row.record: row for row in await deal_rows.invoices_of(tx, leg.source, customers) if _is_open(row)}
    choices = dict[RecordId, ChosenDeal]()
    for customer in sorted(customers):
        its = ends.get(customer, set())
        own = [_deal(id, fields, home) for id, fields in sorted(deals.items()) if _belongs(fields, its)]
        unnamed = [_invoice(row) for row in rows.values() if row.customer == customer]
        choices |= decide(unnamed, own, holders, one.rule, linked=bool(its))
    return _Decided(rows, choices)


async def _say(tx: DbConnection, one: ChoosingLeg, decided: _Decided, now: datetime) -> None:
    """The journal of an invoice says for which deal it is and why, or why for none."""
    moved = decided.moved
    said = {
        record: f"For deal {choice.deal}: {choice.words}." if choice.deal else f"For its account only: {choice.words}."
        for record, choice in decided.choices.items()
        if choice.deal is None or record in moved
    }
    news = await deal_rows.say(tx, one.leg.source, said) if said else []
    entries = [
        Entry(
            at=now, step=Step.LINKED if decided.choices[record].deal else Step.UNLINKED, reason=CHOSEN, words=said[record],
            sync=one.leg.sync, connection=one.leg.source, entity=INVOICE, record=record,
            details={"deal": decided.choices[record].deal or ""},
        )
        for record in news
    ]  # fmt: skip
    await write(tx, entries)


def _accounts(configuration: Configuration, one: ChoosingLeg) -> tuple[str, str]:
    ends = (configuration.connections[id] for id in (one.leg.source, one.leg.target))
    left, right = (vendor_named(end.vendor).account(end) for end in ends)
    return left, right


def _feed(configuration: Configuration, one: ChoosingLeg) -> Feed:
    source = vendor_named(configuration.connections[one.leg.source].vendor).source
    assert source is not None, "a leg starts from it"
    return source.feeds[INVOICE]


def _chosen(row: InvoiceRow) -> RecordId | None:
    return row.deal if row.rule == CHOSEN else None


def _is_open(row: InvoiceRow) -> bool:
    """Whether it is to be decided: it was sent, and names no deal by itself."""
    return row.fields.get("status") not in NOT_COUNTED and (row.deal is None or row.rule == CHOSEN)


def _belongs(fields: Mapping[str, Any], ends: Iterable[tuple[str, RecordId]]) -> bool:
    account, contact = fields.get("customer_id"), fields.get("person_id")
    return any(id == (account if entity == CUSTOMER else None if account else contact) for entity, id in ends)


def _invoice(row: InvoiceRow) -> UnnamedInvoice:
    fields = row.fields
    total = decimal_of(fields.get("total") or "0")
    return UnnamedInvoice(
        row.record, total, str(fields.get("currency") or ""), _day(fields.get("issued_on")), _chosen(row)
    )


def _deal(id: RecordId, fields: Mapping[str, Any], home: str) -> AccountDeal:
    """An account with one currency tells none with its deals."""
    amount = fields.get("amount")
    day = _day(fields.get("closes_on")) or _day(fields.get("created_at"))
    known = decimal_of(amount) if amount not in (None, "") else None
    return AccountDeal(id, known, str(fields.get("currency") or home), day, str(fields.get("stage") or ""))


def _day(value: Any) -> date | None:
    return date.fromisoformat(value[:10]) if isinstance(value, str) and value else None
