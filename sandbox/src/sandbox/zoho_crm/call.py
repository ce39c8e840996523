"""One admitted call on its way: where it stands, what it says, what it changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.simulator import Applied, Operation, Request
from sandbox.zoho_crm.editions import EDITIONS, PROFESSIONAL
from sandbox.zoho_crm.modules import INVENTORY, Module
from sandbox.zoho_crm.organisation import Organisation, User
from sandbox.zoho_crm.record import Record, Shelf, Values
from sandbox.zoho_crm.refusals import Document, Refusal, invalid_module
from sandbox.zoho_crm.switches import Switches


class Reply(NamedTuple):
    """What goes back: a document, bytes, or nothing at all."""

    status: int
    document: object = None
    content: bytes = b""
    content_type: str = ""


class Change(NamedTuple):
    """What a channel may hear of."""

    module: str
    operation: str  # create, edit or delete
    id: str
    values: Values  # what has changed, by field
    account_id: str = ""  # the account the record belongs to


@dataclass
class Call:
    """Everything a handler needs to answer one request."""

    org: Organisation
    user: User
    switches: Switches
    request: Request
    document: Document
    ids: dict[str, str]
    now: int
    scopes: frozenset[str] | None = None  # None: an operator's, or by hand
    applied: list[Applied] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def param(self, name: str) -> str:
        return self.request.param(name) or ""

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")

    @property
    def module(self) -> Module:
        """The module the address names."""
        return module_of(self.org, self.switches, self.ids["module"])

    @property
    def shelf(self) -> Shelf:
        return self.org.shelves[self.ids["module"]]

    def noted(self, kind: str, id_: str, op: Operation) -> None:
        """Log what no channel hears of."""
        self.applied.append(Applied(kind, id_, op))

    @property
    def is_quiet(self) -> bool:
        """`trigger: []` stops workflows; whether it stops notifications too is not known."""
        return self.switches.quiet_trigger and self.document.get("trigger") == []

    def wrote(self, module: str, record: Record, op: Operation, changed: Values) -> None:
        """Log a record and tell the channels. Saving without a change is an edit to the vendor, too."""
        operation = {"create": "create", "delete": "delete"}.get(op, "edit")
        account = record.values.get("Account_Name") or ""
        self.applied.append(Applied(module, record.id, op))
        self.changes.append(Change(module, operation, record.id, changed, account if module != "Accounts" else ""))


def module_of(org: Organisation, switches: Switches, name: str, index: int = 0) -> Module:
    """A module that the edition has; raises Refusal."""
    module = org.modules.get(name)
    if module is None:
        raise invalid_module(index)
    if not in_edition(module.api_name, switches.edition):
        raise absent(switches, index)
    return module


def in_edition(module: str, edition: str) -> bool:
    return module not in INVENTORY or EDITIONS[edition].rank >= PROFESSIONAL


def absent(switches: Switches, index: int) -> Refusal:
    """How a lower edition refuses a module it does not have: the code is not known for sure."""
    if switches.absent_module == "NO_PERMISSION":
        return Refusal(403, "NO_PERMISSION", "permission denied", permissions=["Crm_Implied_View"])
    if switches.absent_module == "NOT_SUPPORTED":
        return Refusal(400, "NOT_SUPPORTED", "The module is not supported", resource_path_index=index)
    return invalid_module(index)
