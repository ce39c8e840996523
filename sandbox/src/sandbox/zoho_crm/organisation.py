"""One account of the CRM: its people, modules, records, channels and jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.zoho_crm.bulk_job import BulkJob
from sandbox.zoho_crm.channel import Channel
from sandbox.zoho_crm.modules import Module, standard_modules
from sandbox.zoho_crm.record import Record, Shelf
from sandbox.zoho_crm.refusals import Document
from sandbox.zoho_crm.stamps import stamp

CURRENCIES = ("EUR", "USD", "GBP", "JPY", "KWD", "CHF", "INR", "AUD", "CAD", "CNY", "SAR")


class User(NamedTuple):
    """A person with a licence; `id` is the CRM's own, `zuid` the accounts server's."""

    id: str
    zuid: str
    email: str
    name: str


class PageToken(NamedTuple):
    """What a `page_token` stands for: it is bound to a user and to identical parameters."""

    user_id: str
    asked: str
    offset: int
    expires: int


@dataclass(slots=True)
class Organisation:
    """All that one account stores."""

    id: str
    account: str
    name: str
    dc: str
    time_zone: str
    country: str
    base: str  # currency
    users: list[User]
    last_id: int
    enabled: tuple[str, ...] = CURRENCIES
    modules: dict[str, Module] = field(default_factory=dict)
    shelves: dict[str, Shelf] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    jobs: dict[str, BulkJob] = field(default_factory=dict)
    page_tokens: dict[str, PageToken] = field(default_factory=dict)
    native_sync: bool = False

    def open(self) -> None:
        """The standard modules, empty."""
        self.modules = standard_modules(self.new_id, self.enabled)
        self.shelves = {name: Shelf() for name in self.modules}

    def new_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def stamp(self, at: int) -> str:
        return stamp(at, self.time_zone)

    def user(self, id_: str) -> User:
        return next((one for one in self.users if one.id == id_), self.users[0])

    def person(self, id_: str) -> Document:
        found = self.user(id_)
        return {"name": found.name, "id": found.id}

    def find(self, module: str, id_: object) -> Record | None:
        shelf = self.shelves.get(module)
        return shelf.get(id_) if shelf is not None and isinstance(id_, str) else None

    def title(self, module: str, record: Record) -> str:
        """The name of a record in lookups and in the recycle bin."""
        title = self.modules[module].title
        if title == "Full_Name":
            return full_name(record.values)
        return str(record.values.get(title) or "")


def full_name(values: Document) -> str:
    return " ".join(part for part in (values.get("First_Name"), values.get("Last_Name")) if part)
