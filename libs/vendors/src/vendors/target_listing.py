"""How everything that is in one place of a target is listed: for comparing both sides, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common.http.call import Api
from vendors.target_record import TargetRecord


@dataclass(frozen=True, slots=True)
class TargetPage:
    """One list call: what it shows, by key, as a look would; each with the vendor's own stamp."""

    shown: Mapping[str, TargetRecord]
    next: str
    """R11: a listing that is cut short goes on from here, and is as complete as if it had not been."""
    unreadable: frozenset[str] = field(default_factory=frozenset)
    """Keys of records that are there, and of which the list does not show everything."""
    parts: Sequence[TargetRecord] = ()
    """By their ids, of a list that tells no keys and little of each record: what it shows is held against what is known, value by value, and
    what differs is looked at."""


class TargetListing(Protocol):
    """Lists records of one entity."""

    def pages(self, place: str, since: str, api: Api) -> AsyncIterator[TargetPage]:
        """Every record of the place, or those after a cursor, empty at the beginning; it ends only where the listing was proved to have.

        Behind everything else that is called.
        """
