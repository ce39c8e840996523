"""Taxes, tax groups, tax authorities and exemptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from sandbox.zoho_books.call import Call, Reply, created, done
from sandbox.zoho_books.catalogue import Named, Tax, TaxGroup
from sandbox.zoho_books.listing import small_page
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.refusals import Refusal, absent, invalid, missing
from sandbox.zoho_books.wire import Body, Document, plain

TAX_TYPES = frozenset({"tax", "compound_tax"})


def tax_view(org: Organisation, tax: Tax) -> Document:
    authority = org.tax_authorities.get(tax.authority_id)
    return {
        "tax_id": tax.id,
        "tax_name": tax.name,
        "tax_percentage": plain(tax.percentage),
        "tax_type": tax.tax_type,
        "tax_factor": "rate",
        "tax_specific_type": "",
        "tax_authority_id": tax.authority_id,
        "tax_authority_name": authority.fields["tax_authority_name"] if authority else "",
        "is_value_added": tax.is_value_added,
        "is_default_tax": tax.is_default,
        "is_editable": True,
    }


def list_taxes(call: Call) -> Reply:
    """Taxes and, as rows of their own type, tax groups."""
    org = call.org
    rows = [tax_view(org, tax) for tax in org.taxes.values()]
    rows += [_group_row(org, group) for group in org.tax_groups.values()]
    return small_page(call, "taxes", "Taxes", rows, "created_time")


def _group_row(org: Organisation, group: TaxGroup) -> Document:
    return {
        "tax_id": group.id,
        "tax_name": group.name,
        "tax_percentage": plain(_percentage(org, group.tax_ids)),
        "tax_type": "tax_group",
        "is_value_added": True,
        "is_default_tax": False,
        "is_editable": True,
    }


def _percentage(org: Organisation, tax_ids: Iterable[str]) -> Decimal:
    return sum((org.taxes[tax_id].percentage for tax_id in tax_ids), Decimal(0))


def _found(call: Call) -> Tax:
    tax = call.org.taxes.get(call.ids["tax_id"])
    if tax is None:
        raise absent("Tax")
    return tax


def get_tax(call: Call) -> Reply:
    return done("success", tax=tax_view(call.org, _found(call)))


def create_tax(call: Call) -> Reply:
    body, org = call.body(), call.org
    if not body.text("tax_percentage"):
        raise missing("tax_percentage")
    tax = _filled(org, body, Tax(org.new_id(), body.required("tax_name", 100), Decimal(0)))
    org.taxes[tax.id] = tax
    call.wrote("tax", tax.id, "create")
    return created("The tax has been added.", tax=tax_view(org, tax))


def update_tax(call: Call) -> Reply:
    before = _found(call)
    after = _filled(call.org, call.body(), before)
    call.org.taxes[after.id] = after
    call.wrote("tax", after.id, "update" if after != before else "noop")
    return done("Tax information has been saved.", tax=tax_view(call.org, after))


def _filled(org: Organisation, body: Body, tax: Tax) -> Tax:
    name, percentage = body.text("tax_name", tax.name, 100), body.amount("tax_percentage", tax.percentage)
    if not 0 <= percentage <= 100:
        raise invalid("tax_percentage")
    if any(other.name.casefold() == name.casefold() and other.id != tax.id for other in org.taxes.values()):
        raise Refusal(400, 1001, f'Tax "{name}" already exists.')
    authority_id = body.id("tax_authority_id", tax.authority_id)
    if authority_id and authority_id not in org.tax_authorities:
        raise invalid("tax_authority_id")
    return replace(
        tax,
        name=name,
        percentage=percentage,
        tax_type=body.choice("tax_type", TAX_TYPES, tax.tax_type),
        authority_id=authority_id,
        is_value_added=body.flag("is_value_added", tax.is_value_added),
    )


def delete_tax(call: Call) -> Reply:
    tax, org = _found(call), call.org
    if tax.id in _used(org) or any(tax.id in group.tax_ids for group in org.tax_groups.values()):
        raise Refusal(400, 1040, "Taxes in use cannot be deleted.")
    del org.taxes[tax.id]
    call.wrote("tax", tax.id, "delete")
    return done("The record has been deleted.")


def _used(org: Organisation) -> set[str]:
    used = {line.tax_id for invoice in org.invoices for line in invoice.lines}
    used |= {line.tax_id for note in org.credit_notes for line in note.lines}
    used |= {invoice.shipping_tax_id for invoice in org.invoices}
    return used | {item.tax_id for item in org.items} | {contact.tax_id for contact in org.contacts}


# Groups


def group_view(org: Organisation, group: TaxGroup) -> Document:
    return {
        "tax_group_id": group.id,
        "tax_group_name": group.name,
        "tax_group_percentage": plain(_percentage(org, group.tax_ids)),
        "taxes": [tax_view(org, org.taxes[tax_id]) for tax_id in group.tax_ids],
    }


def _group(call: Call) -> TaxGroup:
    group = call.org.tax_groups.get(call.ids["tax_group_id"])
    if group is None:
        raise absent("Tax group")
    return group


def get_group(call: Call) -> Reply:
    return done("success", tax_group=group_view(call.org, _group(call)))


def create_group(call: Call) -> Reply:
    body, org = call.body(), call.org
    group = TaxGroup(org.new_id(), body.required("tax_group_name", 100), _members(org, body))
    org.tax_groups[group.id] = group
    call.wrote("tax_group", group.id, "create")
    return created("success", tax_group=group_view(org, group))


def update_group(call: Call) -> Reply:
    before, body = _group(call), call.body()
    tax_ids = _members(call.org, body) if body.has("taxes") else before.tax_ids
    after = TaxGroup(before.id, body.text("tax_group_name", before.name, 100), tax_ids)
    call.org.tax_groups[after.id] = after
    call.wrote("tax_group", after.id, "update" if after != before else "noop")
    return done("success", tax_group=group_view(call.org, after))


def _members(org: Organisation, body: Body) -> tuple[str, ...]:
    """A comma separated list of tax ids."""
    tax_ids = tuple(one.strip() for one in body.required("taxes").split(","))
    if any(tax_id not in org.taxes for tax_id in tax_ids) or len(set(tax_ids)) < len(tax_ids):
        raise invalid("taxes")
    return tax_ids


def delete_group(call: Call) -> Reply:
    group = _group(call)
    if group.id in _used(call.org):
        raise Refusal(400, 1040, "Tax groups in use cannot be deleted.")
    del call.org.tax_groups[group.id]
    call.wrote("tax_group", group.id, "delete")
    return done("The tax group has been deleted.")


# Authorities and exemptions


AUTHORITY_FIELDS = ("tax_authority_name", "description", "registration_number", "registration_number_label")
EXEMPTION_FIELDS = ("tax_exemption_code", "description", "type")
EXEMPTION_TYPES = frozenset({"customer", "item"})


def list_authorities(call: Call) -> Reply:
    rows = [{"tax_authority_id": one.id} | one.fields for one in call.org.tax_authorities.values()]
    return done("success", tax_authorities=rows)


def get_authority(call: Call) -> Reply:
    one = call.org.tax_authorities.get(call.ids["tax_authority_id"])
    if one is None:
        raise absent("Tax authority")
    return done("success", tax_authority={"tax_authority_id": one.id} | one.fields)


def create_authority(call: Call) -> Reply:
    body = call.body()
    body.required("tax_authority_name", 100)
    made = Named(call.org.new_id(), {name: body.text(name, longest=500) for name in AUTHORITY_FIELDS})
    call.org.tax_authorities[made.id] = made
    call.wrote("tax_authority", made.id, "create")
    return created("Tax Authority has been added.", tax_authority={"tax_authority_id": made.id} | made.fields)


def list_exemptions(call: Call) -> Reply:
    rows = [{"tax_exemption_id": one.id} | one.fields for one in call.org.tax_exemptions.values()]
    return done("success", tax_exemptions=rows)


def get_exemption(call: Call) -> Reply:
    one = call.org.tax_exemptions.get(call.ids["tax_exemption_id"])
    if one is None:
        raise absent("Tax exemption")
    return done("success", tax_exemption={"tax_exemption_id": one.id} | one.fields)


def create_exemption(call: Call) -> Reply:
    """Answered with 200, as described, where other creates say 201."""
    body = call.body()
    body.required("tax_exemption_code", 100)
    if body.required("type") not in EXEMPTION_TYPES:
        raise invalid("type")
    made = Named(call.org.new_id(), {name: body.text(name, longest=500) for name in EXEMPTION_FIELDS})
    call.org.tax_exemptions[made.id] = made
    call.wrote("tax_exemption", made.id, "create")
    return done("Tax Exemption has been added.", tax_exemption={"tax_exemption_id": made.id} | made.fields)
