"""Fields of contacts: what there are, and a new one (sheet, section 3)."""

from __future__ import annotations

from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.parameters import whole
from sandbox.zoho_campaigns.refusals import Document, Refusal, at_gateway

KINDS = (
    "Text", "Integer", "Phone", "Date", "Picklist", "Email", "Checkbox", "LongInteger", "URL", "textarea", "RadioOption", "Multiselect",
    "DateTime", "Decimal", "Percent",
)  # fmt: skip
USUAL_LENGTH = 20
LONGEST_NAME, LONGEST_VALUE = 50, 1_000


def all_fields(call: Call) -> Document:
    """Names and numbers; type and length are not told."""
    rows = [
        {"DISPLAY_NAME": one.display, "FIELD_NAME": one.name, "no": str(at), "FIELD_ID": one.id}
        for at, one in enumerate(call.account.fields.values(), 1)
    ]
    return {"message": "success", "fieldname": rows}


def add_field(call: Call) -> Document:
    """Letters and digits alone make a name, and one that differs from another only in case is taken."""
    name, kind = call.given("fieldname"), call.given("fieldtype")
    length = whole(call.parameters, "fieldlength", USUAL_LENGTH)
    if not (name.isascii() and name.isalnum()) or len(name) > LONGEST_NAME:
        raise Refusal("1001")
    if kind not in KINDS or length > LONGEST_VALUE:
        raise at_gateway("1001")
    if call.account.knows_field(name):
        raise Refusal("916")
    made = call.account.add_field(name, kind, length)
    call.noted("field", made.id, "create")
    return {
        "message": "Success", "code": "200", "fieldtype": kind, "mandatory_check": "success", "type": "json", "uri": "/api/v1.1/custom/add",
        "fieldname": name, "fieldlength": str(length),
    }  # fmt: skip
