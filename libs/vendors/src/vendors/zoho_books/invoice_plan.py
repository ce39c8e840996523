"""The next act that brings an order's invoice to where the order is: pure (R23 to R25).

cancelled before it was made     never made
new                              a draft, by an insert that Books refuses a second time where it has a field for our key
the draft comes to another sum   adjusted once within rounding, else left a draft and told with the sum
both sums agree                  posted
paid                             one payment for each successful transaction, never above the balance
cancelled and not paid           void

Everything that a person has done to the invoice meanwhile, and every change of an order whose invoice is posted, is a question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from common.contracts.ids import Entity, RecordId, content_hash
from common.contracts.messages import RecordRef
from common.contracts.orders import Order
from common.contracts.outcomes import SkipReason
from common.failures import Rejected
from vendors.acts import Act, Look, NeedFacts, Nothing, Skip, Step, Wait, Work
from vendors.target_record import TargetRecord
from vendors.zoho_books import invoice_codes as codes
from vendors.zoho_books import invoice_crediting, invoice_doubles, invoice_paying, invoicing, knowing, lookups
from vendors.zoho_books.invoice_codes import refused
from vendors.zoho_books.invoice_fields import INACTIVE_CUSTOMER, REACTIVATE, SETTINGS
from vendors.zoho_books.invoice_paths import ADJUSTMENT, CONTENT, PAYMENT, STATUS, carries
from vendors.zoho_books.invoicing import BooksSums
from vendors.zoho_books.lookups import LOOKUPS, Settled
from vendors.zoho_books.organisation_facts import OrganisationFacts

_CUSTOMER = Entity("customer")
_OURS = frozenset({"key", "customer", *(one.path for one in SETTINGS)})
"""Of a document, what is not the order itself."""


def next_step(work: Work, facts: object | None) -> Step:
    key = work.key or next(iter(work.leaving), "")
    known = work.known.get(key, TargetRecord())
    if not work.is_writer:
        return Skip(SkipReason.SHARES_TARGET)
    if not key:
        return Nothing()
    if knowing.at_rest(known, work.document):
        return Nothing()
    if known.doubtful and key not in work.fresh:
        return Look(key)
    if work.wish == "absent":
        return _ended(work, key, known) if work.document.get("how") == "void" else Nothing()
    order = order_of(work.document)
    if order.test:
        return Skip(SkipReason.FILTERED, "It is a test order.")
    if (step := invoice_doubles.next_step(work, known)) is not None:
        return step
    if order.cancelled_at is not None:
        return _cancelled(work, known, order, facts)
    return _there(work, known, order, facts)


def order_of(document: Mapping[str, Any]) -> Order:
    """The order in a document."""
    try:
        return Order.model_validate({name: value for name, value in document.items() if name not in _OURS})
    except ValidationError as error:
        named = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
        raise refused(codes.ZB_ORDER_INCOMPLETE, f"Not readable: {', '.join(named)}.") from error


def _there(work: Work, known: TargetRecord, order: Order, facts: object | None) -> Step:
    customer = _customer(work, order)
    if isinstance(customer, Wait):
        return customer
    # R25, the first sum: before anything is asked or sent.
    invoicing.checked(order)
    if not isinstance(facts, OrganisationFacts):
        return NeedFacts()
    if known.met and not known.exists:
        return Skip(SkipReason.NOT_AT_TARGET)
    if known.exists is None and "invoice" not in facts.unique and work.key not in work.fresh:
        # R24: nothing but a look tells whether it is there already.
        return Look(work.key)
    settled = lookups.settle(work, order, facts, customer, known)
    if not isinstance(settled, Settled):
        return settled
    wanted = invoicing.content(order, settled.facts, settled.customer) | _mark(work.key, order, facts)
    if known.exists:
        return _looked_at_first(work, lambda: _onwards(work, known, order, wanted, settled))
    values = {CONTENT: wanted, ADJUSTMENT: _till(order), LOOKUPS: settled.names}
    reactivates = work.document.get(INACTIVE_CUSTOMER) == REACTIVATE
    return settled.asked_again(Act("create", work.key, values, counts_as="added", memory={REACTIVATE: reactivates}))


def _looked_at_first(work: Work, plan: Callable[[], Step]) -> Step:
    """Nothing is refused by what we remember: a person may have mended it."""
    try:
        return plan()
    except Rejected:
        if work.key in work.fresh:
            raise
        return Look(work.key)


def _customer(work: Work, order: Order) -> str | Wait:
    """Who gets the invoice: the shop's customer as Books knows them, else whom the mapping names for those of nobody; empty: a guest."""
    if order.customer_id:
        parent = RecordRef(entity=_CUSTOMER, record=RecordId(order.customer_id))
        return work.linked[parent] if parent in work.linked else Wait(parent)
    return str(work.document.get("customer") or "")


def _mark(key: str, order: Order, facts: OrganisationFacts) -> dict[str, str]:
    """By what the invoice is found again: the unique field where there is one, else the key behind the order's name."""
    field = facts.unique.get("invoice")
    if field is None:
        return {"key_field": "", "reference_number": reference(key, order)}
    return {"key_field": field.name, "key": key}


def reference(key: str, order: Order) -> str:
    return f"{order.number or ''} ({key})".strip()


def _onwards(work: Work, known: TargetRecord, order: Order, wanted: Mapping[str, Any], settled: Settled) -> Step:
    status = known.seen[STATUS]
    if status == "void":
        raise refused(codes.ZB_INVOICE_VOID)
    if knowing.edited(known, (CONTENT, ADJUSTMENT)):
        raise refused(codes.ZB_INVOICE_EDITED)
    differs = _differs(known, wanted)
    if differs and status != "draft":
        codes.ask(known, codes.ZB_INVOICE_POSTED, _changed(known, order, wanted))
    elif differs:
        if CONTENT not in known.agreed:
            raise refused(codes.ZB_INVOICE_EDITED)
        values = {CONTENT: wanted, ADJUSTMENT: _till(order), LOOKUPS: settled.names}
        return settled.asked_again(invoice_paying.act("revise", work.key, values, known))
    if status == "draft":
        return _posted(work, known, order)
    return _money_moved(work, known, order, settled.facts, is_decided=differs)


def _money_moved(
    work: Work, known: TargetRecord, order: Order, facts: OrganisationFacts, *, is_decided: bool = False
) -> Step:
    """Of a posted invoice: first the money that came for it, then what went back."""
    paid = invoice_paying.of_posted(work, known, order, is_decided=is_decided)
    return invoice_crediting.next_step(work, known, order, facts) if isinstance(paid, Nothing) else paid


def _differs(known: TargetRecord, wanted: Mapping[str, Any]) -> bool:
    """From what was agreed; of an invoice that bears our key and was never agreed on, from what it says."""
    if CONTENT in known.agreed:
        return bool(knowing.differences({CONTENT: wanted}, known))
    return not carries(known.seen[CONTENT], wanted)


def _posted(work: Work, known: TargetRecord, order: Order) -> Step:
    """R25, the second sum: what Books has answered."""
    sums = BooksSums(Decimal(known.seen["total"]), Decimal(known.seen["tax"]))
    wanted = invoicing.expected(order)
    difference = invoicing.rounding(wanted, sums)
    if difference:
        adjusted = Decimal(known.seen[ADJUSTMENT])
        if adjusted != Decimal(_till(order)):
            raise refused(codes.ZB_INVOICE_SUM_DIFFERS, invoicing.compared(wanted, sums))
        return invoice_paying.act("adjust", work.key, {ADJUSTMENT: invoicing.text(adjusted + difference)}, known)
    if work.document.get("post") == "draft" and not _was_sent(work, order):
        return Nothing()
    return invoice_paying.of_draft(work, known, order) or invoice_paying.act("post", work.key, {STATUS: "sent"}, known)


def _was_sent(work: Work, order: Order) -> bool:
    """What has left the house is posted, where the mapping says so; that nobody gets mail by it is the call's own."""
    return work.document.get("mark_sent") is True and order.fulfilment_status == "fulfilled"


def _cancelled(work: Work, known: TargetRecord, order: Order, facts: object | None) -> Step:
    """R23: with money received, what the shop has taken back becomes credit notes; what of the invoice they leave is a question."""
    if not (invoice_crediting.is_wanted(work) and known.exists and invoice_paying.is_settled(known, work.known)):
        return _ended(work, work.key, known)
    if not isinstance(facts, OrganisationFacts):
        return NeedFacts()
    return _looked_at_first(work, lambda: _taken_back(work, known, order, facts))


def _taken_back(work: Work, known: TargetRecord, order: Order, facts: OrganisationFacts) -> Step:
    if known.seen[STATUS] in ("draft", "void") or knowing.edited(known, (CONTENT, ADJUSTMENT)):
        return _ended(work, work.key, known)
    step = _money_moved(work, known, order, _as_made(known, facts))
    if isinstance(step, Nothing) and (left := invoice_crediting.not_credited(known, order)):
        codes.ask(known, codes.ZB_CANCELLED_PAID, f"Not covered: {left:f} {order.presentment_currency}.")
    return step


def _as_made(known: TargetRecord, facts: OrganisationFacts) -> OrganisationFacts:
    """What the invoice was made with holds for its credit notes."""
    return replace(facts, chosen=dict(known.agreed.get(LOOKUPS) or {}))


def _ended(work: Work, key: str, known: TargetRecord) -> Step:
    """R23: cancelled before it was made, it is never made; nothing is void under a payment."""
    if known.exists is None and key not in work.fresh:
        return Look(key)
    if not known.exists or known.seen[STATUS] == "void":
        return Nothing()
    if knowing.edited(known, (CONTENT, ADJUSTMENT)):
        raise refused(codes.ZB_INVOICE_EDITED)
    if any(path.startswith(PAYMENT) for path in known.seen):
        codes.ask(known, codes.ZB_CANCELLED_PAID)
        return Nothing()
    return invoice_paying.act("void", key, {STATUS: "void"}, known)


def _changed(known: TargetRecord, order: Order, wanted: Mapping[str, Any]) -> str:
    """With a mark of what is wanted: two changes may come to the same sum."""
    told = invoicing.expected(order).total
    more = told - Decimal(known.seen["total"])
    sums = f"Posted {known.seen['total']}, the order now comes to {told:f} {order.presentment_currency}, difference {more:+f}."
    return f"{sums} Change {content_hash(wanted)[:8]}."


def _till(order: Order) -> str:
    return invoicing.text(invoicing.rounding_at_the_till(order))
