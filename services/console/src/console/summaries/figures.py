"""What is told of a day: values, and no word of who asked for them or how they are shown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Amount(_Figures):
    """One sum of one currency, as an exact decimal."""

    word: str = Field(description="invoiced, paid, voided, ...")
    currency: str
    amount: Decimal
    count: int = Field(description="So many acts were added up.")
    unknown: int = Field(0, description="Acts of whose amount nothing is known; they are in no sum.")


class LegFigures(_Figures):
    """One kind of record of one sync."""

    sync: str
    leg: str
    becomes: str = Field(description="What it is at the target.")
    arrived: int = Field(description="Records that came for the first time.")
    created: int = Field(description="Records that were made at the target.")
    updated: int = Field(description="Records that were changed there, without those that were made that day.")
    failed: int = Field(description="Records that were given up that day, whatever became of them since.")
    amounts: tuple[Amount, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.arrived or self.created or self.updated or self.failed or self.amounts)


class Stuck(_Figures):
    """One record that waits for a person."""

    id: str
    sync: str = ""
    record: str = ""
    code: str
    since: datetime | None
    page: str = Field("", description="The record in its vendor's own web application.")
    link: str = Field("", description="The failure in this installation's API.")
    command: str


class SyncWaiting(_Figures):
    """What one sync still has to do."""

    sync: str
    waiting: int
    stuck: int


class Blocked(_Figures):
    """A connection whose work is held back."""

    connection: str
    reason: str
    since: datetime
    words: str


class Figures(_Figures):
    """Everything of a day; what waits and what is blocked is of the moment at which they were read."""

    legs: tuple[LegFigures, ...] = ()
    waiting: tuple[SyncWaiting, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    stuck: tuple[Stuck, ...] = Field((), description="The newest of them.")
    stuck_count: int = 0
    letters_open: int = Field(0, description="Messages that a service could not read.")

    @property
    def is_empty(self) -> bool:
        """Nothing happened on the day."""
        return all(leg.is_empty for leg in self.legs)
