"""The fields of a record as people see them at the vendor: what a mapping can name, on either side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from common.failures import Failure

FieldType = Literal[
    "text", "number", "money", "date", "datetime", "boolean", "email", "phone", "address", "tags", "choice", "url",
    "parts",
]  # fmt: skip
"""`parts`: several things that are told and mapped as one, as the lines of an order, or an amount in two currencies."""


@dataclass(frozen=True, slots=True)
class CatalogueField:
    """One field that a person can map."""

    path: str
    label: str
    type: FieldType
    in_list: bool = True
    """Whether the list call already carries it: reading the rest costs a call a record."""
    required: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    """Of an address: the parts without which the vendor refuses it."""
    writable: bool = True


@dataclass(frozen=True, slots=True)
class FieldCatalogue:
    """The fields of one entity or one place, as this account has them."""

    fields: tuple[CatalogueField, ...]
    complete: bool = True
    """The account's own list of its fields was read: else records may have others."""

    def get(self, path: str) -> CatalogueField | None:
        return next((f for f in self.fields if f.path == path), None)


@dataclass(frozen=True, slots=True)
class AskedField:
    """A field that a mapping asks for."""

    path: str
    type: str
    label: str = ""
    """How people see it, where the vendor makes no name of its own of the path."""


@dataclass(frozen=True, slots=True)
class MadeFields:
    """What came of fields that were asked for together."""

    catalogue: FieldCatalogue
    """The fields of the place as they are now."""
    refused: Mapping[str, Failure] = field(default_factory=dict)
    """Why one is not there as it was asked for, by its path; every other one is."""


def catalogue_of(stored: Sequence[Mapping[str, Any]]) -> FieldCatalogue:
    """A catalogue from its stored form."""
    return FieldCatalogue(tuple(_catalogue_field(given) for given in stored))


def _catalogue_field(given: Mapping[str, Any]) -> CatalogueField:
    lists: dict[str, Any] = {name: tuple(given.get(name) or ()) for name in ("choices", "parts")}
    return CatalogueField(**{**given, **lists})


def stored_catalogue(catalogue: FieldCatalogue) -> list[dict[str, Any]]:
    """The form in which a mapping version keeps the catalogue it was checked against."""
    return [asdict(f) for f in catalogue.fields]
