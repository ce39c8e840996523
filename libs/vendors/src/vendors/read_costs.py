"""How reads are spared: what is asked for in one call, what is gathered for it, and how often everything is listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ReadCosts:
    """Of one vendor; where calls are dear, they are few."""

    together: int = 20
    """How many records are asked for at a time: as many as one call shows, where a call shows several."""
    gathered_for: timedelta = timedelta()
    """How long what comes soon after a read of the same connection is gathered for the next one; what comes alone waits for nothing."""
    whole_every: timedelta = timedelta(days=1)
    """How often everything is listed, so that whoever is missing there is asked for: seldom where what has changed tells who is gone."""
