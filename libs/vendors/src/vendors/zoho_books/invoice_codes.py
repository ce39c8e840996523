"""Why an order is not written, or not written on: each is for a person, with what to do. The record's dead letter carries the sum."""

from __future__ import annotations

from common.codes import Code, register
from common.contracts.decisions import DECIDED, decision_of
from common.failures import Rejected
from vendors.target_record import TargetRecord


def _code(name: str, meaning: str, action: str, *, is_question: bool = False) -> Code:
    return Code(name, meaning, action, "owner", True, is_question)


ZB_ORDER_INCOMPLETE = _code(
    "ZB_ORDER_INCOMPLETE",
    "The order does not tell what an invoice needs: its lines, its total, its currencies or its customer.",
    "Let the shop tell it (its application may lack a permission), or enter the invoice by hand.",
)
ZB_ORDER_SUM_DIFFERS = _code(
    "ZB_ORDER_SUM_DIFFERS",
    "The order does not add up: its lines, shipping and taxes do not come to what the shop tells.",
    "Compare the sum with the order in the shop; correct the order there, then retry. Nothing was posted.",
)
ZB_INVOICE_SUM_DIFFERS = _code(
    "ZB_INVOICE_SUM_DIFFERS",
    "Zoho Books adds the invoice up otherwise than the shop, by more than rounding explains.",
    "Compare the sum: most often a tax of Zoho Books has another rate. The draft stays a draft: correct the cause, save the draft again, then retry.",
)
ZB_CHANNEL_TAX = _code(
    "ZB_CHANNEL_TAX",
    "A marketplace owes and remits a tax of this order: the invoice must not contain it, and the payment does.",
    "Enter this invoice by hand, as your accountant books sales through that marketplace.",
)
ZB_CURRENCY_UNKNOWN = _code(
    "ZB_CURRENCY_UNKNOWN",
    "The currency is not enabled in the organisation of Zoho Books.",
    "Add it in Zoho Books under Settings, Currencies; then retry.",
)
ZB_TAX_UNKNOWN = _code(
    "ZB_TAX_UNKNOWN",
    "Zoho Books has no tax of this name and rate, nor a group of these taxes.",
    "Add the tax, or for several taxes the group of them, in Zoho Books under Settings, Taxes; then retry.",
)

ZB_ITEM_UNKNOWN = _code(
    "ZB_ITEM_UNKNOWN",
    "Zoho Books has no item with this SKU, and the mapping says to stop then.",
    "Add the item with this SKU in Zoho Books, or let the mapping make it or leave the line without an item (`missing_item`); then retry.",
)
ZB_ITEM_INACTIVE = _code(
    "ZB_ITEM_INACTIVE",
    "The item with this SKU is inactive in Zoho Books.",
    "Mark the item as active in Zoho Books, or let the mapping leave such lines without an item (`missing_item`); then retry.",
)
ZB_BEING_MADE = Code(
    "ZB_BEING_MADE",
    "Zoho Books has it already, by its name, and its lists do not show it yet.",
    "Nothing: it is asked for again. If it stays, something else in Zoho Books has this name: rename that, then retry.",
    "nobody",
    True,
)

ZB_INVOICE_POSTED = _code(
    "ZB_INVOICE_POSTED",
    "The order has changed, and its invoice is posted: nothing of a posted invoice is changed silently.",
    "Choose: a credit note (it is worth less now) or a further invoice (it is worth more), either made in Zoho Books; or nothing. Then discard this "
    "with your choice as the reason: the same difference is not asked about again.",
    is_question=True,
)
ZB_INVOICE_EDITED = _code(
    "ZB_INVOICE_EDITED",
    "Somebody has edited the invoice in Zoho Books; it is left as it is.",
    "Undo the edit, or finish the invoice by hand.",
)
ZB_INVOICE_VOID = _code(
    "ZB_INVOICE_VOID",
    "Somebody has made the invoice void in Zoho Books, and the order goes on.",
    "Enter a new invoice by hand if one is due.",
)
ZB_INVOICE_TWICE = _code(
    "ZB_INVOICE_TWICE",
    "Zoho Books has several invoices of this order.",
    "Make all but one of them void in Zoho Books, then retry.",
)
ZB_CANCELLED_PAID = _code(
    "ZB_CANCELLED_PAID",
    "The order is cancelled, and its invoice is not undone: money was received for it, and no refund covers it.",
    "Make a credit note for it in Zoho Books, and give the money back where that has not happened. Discarded, the same is not asked again.",
    is_question=True,
)
ZB_PAYMENT_BY_HAND = _code(
    "ZB_PAYMENT_BY_HAND",
    "The invoice has a payment that we have not recorded: it may be the one that the shop tells of.",
    "Remove the payment that was entered by hand, then retry; or leave it so.",
)
ZB_PAYMENT_BEYOND = _code(
    "ZB_PAYMENT_BEYOND",
    "The shop has received more than the invoice has left to be paid.",
    "Compare the payments of the order with those of the invoice; enter what is right by hand.",
)
ZB_REFUND_WAITS = _code(
    "ZB_REFUND_WAITS",
    "The shop has given money back: the invoice stays, and a person decides about a credit note.",
    "Make a credit note of that amount in Zoho Books, or none. Then discard this: the same sums are not asked about again.",
    is_question=True,
)
ZB_REFUND_DIFFERS = _code(
    "ZB_REFUND_DIFFERS",
    "The money of a refund is not what the goods of it come to, so no credit note was made of it.",
    "Compare the refund in the shop; make a credit note of what is right in Zoho Books, and dismiss this.",
)
ZB_REFUND_BEYOND = _code(
    "ZB_REFUND_BEYOND",
    "More money has gone back than the credit note of the refund has left.",
    "Compare the refund with its credit note in Zoho Books; enter what is right by hand.",
)
ZB_CREDIT_SUM_DIFFERS = _code(
    "ZB_CREDIT_SUM_DIFFERS",
    "The credit note of a refund comes to something else than the refund; nothing was given back or set off by it.",
    "Compare the two: somebody has edited the credit note, or a tax of Zoho Books has another rate. Correct it there, then retry.",
)
ZB_CREDIT_TWICE = _code(
    "ZB_CREDIT_TWICE",
    "Zoho Books has several credit notes of one refund.",
    "Make all but one of them void in Zoho Books, then retry.",
)
ZB_PERIOD_LOCKED = _code(
    "ZB_PERIOD_LOCKED",
    "The day of this order lies in a period that is locked in Zoho Books.",
    "Unlock the period in Zoho Books (Accountant, Transaction Locking) and retry; or enter it by hand in an open one, and dismiss this.",
)
ZB_KEY_TAKEN = Code(
    "ZB_KEY_TAKEN",
    "Zoho Books has a record with this key already; it is read, and decided again.",
    "Nothing, unless it repeats: then somebody has given our key to another record in Zoho Books.",
    "nobody",
    True,
)
ZB_DRAFT_TAKES_NO_PAYMENT = Code(
    "ZB_DRAFT_TAKES_NO_PAYMENT",
    "Zoho Books takes no payment for an invoice that is a draft: it is posted first, and paid then.",
    "Nothing: it is remembered of the organisation.",
    "nobody",
    True,
)
ZB_NO_FIELD_BY_API = _code(
    "ZB_NO_FIELD_BY_API",
    "Zoho Books lets nobody make custom fields but in its web application.",
    "Make the field in Zoho Books under Settings, Preferences, Field Customization; then apply the mapping again.",
)
ZB_CUSTOMER_TWICE = _code(
    "ZB_CUSTOMER_TWICE",
    "Zoho Books has several customers with this e-mail address.",
    "Merge them in Zoho Books, or link the one that is meant (`millrace link`); then retry.",
)
ZB_PERSON_TWICE = _code(
    "ZB_PERSON_TWICE",
    "The customer has several contact persons with this e-mail address, or with this name and without one, in Zoho Books.",
    "Delete one of them in Zoho Books, or link the one that is meant (`millrace link`); then retry.",
)
ZB_CUSTOMER_INACTIVE = _code(
    "ZB_CUSTOMER_INACTIVE",
    "The customer is inactive in Zoho Books.",
    "Mark the customer as active in Zoho Books, or let the mapping do so (`inactive_customer`); then retry.",
)
ZB_CUSTOMER_GONE = _code(
    "ZB_CUSTOMER_GONE",
    "Somebody has deleted the customer in Zoho Books.",
    "Send the customer again with `inactive_customer` as `reactivate`, or link another (`millrace link`); then retry.",
)
ZB_CUSTOMER_CURRENCY = _code(
    "ZB_CUSTOMER_CURRENCY",
    "Zoho Books takes invoices of this customer in the customer's own currency only.",
    "Make a customer with the order's currency in Zoho Books and link it (`millrace link`), or enter the invoice by hand.",
)
ZB_CUSTOMER_KEY_TAKEN = Code(
    "ZB_CUSTOMER_KEY_TAKEN",
    "Another customer in Zoho Books has the shop's id in the unique field; it is read, and decided again.",
    "Nothing, unless it repeats: then correct the field of one of the two in Zoho Books.",
    "nobody",
    True,
)
ZB_CUSTOMER_HIDDEN = _code(
    "ZB_CUSTOMER_HIDDEN",
    "The shop tells neither name nor address nor telephone of the customer: most often it hides personal data from the application.",
    "Let the application see protected customer data in the shop (Partner Dashboard, API access); then send the customer again: its orders go on.",
)

register(
    ZB_ORDER_INCOMPLETE, ZB_ORDER_SUM_DIFFERS, ZB_INVOICE_SUM_DIFFERS, ZB_CHANNEL_TAX, ZB_CURRENCY_UNKNOWN, ZB_TAX_UNKNOWN,
    ZB_INVOICE_POSTED, ZB_INVOICE_EDITED, ZB_INVOICE_VOID, ZB_INVOICE_TWICE, ZB_CANCELLED_PAID, ZB_PAYMENT_BY_HAND, ZB_PAYMENT_BEYOND,
    ZB_REFUND_WAITS, ZB_KEY_TAKEN, ZB_DRAFT_TAKES_NO_PAYMENT, ZB_CUSTOMER_TWICE, ZB_CUSTOMER_INACTIVE, ZB_NO_FIELD_BY_API,
    ZB_ITEM_UNKNOWN, ZB_ITEM_INACTIVE, ZB_BEING_MADE, ZB_CUSTOMER_GONE, ZB_CUSTOMER_CURRENCY,
    ZB_REFUND_DIFFERS, ZB_REFUND_BEYOND, ZB_CREDIT_SUM_DIFFERS, ZB_CREDIT_TWICE, ZB_PERIOD_LOCKED,
    ZB_CUSTOMER_KEY_TAKEN, ZB_CUSTOMER_HIDDEN, ZB_PERSON_TWICE,
)  # fmt: skip


def refused(code: Code, words: str = "") -> Rejected:
    """This record alone, by a rule of ours and before any call."""
    return Rejected(code.name, f"{code.meaning} {words}".strip())


def ask(known: TargetRecord, code: Code, words: str = "") -> None:
    """A question about what is known; none where a person has decided exactly this."""
    asked = refused(code, words)
    if decision_of(asked.code, asked.message) not in known.memory.get(DECIDED, ()):
        raise asked
