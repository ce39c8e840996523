"""How one kind of record is read: what a row of the table in `readers.py` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from vendors.catalogue import CatalogueField
from vendors.zoho_books import wire


@dataclass(frozen=True, slots=True)
class RecordReader:
    """One kind of record: where it is, under which names it comes, what it says, and how changes of it are found."""

    title: str
    """As people see it."""
    path: str
    """Its list; a record is at `{path}/{id}`."""
    word: str
    """The name of one, in the answer to a read by id."""
    keys: tuple[str, ...]
    """The names under which a list has its rows."""
    id_name: str
    module: str
    """Its name in the list of custom fields."""
    tell: wire.Teller
    fields: tuple[CatalogueField, ...]
    inside: frozenset[str] = frozenset()
    """What a read by id tells besides these fields: lines, and what a payment pays."""
    changes: Literal["filter", "newest", "whole"] = "filter"
    """How changes are found: the list takes `last_modified_time`, or it sorts by it, or it has to be read whole."""
    order: str = "created_time"
    """By what everything is listed: of the columns that the vendor sorts by, the one that edits move least."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """What chooses these records where others are in the same list."""
    stamped: bool = True
    """Whether a row says when its record was changed: else each record that is listed has to be read by id."""
    stamps: tuple[str, ...] = ("last_modified_time",)
    """The names under which a record says when it was changed."""

    @property
    def template(self) -> str:
        """Of a read by id."""
        return f"{self.path}/{{id}}"

    @property
    def detail_only(self) -> frozenset[str]:
        """By their first names. Of custom fields a list has those that the organisation shows there."""
        return self.inside | {"custom", *(one.path for one in self.fields if not one.in_list)}

    def moment(self, found: Mapping[str, Any]) -> datetime | None:
        """When the record was changed."""
        return next((moment for name in self.stamps if (moment := wire.stamp(found, name))), None)

    def in_answer(self, body: Mapping[str, Any]) -> Any:
        """The record in the answer to a read by id; an account of the ledger lies bare in the envelope."""
        return body[self.word] if self.word in body or self.id_name not in body else body
