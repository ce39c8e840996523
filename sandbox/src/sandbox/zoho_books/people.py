"""What people do in the web application and no API can: adding custom fields, above all (sheet, section 5)."""

from __future__ import annotations

from sandbox.zoho_books.custom_fields import CustomField
from sandbox.zoho_books.organisation import Organisation

MODULES = ("contact", "invoice", "item", "payment", "creditnote")


def act(org: Organisation, wanted: dict[str, object]) -> dict[str, object]:
    """Do it; raises ValueError for what cannot be."""
    if wanted.get("do") != "add_custom_field":
        raise ValueError('do is "add_custom_field"')
    field = _field(org, wanted)
    org.fields.append(field)
    return {"customfield_id": field.id, "api_name": field.api_name, "index": field.index}


def _field(org: Organisation, wanted: dict[str, object]) -> CustomField:
    module, label = str(wanted.get("module", "contact")), str(wanted.get("label") or "")
    api_name = str(wanted.get("api_name") or f"cf_{label.strip().lower().replace(' ', '_')}")
    if module not in MODULES:
        raise ValueError(f"module is one of {', '.join(MODULES)}")
    if not label or not api_name.startswith("cf_") or any(one.api_name == api_name for one in org.fields_of(module)):
        raise ValueError("label is missing, or api_name is taken or does not begin with cf_")
    return CustomField(
        org.new_id(),
        module,
        len(org.fields_of(module)) + 1,
        api_name,
        label,
        str(wanted.get("data_type", "string")),
        unique=wanted.get("unique") is True,
        in_lists=wanted.get("in_lists") is True,
    )
