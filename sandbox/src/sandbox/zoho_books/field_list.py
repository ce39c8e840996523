"""`GET /settings/fields`: the fields of a module. What the vendor's page of custom fields calls a field's values is a list of options."""

from __future__ import annotations

from sandbox.zoho_books.call import Call, Reply
from sandbox.zoho_books.custom_fields import CustomField
from sandbox.zoho_books.listing import small_page
from sandbox.zoho_books.refusals import invalid, missing
from sandbox.zoho_books.wire import Document

# The vendor's name of a module in this list -> ours.
MODULES = {
    name: name
    for name in (
        "contact",
        "invoice",
        "item",
        "creditnote",
        "bill",
        "purchaseorder",
        "expense",
        "journal",
        "vendor_payment",
    )
} | {"customer_payment": "payment"}


def list_fields(call: Call) -> Reply:
    """Those of the organisation; without `filter_custom_fields` the module's own, too."""
    module = call.param("entity")
    if not module:
        raise missing("entity")
    if module not in MODULES:
        raise invalid("entity")
    options = call.org.field_options
    shown = [_row(one, options.get(one.id, ())) for one in call.org.fields_of(MODULES[module])]
    if call.param("filter_custom_fields") != "true":
        shown = [_own("created_time", "Created Time", "date_time"), *shown]
    return small_page(call, "fields", "Fields", shown, "label")


def _row(field: CustomField, options: tuple[str, ...]) -> Document:
    shown = _own(field.api_name, field.label, field.data_type)
    values = [{"name": name, "order": order, "is_active": True} for order, name in enumerate(options, 1)]
    return shown | {
        "field_id": field.id, "customfield_id": field.id, "index": field.index, "is_custom_field": True, "values": values,
        "is_unique": field.unique, "show_in_all_pdf": False,
    }  # fmt: skip


def _own(api_name: str, label: str, data_type: str) -> Document:
    return {
        "field_id": "", "api_name": api_name, "field_name": api_name, "label": label, "field_name_formatted": label,
        "data_type": data_type, "is_active": True, "is_mandatory": False, "is_custom_field": False,
    }  # fmt: skip
