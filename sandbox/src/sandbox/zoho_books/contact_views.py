"""Contacts as the vendor shows them: slim in lists, everything in the detail (sheet, section 4)."""

from __future__ import annotations

from decimal import Decimal

from sandbox.zoho_books.catalogue import Currency
from sandbox.zoho_books.custom_fields import hashed, rows
from sandbox.zoho_books.money import rounded
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.records import Address, Contact, Person, Tagged
from sandbox.zoho_books.wire import Document, number

NOBODY = Person("")


def contact_row(org: Organisation, contact: Contact) -> Document:
    """One row of the list: the primary person's names and addresses, no postal address, no tags, no persons."""
    person = contact.primary or NOBODY
    currency = org.currencies[contact.currency_id]
    return {
        "contact_id": contact.id,
        "contact_name": contact.name,
        "customer_name": contact.name if contact.contact_type == "customer" else "",
        "vendor_name": contact.name if contact.contact_type == "vendor" else "",
        "company_name": contact.company_name,
        "website": contact.website,
        "language_code": contact.language_code,
        "contact_type": contact.contact_type,
        "customer_sub_type": contact.sub_type,
        "status": contact.status,
        "source": contact.source,
        "is_linked_with_zohocrm": contact.crm_linked,
        "payment_terms": contact.payment_terms,
        "payment_terms_label": contact.payment_terms_label,
        "currency_id": contact.currency_id,
        "currency_code": currency.code,
        **amounts(org, contact, currency),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "mobile": person.mobile,
        "portal_status": "enabled" if contact.portal_enabled else "disabled",
        "created_time": org.stamp(contact.created),
        "last_modified_time": org.stamp(contact.modified),
        "custom_fields": [],
        "custom_field_hash": hashed(org.fields_of("contact"), contact.custom, lists=True),
        "has_attachment": False,
    }


def amounts(org: Organisation, contact: Contact, currency: Currency) -> Document:
    """What the customer owes and may still use, in its currency and in the base currency."""
    owed, unused = rounded(contact.receivable, currency.precision), rounded(contact.credits, currency.precision)
    return {
        "outstanding_receivable_amount": number(owed),
        "outstanding_receivable_amount_bcy": number(_in_base(org, currency, owed)),
        "unused_credits_receivable_amount": number(unused),
        "unused_credits_receivable_amount_bcy": number(_in_base(org, currency, unused)),
    }


def _in_base(org: Organisation, currency: Currency, amount: Decimal) -> Decimal:
    if currency.base:
        return amount
    return rounded(amount * org.rate_on(currency, "9999-12-31"), org.base.precision)


def contact_detail(org: Organisation, contact: Contact) -> Document:
    """The whole contact."""
    fields = org.fields_of("contact")
    currency = org.currencies[contact.currency_id]
    person = contact.primary or NOBODY
    return {
        "contact_id": contact.id,
        "contact_name": contact.name,
        "company_name": contact.company_name,
        **_person(contact.primary or NOBODY),
        "has_transaction": contact.transactions > 0,
        "contact_type": contact.contact_type,
        "customer_sub_type": contact.sub_type,
        "credit_limit": "" if contact.credit_limit is None else number(contact.credit_limit),
        "is_portal_enabled": contact.portal_enabled,
        "language_code": contact.language_code,
        "is_taxable": contact.is_taxable,
        **_tax(org, contact),
        "is_linked_with_zohocrm": contact.crm_linked,
        "zcrm_account_id": contact.crm_account_id,
        "zcrm_contact_id": contact.crm_contact_id,
        "website": contact.website,
        "owner_id": contact.owner_id,
        "primary_contact_id": person.id,
        "contact_number": contact.contact_number,
        "payment_terms": contact.payment_terms,
        "payment_terms_label": contact.payment_terms_label,
        "currency_id": contact.currency_id,
        "currency_code": currency.code,
        "currency_symbol": currency.symbol,
        "price_precision": currency.precision,
        **amounts(org, contact, currency),
        "status": contact.status,
        "source": contact.source,
        "payment_reminder_enabled": True,
        "custom_fields": rows(fields, contact.custom),
        "custom_field_hash": hashed(fields, contact.custom, lists=False),
        "tags": tagged(org, contact.tags),
        "billing_address": address_view(contact.billing, with_id=True),
        "shipping_address": address_view(contact.shipping, with_id=True),
        "addresses": [address_view(address, with_id=True) for address in contact.addresses],
        "facebook": contact.facebook,
        "twitter": contact.twitter,
        "contact_persons": [person_view(one) for one in contact.persons],
        "default_templates": {},
        "notes": contact.notes,
        "created_time": org.stamp(contact.created),
        "last_modified_time": org.stamp(contact.modified),
    }


def _person(person: Person) -> Document:
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "mobile": person.mobile,
    }


def _tax(org: Organisation, contact: Contact) -> Document:
    authority = org.tax_authorities.get(contact.tax_authority_id)
    exemption = org.tax_exemptions.get(contact.tax_exemption_id)
    percentage = sum((share.percentage for share in org.shares(contact.tax_id)), Decimal(0))
    return {
        "tax_id": contact.tax_id,
        "tax_name": org.tax_name(contact.tax_id),
        "tax_percentage": number(percentage) if contact.tax_id else "",
        "tax_authority_id": contact.tax_authority_id,
        "tax_authority_name": authority.fields["tax_authority_name"] if authority else "",
        "tax_exemption_id": contact.tax_exemption_id,
        "tax_exemption_code": exemption.fields["tax_exemption_code"] if exemption else "",
    }


def address_view(address: Address, *, with_id: bool = False) -> Document:
    found: Document = {"address_id": address.id} if with_id else {}
    return found | {
        "attention": address.attention,
        "address": address.address,
        "street2": address.street2,
        "city": address.city,
        "state": address.state,
        "state_code": address.state_code,
        "zip": address.zip,
        "country": address.country,
        "country_code": address.country_code,
        "phone": address.phone,
        "fax": address.fax,
    }


def person_view(person: Person) -> Document:
    return {
        "contact_person_id": person.id,
        "salutation": person.salutation,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "mobile": person.mobile,
        "designation": person.designation,
        "department": person.department,
        "skype": person.skype,
        "is_primary_contact": person.primary,
        "is_added_in_portal": person.portal,
        "enable_portal": person.portal,
        "communication_preference": {"is_sms_enabled": person.sms, "is_whatsapp_enabled": person.whatsapp},
    }


def tagged(org: Organisation, tags: tuple[Tagged, ...]) -> list[Document]:
    """Reporting tags with their names."""
    found = []
    for tag_id, option_id in tags:
        tag = org.tags.get(tag_id)
        option = next((one for one in tag.options if one.id == option_id), None) if tag else None
        if tag and option:
            found.append(
                {
                    "tag_id": tag_id,
                    "tag_name": tag.name,
                    "tag_option_id": option_id,
                    "tag_option_name": option.name,
                    "is_tag_mandatory": tag.mandatory,
                }
            )
    return found
