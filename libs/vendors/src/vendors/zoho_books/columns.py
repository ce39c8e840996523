"""Records whose fields are told one by one: a column names the vendor's word and ours, and its type says how the value is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from vendors.catalogue import CatalogueField, FieldType
from vendors.zoho_books import wire

Part = Callable[[Sequence[Any]], Any]
UPDATED = CatalogueField("updated_at", "Last Modified Time", "datetime")


@dataclass(frozen=True, slots=True)
class Column:
    """One field of such a record."""

    theirs: str
    ours: str
    label: str
    type: FieldType = "text"
    in_list: bool = True

    def field(self) -> CatalogueField:
        return CatalogueField(self.ours, self.label, self.type, in_list=self.in_list)


def teller(columns: Sequence[Column], parts: Mapping[str, tuple[str, Part]]) -> wire.Teller:
    """Tells by these columns; `parts` are the lists inside the record, by the vendor's word: our word, and how the list is read."""
    return partial(_tell, columns, parts)


def _tell(columns: Sequence[Column], parts: Mapping[str, tuple[str, Part]], found: Mapping[str, Any]) -> dict[str, Any]:
    parsed = {one.ours: _value(one.type, found, one.theirs) for one in columns if one.theirs in found}
    parsed |= {
        ours: read(found[theirs]) for theirs, (ours, read) in parts.items() if isinstance(found.get(theirs), list)
    }
    if (custom := wire.custom_values(found)) is not None:
        parsed["custom"] = custom
    return parsed


def _value(kind: FieldType, found: Mapping[str, Any], name: str) -> Any:
    if kind == "datetime":
        moment = wire.stamp(found, name)
        return moment.isoformat() if moment else None
    if kind in ("money", "number"):
        return wire.amount(found[name])
    return wire.text(found[name])
