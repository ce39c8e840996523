"""One admitted call on its way through a module: where it stands, what it says, what it changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sandbox.simulator import Applied, Operation, Request
from sandbox.zoho_books.catalogue import User
from sandbox.zoho_books.hooks import HookHistory, Trigger
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.switches import Switches
from sandbox.zoho_books.wire import Body, Document, parse


class Reply(NamedTuple):
    """What a module answers: the envelope's message and parts."""

    message: str = "success"
    parts: Document | None = None
    status: int = 200


def created(message: str, **parts: Any) -> Reply:
    return Reply(message, parts, 201)


def done(message: str, **parts: Any) -> Reply:
    return Reply(message, parts or None)


class Change(NamedTuple):
    """A change a workflow rule may listen to, with the module object as it was at that moment."""

    entity: str
    trigger: Trigger
    id: str
    changed: frozenset[str]
    document: Document


@dataclass
class Call:
    """Everything a module needs to answer one request."""

    org: Organisation
    organisations: Mapping[str, Organisation]
    user: User
    switches: Switches
    plans: Mapping[str, str]
    request: Request
    ids: Mapping[str, str]
    now: int
    applied: list[Applied] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    resends: list[HookHistory] = field(default_factory=list)

    def body(self) -> Body:
        return Body(parse(self.request.body))

    def param(self, name: str) -> str:
        return self.request.param(name) or ""

    def wrote(self, kind: str, id_: str, op: Operation) -> None:
        """Log a record that no workflow rule listens to."""
        self.applied.append(Applied(kind, id_, op))

    def changed(
        self, kind: str, id_: str, op: Operation, document: Document, fields: frozenset[str] = frozenset()
    ) -> None:
        """Log a record and tell the workflow rules. Saving without a change is an edit to the vendor, too."""
        self.applied.append(Applied(kind, id_, op))
        trigger: Trigger = "update" if op == "noop" else op
        self.changes.append(Change(kind, trigger, id_, fields, document))

    def rippled(self, kind: str, id_: str, document: Document, fields: frozenset[str]) -> None:
        """A record changed because another was written: rules run, the log names only what the call addressed."""
        if fields:
            self.changes.append(Change(kind, "update", id_, fields, document))


# What rules call the columns of a record; the others have the same name.
RULE_NAMES = {
    "name": "contact_name", "number": "invoice_number", "billing": "billing_address", "shipping": "shipping_address",
    "persons": "contact_persons", "receivable": "outstanding_receivable_amount", "paid": "payment_made",
    "lines": "line_items", "mode": "payment_mode", "allocations": "invoices",
}  # fmt: skip


def changed_fields(before: object, after: object) -> frozenset[str]:
    """Which fields of two versions of a record differ, by the names rules use; the time of change aside."""
    names = getattr(after, "__slots__", ())
    differing = {name for name in names if name != "modified" and getattr(before, name) != getattr(after, name)}
    if "custom" in differing:
        old, new = custom_of(before), custom_of(after)
        differing |= {name for name in {*old, *new} if old.get(name) != new.get(name)}
    return frozenset(RULE_NAMES.get(name, name) for name in differing)


def custom_of(record: object) -> Mapping[str, str]:
    found = getattr(record, "custom", {})
    assert isinstance(found, dict)
    return found
