"""Records as the API shows them (sheet, sections 2, 3.3 and 5)."""

from __future__ import annotations

from decimal import Decimal

from sandbox.quickbooks.company import Company
from sandbox.quickbooks.entities import NAMED
from sandbox.quickbooks.record import Record, State, Tombstone, Values
from sandbox.quickbooks.refusals import Document
from sandbox.quickbooks.stamps import stamp

DELETED = " (deleted)"
NOTHING = Decimal(0)


def shown(company: Company, record: Record, state: State | None = None) -> Document:
    """The whole record, as it is or as it was in `state`."""
    state = state or record.state
    frame = {
        "domain": "QBO", "sparse": False, "Id": record.id, "SyncToken": str(state.token),
        "MetaData": {"CreateTime": stamp(record.created), "LastUpdatedTime": stamp(state.updated)},
    }  # fmt: skip
    own = {name: value for name, value in state.values.items() if value is not None}
    if record.entity in NAMED:
        own |= {"DisplayName": display_name(state), "Active": state.active}
    if record.entity == "Customer":
        own |= _of_customer(company, record, state)
    return own | frame


def display_name(state: State) -> str:
    """Whoever is inactive carries it in the name."""
    return f"{state.values['DisplayName']}{'' if state.active else DELETED}"


def _of_customer(company: Company, record: Record, state: State) -> Document:
    values = state.values
    level = company.level(values)
    own = company.owed.get(record.id, NOTHING)
    told: Document = {
        "FullyQualifiedName": full_name(company, values, display_name(state)),
        "PrintOnCheckName": values.get("PrintOnCheckName") or values["DisplayName"],
        "Taxable": bool(values.get("Taxable")), "Job": bool(values.get("Job")),
        "BillWithParent": bool(values.get("BillWithParent")), "Balance": own,
        "BalanceWithJobs": own + sum((company.owed.get(one, NOTHING) for one in company.below(record.id)), NOTHING),
        "CurrencyRef": values.get("CurrencyRef") or {"value": company.currency},
        "PreferredDeliveryMethod": values.get("PreferredDeliveryMethod") or "Print",
        "IsProject": bool(values.get("IsProject")),
    }  # fmt: skip
    return told | {"Level": level} if level else told


def full_name(company: Company, values: Values, name: str) -> str:
    """ "Parent:Child": why no name may have a colon."""
    above = company.parent(values)
    return name if above is None else f"{full_name(company, above.values, display_name(above.state))}:{name}"


def ended(company: Company, one: Tombstone, merged_as: str) -> Document:
    """What is no more, as changes tell it. In which of two ways a merge is told is not known."""
    if one.merged is not None and merged_as == "inactive":
        was = one.merged.state
        return shown(company, one.merged, State(was.token + 1, one.at, one.at, False, was.values))
    return {"domain": "QBO", "status": "Deleted", "Id": one.id, "MetaData": {"LastUpdatedTime": stamp(one.at)}}
