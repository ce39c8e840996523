"""What becomes of refunds once their order's invoice is posted and paid: pure.

`queue` asks a person. `credit_note` makes one credit note for each refund, under a key of its own and the order's lease: made once, compared to
the cent, given back by each successful transaction of the refund, and what is left of it set against what the invoice has still to be paid.
Whatever does not add up is a question, and nothing of it is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from common.contracts.orders import Order, OrderRefund, OrderTransaction
from vendors.acts import Act, Look, Nothing, Step, Work
from vendors.order_sums import of
from vendors.target_record import TargetRecord
from vendors.zoho_books import credit_content, invoicing
from vendors.zoho_books import invoice_codes as codes
from vendors.zoho_books.credit_content import Worth
from vendors.zoho_books.invoice_codes import refused
from vendors.zoho_books.invoice_paths import APPLIED, BALANCE, CONTENT, CREDIT, GIVEN, STATUS, credit_key, is_credit
from vendors.zoho_books.invoicing import SIDE, ZERO
from vendors.zoho_books.organisation_facts import OrganisationFacts

CREDIT_NOTE = "credit_note"
_NOTHING = TargetRecord()


def keys(key: str, document: Mapping[str, Any]) -> list[str]:
    """Of the credit notes that a document may ask for."""
    if document.get("refund") != CREDIT_NOTE:
        return []
    refunds = document.get("refunds") or ()
    return [credit_key(key, str(one["id"])) for one in refunds if isinstance(one, Mapping) and one.get("id")]


def next_step(work: Work, invoice: TargetRecord, order: Order, facts: OrganisationFacts) -> Step:
    """The first thing that is left to do for a refund."""
    if work.document.get("refund") != CREDIT_NOTE or order.refunds is None:
        return _asked(invoice, order)
    for one in sorted(order.refunds, key=lambda each: each.id):
        step = _of_refund(work, invoice, order, one, facts)
        if not isinstance(step, Nothing):
            return step
    return Nothing()


def is_wanted(work: Work) -> bool:
    return work.document.get("refund") == CREDIT_NOTE


def not_credited(invoice: TargetRecord, order: Order) -> Decimal:
    """What the refunds of a cancelled order leave of its invoice."""
    back = (credit_content.worth(order, one).goods + credit_content.tip(order, one) for one in order.refunds or ())
    return Decimal(invoice.seen["total"]) - sum(back, ZERO)


def _asked(invoice: TargetRecord, order: Order) -> Step:
    """A person decides; told is what went back, or what would have to be credited."""
    given = [t for t in order.transactions or () if t.kind == "refund" and t.status == "success" and not t.test]
    total = sum((of(t.amount, SIDE) for t in given), ZERO)
    goods = sum((credit_content.worth(order, one).goods for one in order.refunds or ()), ZERO)
    if total or goods:
        words = f"Given back: {total:f}; goods taken back: {goods:f} {order.presentment_currency}."
        codes.ask(invoice, codes.ZB_REFUND_WAITS, words)
    return Nothing()


def _of_refund(work: Work, invoice: TargetRecord, order: Order, refund: OrderRefund, facts: OrganisationFacts) -> Step:
    told, key = credit_content.worth(order, refund), credit_key(work.key, refund.id)
    if not told.goods and not credit_content.tip(order, refund):
        return _money_alone(work, order, refund, told)
    note = work.known.get(key, _NOTHING)
    if key not in work.fresh and (note.exists is None or note.doubtful):
        return Look(key)
    if note.exists:
        return _settled(key, note, invoice, order, refund, told)
    if note.met:
        # Somebody has deleted it: a person has decided.
        return Nothing()
    _agrees(invoice, order, refund, told)
    content = {
        "customer_id": invoice.seen[CONTENT]["customer_id"], "currency_id": invoice.seen[CONTENT]["currency_id"],
        "exchange_rate": invoice.seen[CONTENT]["exchange_rate"], "date": _day(refund.processed_at or refund.created_at, order),
        "reference_number": f"{order.number or ''} ({key})".strip(), "is_inclusive_tax": True,
        "line_items": credit_content.lines(order, refund, facts), "key": key,
    }  # fmt: skip
    return Act("credit", key, {CREDIT: content})


def _agrees(invoice: TargetRecord, order: Order, refund: OrderRefund, told: Worth) -> None:
    """Nothing is made of a refund whose money and goods do not come to the same, unless the invoice has as much left to be paid."""
    over = told.money - told.goods - credit_content.tip(order, refund)
    if over > 0 or (-over > Decimal(invoice.seen[BALANCE]) and order.cancelled_at is None):
        words = (
            f"Refund {refund.id}: goods and taxes {told.goods:f}, money {told.money:f} {order.presentment_currency}."
        )
        raise refused(codes.ZB_REFUND_DIFFERS, words)


def _settled(
    key: str, note: TargetRecord, invoice: TargetRecord, order: Order, refund: OrderRefund, told: Worth
) -> Step:
    """A note that is there, with whatever a person has done to it meanwhile."""
    if note.seen[STATUS] == "void":
        return Nothing()
    wanted = told.goods + credit_content.tip(order, refund)
    tax = abs(Decimal(note.seen["tax"]) - told.tax)
    if Decimal(note.seen["total"]) != wanted or tax > credit_content.tolerance(order):
        words = f"In the shop {wanted:f}, tax {told.tax:f}; in Zoho Books {note.seen['total']}, tax {note.seen['tax']}."
        raise refused(codes.ZB_CREDIT_SUM_DIFFERS, words)
    return _given_back(key, note, order, refund.transactions) or _applied(key, note, invoice, told) or Nothing()


def _given_back(key: str, note: TargetRecord, order: Order, transactions: Sequence[OrderTransaction]) -> Act | None:
    for one in _money(transactions):
        if GIVEN + one.id in note.seen:
            continue
        amount, left = of(one.amount, SIDE), Decimal(note.seen[BALANCE])
        if amount > left:
            words = f"Transaction {one.id}: {amount:f}; left of the credit note: {left:f} {order.presentment_currency}."
            raise refused(codes.ZB_REFUND_BEYOND, words)
        told = {
            "amount": invoicing.text(amount),
            "mode": one.gateway or "others",
            "date": _day(one.processed_at, order),
        }
        return Act(
            "give_back", key, {GIVEN + one.id: told, BALANCE: invoicing.text(left - amount)}, memory=_memory(note)
        )
    return None


def _applied(key: str, note: TargetRecord, invoice: TargetRecord, told: Worth) -> Act | None:
    """What no money has gone back for lowers what is owed; what is on its way is kept for that."""
    left, owed = Decimal(note.seen[BALANCE]) - told.underway, Decimal(invoice.seen[BALANCE])
    amount = min(left, owed)
    if amount <= 0 or APPLIED in note.seen:
        return None
    values = {APPLIED: invoicing.text(amount), BALANCE: invoicing.text(Decimal(note.seen[BALANCE]) - amount)}
    return Act("apply", key, values, memory={**_memory(note), "invoice": invoice.id})


def _money_alone(work: Work, order: Order, refund: OrderRefund, told: Worth) -> Step:
    """Money without goods goes back from a note that has as much left: that of goods which were taken back before."""
    missing = [one for one in _money(refund.transactions) if not _is_given(work, one)]
    if not missing:
        return Nothing()
    for key, note in sorted(work.known.items()):
        if note.exists and is_credit(key) and note.seen[STATUS] == "open" and Decimal(note.seen[BALANCE]) >= told.given:
            return _given_back(key, note, order, missing) or Nothing()
    raise refused(
        codes.ZB_REFUND_DIFFERS, f"Refund {refund.id}: {told.given:f} {order.presentment_currency} for no goods."
    )


def _is_given(work: Work, one: OrderTransaction) -> bool:
    return any(GIVEN + one.id in note.seen for note in work.known.values())


def _money(transactions: Sequence[OrderTransaction]) -> list[OrderTransaction]:
    some = [t for t in transactions if t.kind == "refund" and t.status == "success" and not t.test]
    return sorted((t for t in some if of(t.amount, SIDE) > 0), key=lambda one: one.id)


def _memory(note: TargetRecord) -> dict[str, Any]:
    return {"id": note.id, "exchange_rate": note.seen.get("exchange_rate", "1")}


def _day(at: Any, order: Order) -> str:
    day = at or order.placed_at
    return day.date().isoformat() if day else ""
