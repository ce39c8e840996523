"""Creating, replacing and changing records (sheet, sections 3 and 5)."""

from __future__ import annotations

from decimal import Decimal

from sandbox.quickbooks.call import Call
from sandbox.quickbooks.company import parent_id
from sandbox.quickbooks.entities import BY_PATH, NAMED, PAPERS, PARTS, WRITABLE
from sandbox.quickbooks.record import Record, Values
from sandbox.quickbooks.refusals import (
    Document,
    bad_choice,
    bad_reference,
    breaks_a_rule,
    missing,
    name_taken,
    not_found,
    stale,
    unsupported,
)
from sandbox.quickbooks.values import checked
from sandbox.quickbooks.views import display_name
from sandbox.simulator import Operation

DEEPEST = 4
ADDRESSES = ("BillAddr", "ShipAddr", "PrimaryAddr")
KEPT_ALWAYS = ("IsProject", "CurrencyRef")


def write(call: Call, entity: str, body: Document) -> Record:
    """With an Id a change, without one a new record; raises Refusal."""
    if entity not in WRITABLE:
        raise unsupported(f"{entity} write")
    given = checked(entity, body, call.switches)
    return _created(call, entity, given) if body.get("Id") is None else _changed(call, entity, body, given)


def _created(call: Call, entity: str, given: Values) -> Record:
    active = given.pop("Active", None) is not False
    values = _complete(call, entity, given, None)
    balance = values.pop("Balance", None)
    record = call.company.put(entity, values, call.at, active=active)
    if balance and entity == "Customer":
        call.company.owe(record.id, balance)
    _tell(call, record, "create", "Create")
    return record


def _changed(call: Call, entity: str, body: Document, given: Values) -> Record:
    record = _meant(call, entity, body)
    active = given.pop("Active", None)
    active = record.state.active if active is None else active
    may_change(call, record, becomes_active=active)
    given = {name: value for name, value in given.items() if not WRITABLE[entity][name].only_on_create}
    former = record.values
    values = _complete(call, entity, _merged(entity, body, former, given), record)
    same = values == former and active == record.state.active
    ends = record.state.active and not active
    call.company.change(record, values, call.at, active=active)
    operation = "Delete" if ends and call.switches.inactive_event == "deleted" else "Update"
    _tell(call, record, "noop" if same else "update", operation)
    return record


def _merged(entity: str, body: Document, former: Values, given: Values) -> Values:
    """A sparse update leaves what it does not name; a full one blanks it."""
    if body.get("sparse") is True:
        return former | given
    fixed = {name for name, field in WRITABLE[entity].items() if field.only_on_create}
    kept = {name: value for name, value in former.items() if name in fixed or name in KEPT_ALWAYS}
    return kept | given


def _meant(call: Call, entity: str, body: Document) -> Record:
    """The record, in the version that the caller knows."""
    record = call.company.find(entity, body["Id"])
    if record is None:
        raise not_found("Id")
    if call.by_person:
        return record
    if body.get("SyncToken") in (None, ""):
        raise missing("SyncToken")
    if str(body["SyncToken"]) != str(record.state.token):
        raise stale("Alex Owner")
    return record


def may_change(call: Call, record: Record, *, becomes_active: bool = False) -> None:
    """Whether somebody inactive can be written without being activated is not known."""
    idle = not record.state.active and not becomes_active and not call.by_person
    if idle and call.switches.inactive_writes == "refused":
        raise not_found()


def _tell(call: Call, record: Record, op: Operation, operation: str) -> None:
    call.wrote(record, op, operation)


# What must hold for the whole record


def _complete(call: Call, entity: str, values: Values, record: Record | None) -> Values:
    values = {name: value for name, value in values.items() if value is not None}
    if entity == "Attachable":
        return _hung(call, values)
    if entity in NAMED:
        values["DisplayName"] = _display_name(call, values, record)
    if entity == "Customer":
        _keep_currency(call, values, record)
        _check_family(call, values, record)
    for name in ADDRESSES:
        if name in values:
            values[name] = {"Id": values[name].get("Id") or call.company.new_id(), **values[name]}
    return values


def _display_name(call: Call, values: Values, record: Record | None) -> str:
    """Given, or made of the parts of the name; unique among all who have names."""
    name = values.get("DisplayName") or " ".join(values[part] for part in PARTS if values.get(part))
    if record is not None and not record.state.active and name == display_name(record.state):
        name = record.values["DisplayName"]  # somebody inactive, sent back as it was read
    if not name:
        raise missing("DisplayName")
    if call.company.is_taken(name, record.id if record else ""):
        raise name_taken()
    return name


def _keep_currency(call: Call, values: Values, record: Record | None) -> None:
    if record is not None and "CurrencyRef" in record.values:
        values["CurrencyRef"] = record.values["CurrencyRef"]
    values.setdefault("CurrencyRef", {"value": call.company.currency})


def _check_family(call: Call, values: Values, record: Record | None) -> None:
    """A sub-customer or job says both that it is one and under whom, four levels deep at most."""
    parent = parent_id(values)
    if bool(values.get("Job")) != (parent is not None):
        raise breaks_a_rule("Job and ParentRef belong together")
    if parent is None:
        return
    above = call.company.find("Customer", parent)
    if above is None:
        raise bad_reference("ParentRef")
    own = record.id if record else ""
    if parent == own or parent in call.company.below(own):
        raise breaks_a_rule("A customer cannot be under itself")
    if call.company.level(values) + _height(call, own) > DEEPEST:
        raise breaks_a_rule(f"Sub-customers go {DEEPEST} levels deep at most")


def _height(call: Call, id_: str) -> int:
    """How many levels there are below a customer."""
    return max((1 + _height(call, child) for child in call.company.children.get(id_, ())), default=0)


def _hung(call: Call, values: Values) -> Values:
    """A note hangs on records that are there."""
    if not values.get("Note"):
        raise missing("Note")
    for one in values.get("AttachableRef", ()):
        ref = one["EntityRef"]
        entity = BY_PATH.get(ref["type"].lower())
        if entity not in (*NAMED, *PAPERS):
            raise bad_choice("EntityRef.type", ref["type"])
        if entity == "Customer" and call.switches.customer_notes == "refused":
            raise breaks_a_rule("Notes hang on transactions and items only")
        record = call.company.find(entity, ref["value"])
        if record is None:
            raise bad_reference("EntityRef")
        may_change(call, record)
        ref["type"] = entity
    return values


# Amounts, which only people and the seed write


def add_invoice(call: Call, customer: str, amount: Decimal, day: str, due: str) -> Record:
    number = str(1000 + len(call.company.shelves["Invoice"]) + 1)
    values = {
        "DocNumber": number, "TxnDate": day, "DueDate": due, "CustomerRef": {"value": customer}, "TotalAmt": amount,
        "Balance": amount, "CurrencyRef": {"value": call.company.currency},
        "Line": [{"Id": "1", "LineNum": 1, "Amount": amount, "DetailType": "SalesItemLineDetail"}],
    }  # fmt: skip
    record = call.company.put("Invoice", values, call.at)
    call.company.owe(customer, amount)
    _tell(call, record, "create", "Create")
    return record


def add_payment(call: Call, invoice: Record, amount: Decimal, day: str) -> Record:
    """A payment changes its invoice, too."""
    customer = invoice.values["CustomerRef"]["value"]
    linked = [{"Amount": amount, "LinkedTxn": [{"TxnId": invoice.id, "TxnType": "Invoice"}]}]
    values = {
        "TxnDate": day, "CustomerRef": {"value": customer}, "TotalAmt": amount, "UnappliedAmt": Decimal(0), "Line": linked,
        "CurrencyRef": {"value": call.company.currency},
    }  # fmt: skip
    record = call.company.put("Payment", values, call.at)
    left = invoice.values["Balance"] - amount
    call.company.change(invoice, {**invoice.values, "Balance": left}, call.at, active=True)
    call.company.owe(customer, -amount)
    _tell(call, record, "create", "Create")
    _tell(call, invoice, "update", "Update")
    return record
