"""The documents of reconciliations: what was asked for, and how both sides of a leg were last compared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from console.api.documents import Body


class ReconcileBody(Body):
    """What shall become of what differs."""

    repair: bool = Field(False, description="Repair it however much it is; where a question is open, this answers it.")


class ReconciliationDocument(BaseModel):
    """How both sides of a leg were last compared. `repaired`, `left_alone`, `failed` and `waiting` tell of what was handed over."""

    leg: str
    state: str = Field(
        description="`resting`, `wanted`, `listing`, `repairing`, or `asked`: it differs by more than the cap, and a person has to answer."
    )
    began_at: datetime | None
    began_by: str
    ended_at: datetime | None
    next_at: datetime
    words: str = Field(description="Why it waits, if it failed.")
    records: int = Field(0, description="So many were compared.")
    moved: int = Field(0, description="So many changed meanwhile, or were at work, and are no drift.")
    drifted: int = 0
    fields: dict[str, int] = Field(default_factory=dict, description="How many records differ in each field.")
    missing: int = 0
    superfluous: int = Field(0, description="We had left them, and somebody brought them back: they are only told of.")
    cap: int = Field(0, description="So many are repaired without asking.")
    calls: int = 0
    repaired: int
    left_alone: int
    failed: int
    waiting: int


def reconciliation_document(one: Mapping[str, Any]) -> ReconciliationDocument:
    """How a leg stands."""
    state = "wanted" if one["asked"] and one["state"] in ("resting", "asked") else one["state"]
    return ReconciliationDocument(**{**one, **one["result"], "state": state, "next_at": one["due_at"]})
