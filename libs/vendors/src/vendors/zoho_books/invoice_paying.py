"""The payments of an order's invoice, one for each successful transaction and never above the balance: pure.

Whether a payment is taken for a draft, and posts it, the vendor's documents do not say. So an organisation is asked by the first order that
is paid: it is paid as a draft, and looked at afterwards. Where that is refused, or leaves it a draft, it is posted all the same. Every later
plan knows what came of it (`Work.lessons`). An organisation that refuses later what it took before is posted to first from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from common.contracts.orders import Order, OrderTransaction
from vendors.absorbing import Absorbed, ActDone, Fact, Refused, Seen
from vendors.acts import Act, Nothing, Step, Work
from vendors.order_sums import of
from vendors.target_record import TargetRecord
from vendors.zoho_books import invoice_codes as codes
from vendors.zoho_books import invoicing
from vendors.zoho_books.invoice_codes import refused
from vendors.zoho_books.invoice_paths import BALANCE, CONTENT, DRAFTS_TAKE_PAYMENTS, PAYMENT, STATUS, is_credit
from vendors.zoho_books.invoicing import SIDE

_TRIES, _TRIED, _POST_FIRST = "tries", "tried", "post_first"


def of_draft(work: Work, known: TargetRecord, order: Order) -> Act | None:
    """The payment that posts a draft; None where nothing was paid, or where the draft has to be posted first."""
    takes = work.lessons.get(DRAFTS_TAKE_PAYMENTS)
    due = next(iter(_received(order)), None)
    if due is None or takes is False or known.memory.get(_POST_FIRST) or any(_paths(known)):
        return None
    if not Decimal(known.seen[BALANCE]):
        return None
    paid = _pay(work, known, order, due)
    if takes:
        return replace(paid, values={**paid.values, STATUS: "sent"})
    return replace(paid, memory={**paid.memory, _TRIES: True})


def of_posted(work: Work, known: TargetRecord, order: Order, *, is_decided: bool = False) -> Step:
    """Children are a set by the shop's own ids of transactions. `is_decided`: that the order comes to something else is meant to be so."""
    if not is_decided and Decimal(known.seen["total"]) != invoicing.expected(order).total:
        raise refused(codes.ZB_INVOICE_EDITED, f"It comes to {known.seen['total']}.")
    for one in _received(order):
        if PAYMENT + one.id in known.seen:
            continue
        if _by_hand(known, order):
            raise refused(codes.ZB_PAYMENT_BY_HAND)
        return _pay(work, known, order, one)
    return Nothing()


def _pay(work: Work, known: TargetRecord, order: Order, one: OrderTransaction) -> Act:
    balance = Decimal(known.seen[BALANCE])
    amount = min(of(one.amount, SIDE), balance)
    if amount <= 0:
        raise refused(
            codes.ZB_PAYMENT_BEYOND, f"{of(one.amount, SIDE):f} {order.presentment_currency}, transaction {one.id}."
        )
    return act("pay", work.key, _payment(one, amount, balance, order), known)


def _by_hand(known: TargetRecord, order: Order) -> bool:
    """Payments that are none of the shop's transactions."""
    ours = {PAYMENT + one.id for one in order.transactions or ()}
    return any(path not in ours for path in _paths(known))


def _paths(known: TargetRecord) -> list[str]:
    return [path for path in known.seen if path.startswith(PAYMENT)]


def _received(order: Order) -> list[OrderTransaction]:
    money = [
        t for t in order.transactions or () if t.kind in ("sale", "capture") and t.status == "success" and not t.test
    ]
    return sorted((t for t in money if of(t.amount, SIDE) > 0), key=lambda one: one.id)


def _payment(one: OrderTransaction, amount: Decimal, balance: Decimal, order: Order) -> dict[str, Any]:
    day = one.processed_at or order.placed_at
    told = {
        "amount": invoicing.text(amount),
        "mode": one.gateway or "others",
        "date": day.date().isoformat() if day else "",
    }
    return {PAYMENT + one.id: told, BALANCE: invoicing.text(balance - amount)}


def act(action: str, key: str, values: Mapping[str, Any], known: TargetRecord) -> Act:
    sent = {"id": known.id, **({} if action != "pay" else {CONTENT: known.seen[CONTENT], STATUS: known.seen[STATUS]})}
    return Act(action, key, values, memory=sent)


def is_settled(known: TargetRecord, others: Mapping[str, TargetRecord]) -> bool:
    """Whether any money or credit stands against the invoice, so that it cannot be made void."""
    return any(_paths(known)) or any(one.exists and is_credit(key) for key, one in others.items())


def is_for_draft(one: Act) -> bool:
    return one.action == "pay" and one.memory[STATUS] == "draft"


def learnt(absorbed: Absorbed, fact: Fact) -> Absorbed:
    """What the fact teaches of payments for drafts; `absorbed` is what it has come to without that."""
    known = absorbed.record
    match fact:
        case Refused() if fact.failure.code == codes.ZB_DRAFT_TAKES_NO_PAYMENT.name:
            return replace(absorbed, record=_noted(known, **{_POST_FIRST: True}))
        case ActDone() if fact.act.action == "pay" and fact.act.memory.get(_TRIES):
            # Its answer does not tell what the invoice is now.
            return replace(absorbed, record=replace(_noted(known, **{_TRIED: True}), doubtful=True))
        case ActDone() if fact.act.action == "pay" and known.memory.get(_POST_FIRST):
            # What was refused for the draft was taken once it was posted: so that was why.
            noted = _noted(known, **{_POST_FIRST: False})
            return replace(absorbed, record=noted, lessons={DRAFTS_TAKE_PAYMENTS: False})
        case Seen() if known.memory.get(_TRIED) and any(_paths(known)):
            posted = known.seen[STATUS] != "draft"
            return replace(absorbed, record=_noted(known, **{_TRIED: False}), lessons={DRAFTS_TAKE_PAYMENTS: posted})
        case _:
            return absorbed


def _noted(known: TargetRecord, **notes: bool) -> TargetRecord:
    return replace(known, memory={**known.memory, **notes})
