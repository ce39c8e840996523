"""What is known of one record at a target: one row for each account, place, entity and key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """R15: what was last seen and what was last agreed are two things.

    Looks, events and answers change what is seen. Only the end of a write, or both sides saying the same, changes what is agreed. All of
    it is changed by the target's own `absorb`, and by nothing else.
    """

    exists: bool | None = None
    """None: nobody has looked, and nothing was agreed."""
    met: bool = False
    """It was there once. What was there and is gone was taken away by somebody: it is not made again."""
    id: str = ""
    seen: Mapping[str, Any] = field(default_factory=dict)
    """By the paths of the catalogue, in the target's own spelling."""
    agreed: Mapping[str, Any] = field(default_factory=dict)
    """The fields that were last the same on both sides."""
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What the vendor remembers beyond the present state; stored, and read by nobody else.

    In what a look returns: what else it shows, for the vendor's own code; never stored. `also` holds the whole memories of records that
    turned out to be this one, when the account of a connection was learnt.
    """
    doubtful: bool = False
    """Look before anything is decided."""
    stamp: datetime | None = None
    """In what a look returns: the vendor's own stamp of the state that it shows. Of a pair's side: that of the version that was seen last,
    where it is settled (R19). Never stored."""
