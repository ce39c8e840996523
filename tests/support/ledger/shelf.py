"""Records with their history: what a read by id shows at once, and what a look-up shows after a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, Any]


@dataclass
class Version:
    """A record as it was from a moment on."""

    at: float
    fields: Fields


@dataclass
class Shelf:
    """The records of one kind."""

    prefix: str
    versions: dict[str, list[Version]] = field(default_factory=dict)

    def new_id(self) -> str:
        return f"{self.prefix}{len(self.versions) + 1}"

    def put(self, id: str, fields: Fields, at: float) -> Fields:
        """The record is so from now on."""
        self.versions.setdefault(id, []).append(Version(at, fields))
        return fields

    def get(self, id: str) -> Fields | None:
        found = self.versions.get(id)
        return found[-1].fields if found else None

    def all(self) -> dict[str, Fields]:
        return {id: versions[-1].fields for id, versions in self.versions.items()}

    def shown(self, name: str, until: float) -> dict[Any, list[Fields]]:
        """What a look-up by this field finds: the index is behind the writes, and what it finds is shown as it is now."""
        found: dict[Any, list[Fields]] = {}
        for versions in self.versions.values():
            indexed = next((one for one in reversed(versions) if one.at <= until), None)
            if indexed is not None and not versions[-1].fields.get("deleted"):
                found.setdefault(indexed.fields.get(name), []).append(versions[-1].fields)
        return found
