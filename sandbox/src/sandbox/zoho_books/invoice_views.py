"""Invoices as the vendor shows them (sheet, section 4)."""

from __future__ import annotations

from sandbox.zoho_books.contact_views import address_view, tagged
from sandbox.zoho_books.custom_fields import hashed, rows
from sandbox.zoho_books.documents import Invoice
from sandbox.zoho_books.invoice_status import shown_status
from sandbox.zoho_books.lines import discount_view, line_view
from sandbox.zoho_books.money import Terms, rounded
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.records import Address, Contact, Person
from sandbox.zoho_books.stamps import days_between
from sandbox.zoho_books.wire import Document, number, plain

NOWHERE = Address("")
NOBODY = Person("")


def invoice_row(org: Organisation, invoice: Invoice, today: str) -> Document:
    """One row of the list: addresses (with `zipcode`) and totals, but no lines."""
    customer, currency = org.contacts.get(invoice.customer_id), org.currencies[invoice.currency_id]
    fields = org.fields_of("invoice")
    person = (customer.primary if customer else None) or NOBODY
    return {
        "invoice_id": invoice.id,
        "ach_payment_initiated": False,
        "customer_name": customer.name if customer else "",
        "customer_id": invoice.customer_id,
        "company_name": customer.company_name if customer else "",
        "email": person.email,
        "phone": person.phone,
        "status": shown_status(invoice, today),
        "invoice_number": invoice.number,
        "reference_number": invoice.reference_number,
        "date": invoice.date,
        "due_date": invoice.due_date,
        "due_days": _due_days(invoice, today),
        "currency_id": invoice.currency_id,
        "currency_code": currency.code,
        "currency_symbol": currency.symbol,
        "exchange_rate": plain(invoice.exchange_rate),
        "total": number(invoice.total),
        "balance": number(invoice.balance),
        "write_off_amount": number(rounded(invoice.written_off, currency.precision)),
        "shipping_charge": number(rounded(invoice.shipping, currency.precision)),
        "adjustment": number(rounded(invoice.adjustment, currency.precision)),
        "is_viewed_by_client": False,
        "has_attachment": False,
        "is_emailed": invoice.emailed,
        "reminders_sent": 0,
        "last_reminder_sent_date": "",
        "payment_expected_date": "",
        "last_payment_date": invoice.last_payment_date,
        "salesperson_id": "",
        "salesperson_name": invoice.salesperson,
        "billing_address": _listed_address(invoice.billing or _of(customer, "billing")),
        "shipping_address": _listed_address(invoice.shipping_address or _of(customer, "shipping")),
        "created_time": org.stamp(invoice.created),
        "last_modified_time": org.stamp(invoice.modified),
        "custom_fields": [],
        "custom_field_hash": hashed(fields, invoice.custom, lists=True) if invoice.custom else {},
        "tags": tagged(org, invoice.tags),
    }


def _of(customer: Contact | None, which: str) -> Address:
    if customer is None:
        return NOWHERE
    return customer.billing if which == "billing" else customer.shipping


def _listed_address(address: Address) -> Document:
    view = address_view(address)
    return {
        "address": view["address"],
        "street2": view["street2"],
        "city": view["city"],
        "state": view["state"],
        "zipcode": view["zip"],
        "country": view["country"],
        "phone": view["phone"],
        "fax": view["fax"],
        "attention": view["attention"],
    }


def _due_days(invoice: Invoice, today: str) -> str:
    if invoice.status not in ("sent", "partially_paid"):
        return ""
    left = days_between(today, invoice.due_date)
    if left < 0:
        return f"Overdue by {-left} day{'' if left == -1 else 's'}"
    return "Due Today" if left == 0 else f"Due in {left} day{'' if left == 1 else 's'}"


def invoice_terms(org: Organisation, invoice: Invoice) -> Terms:
    """What the arithmetic needs to know beside the lines."""
    return Terms(
        precision=org.currencies[invoice.currency_id].precision,
        discount=invoice.discount,
        discount_kind="entity_level" if invoice.discount_type == "entity_level" else "item_level",
        discount_before_tax=invoice.discount_before_tax,
        inclusive_tax=invoice.inclusive_tax,
        shipping=invoice.shipping,
        shipping_taxes=org.shares(invoice.shipping_tax_id),
        adjustment=invoice.adjustment,
        tax_rounding=org.tax_rounding,
    )


def invoice_detail(org: Organisation, invoice: Invoice, today: str) -> Document:
    """The whole invoice."""
    customer, currency = org.contacts.get(invoice.customer_id), org.currencies[invoice.currency_id]
    digits = currency.precision
    return {
        "invoice_id": invoice.id,
        "ach_payment_initiated": False,
        "invoice_number": invoice.number,
        "date": invoice.date,
        "status": shown_status(invoice, today),
        "payment_terms": invoice.payment_terms,
        "payment_terms_label": invoice.payment_terms_label,
        "due_date": invoice.due_date,
        "payment_expected_date": "",
        "last_payment_date": invoice.last_payment_date,
        "reference_number": invoice.reference_number,
        "customer_id": invoice.customer_id,
        "customer_name": customer.name if customer else "",
        "email": ((customer.primary if customer else None) or NOBODY).email,
        "contact_persons": list(invoice.person_ids),
        "currency_id": invoice.currency_id,
        "currency_code": currency.code,
        "currency_symbol": currency.symbol,
        "exchange_rate": plain(invoice.exchange_rate),
        "discount": discount_view(invoice.discount),
        "discount_total": number(invoice.discount_total),
        "is_discount_before_tax": invoice.discount_before_tax,
        "discount_type": invoice.discount_type,
        "is_inclusive_tax": invoice.inclusive_tax,
        "recurring_invoice_id": "",
        "is_viewed_by_client": False,
        "has_attachment": False,
        "client_viewed_time": "",
        **_sums(org, invoice),
        "payment_reminder_enabled": True,
        **_balance(invoice, digits),
        "allow_partial_payments": True,
        "price_precision": digits,
        "payment_options": {"payment_gateways": []},
        "is_emailed": invoice.emailed,
        "reminders_sent": 0,
        "last_reminder_sent_date": "",
        **_about(org, invoice, customer),
        "attachment_name": "",
        "can_send_in_mail": False,
        "invoice_url": f"https://books.zohosecure.{org.dc}/portal/{org.account}/secure?CInvoiceID=2-{invoice.id}",
    }


def _sums(org: Organisation, invoice: Invoice) -> Document:
    """The lines, and what they come to."""
    terms, digits = invoice_terms(org, invoice), org.currencies[invoice.currency_id].precision
    return {
        "line_items": [
            line_view(org, line, order, terms, invoice.exchange_rate) for order, line in enumerate(invoice.lines)
        ],
        "shipping_charge": number(rounded(invoice.shipping, digits)),
        "shipping_charge_tax_id": invoice.shipping_tax_id,
        "adjustment": number(rounded(invoice.adjustment, digits)),
        "adjustment_description": invoice.adjustment_description,
        "sub_total": number(invoice.sub_total),
        "tax_total": number(rounded(invoice.tax_total, digits)),
        "total": number(invoice.total),
        "taxes": [
            {"tax_id": one.tax_id, "tax_name": one.name, "tax_amount": number(one.amount)} for one in invoice.taxes
        ],
    }


def _balance(invoice: Invoice, digits: int) -> Document:
    """What was paid, and what is left."""
    return {
        "payment_made": number(rounded(invoice.paid, digits)),
        "credits_applied": number(rounded(invoice.credited, digits)),
        "tax_amount_withheld": number(rounded(invoice.withheld, digits)),
        "balance": number(invoice.balance),
        "write_off_amount": number(rounded(invoice.written_off, digits)),
    }


def _about(org: Organisation, invoice: Invoice, customer: Contact | None) -> Document:
    """Addresses, words, fields of the customer's own, stamps."""
    fields = org.fields_of("invoice")
    return {
        "billing_address": address_view(invoice.billing or _of(customer, "billing")),
        "shipping_address": address_view(invoice.shipping_address or _of(customer, "shipping")),
        "notes": invoice.notes,
        "terms": invoice.terms,
        "custom_fields": rows(fields, invoice.custom),
        "custom_field_hash": hashed(fields, invoice.custom, lists=False),
        "tags": tagged(org, invoice.tags),
        "salesperson_id": "",
        "salesperson_name": invoice.salesperson,
        "created_time": org.stamp(invoice.created),
        "last_modified_time": org.stamp(invoice.modified),
    }
