"""Which deal an invoice is for that names none: the one open deal of its account that fits, else none, and in words why. Pure.

A wrong deal is worse than none: wherever more than one deal or more than one invoice could be meant, the invoice stays with its account. What
was chosen once stays, also when the deal is won, its amount is edited or another one comes that would fit as well: the sale goes on, and
the invoice was for it. It ends when the deal is gone or is another account's, or when the invoice is another customer's or names a deal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from common.contracts.ids import RecordId
from common.contracts.open_deals import OpenDealRule

SHOWN = 5
NO_ACCOUNT = "its customer is linked to no account"
NO_OPEN = "its account has no open deal"


class UnnamedInvoice(NamedTuple):
    """An invoice that was sent and names no deal, and the deal that was chosen for it before."""

    record: RecordId
    total: Decimal
    currency: str
    issued_on: date | None
    chosen: RecordId | None = None


class AccountDeal(NamedTuple):
    """A deal of the customer's account."""

    record: RecordId
    amount: Decimal | None
    currency: str
    on: date | None
    """When it is to be closed; where nobody has said so, when it was entered."""
    stage: str


class ChosenDeal(NamedTuple):
    """The deal, or none; and why, as a part of a sentence."""

    deal: RecordId | None
    words: str


def decide(
    invoices: Sequence[UnnamedInvoice],
    deals: Sequence[AccountDeal],
    holders: Mapping[RecordId, Collection[RecordId]],
    rule: OpenDealRule,
    *,
    linked: bool = True,
) -> dict[RecordId, ChosenDeal]:
    """Of all invoices and all deals of one customer. `holders`: by deal, the invoices that count for it so far."""
    there = {deal.record for deal in deals}
    open_ones = [deal for deal in deals if deal.stage not in rule.closed]
    kept = {one.record: one.chosen for one in invoices if one.chosen in there}
    fitting = {
        one.record: [deal.record for deal in open_ones if fits(one, deal, rule)]
        for one in invoices
        if one.record not in kept
    }
    meant = Counter(its[0] for its in fitting.values() if len(its) == 1)
    found = {record: ChosenDeal(deal, "it was chosen before") for record, deal in kept.items()}
    for record, its in fitting.items():
        reason = _doubt(record, its, meant, holders, rule) if open_ones else NO_OPEN if linked else NO_ACCOUNT
        found[record] = ChosenDeal(None, reason) if reason else ChosenDeal(its[0], f"the one open deal {_within(rule)}")
    return found


def fits(invoice: UnnamedInvoice, deal: AccountDeal, rule: OpenDealRule) -> bool:
    """Near enough in its amount and its day; of two currencies no amounts compare."""
    if not deal.amount or deal.amount < 0 or deal.on is None or invoice.issued_on is None:
        return False
    if invoice.currency and deal.currency and invoice.currency != deal.currency:
        return False
    near = abs(invoice.total - deal.amount) * 100 <= deal.amount * rule.percent
    return near and abs((invoice.issued_on - deal.on).days) <= rule.days


def _doubt(
    record: RecordId,
    fitting: Sequence[RecordId],
    meant: Mapping[RecordId, int],
    holders: Mapping[RecordId, Collection[RecordId]],
    rule: OpenDealRule,
) -> str:
    """Why it is none, in words; empty where exactly one is meant."""
    if not fitting:
        return f"no open deal of its account is {_within(rule)}"
    if len(fitting) > 1:
        more = ", ..." if len(fitting) > SHOWN else ""
        return f"several open deals are {_within(rule)}: {', '.join(sorted(fitting)[:SHOWN])}{more}"
    if set(holders.get(fitting[0], ())) - {record}:
        return f"deal {fitting[0]}, which fits, has another invoice"
    return f"deal {fitting[0]} fits several invoices" if meant[fitting[0]] > 1 else ""


def _within(rule: OpenDealRule) -> str:
    return f"within {rule.percent} % and {rule.days} days"
