"""A bulk read job as stored."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class BulkJob:
    """One export: the rows are taken when it ends."""

    id: str
    module: str
    fields: tuple[str, ...]
    criteria: object
    page: int
    created: int
    created_by: str
    ends: int
    callback_url: str = ""
    page_token: str = ""
    result: bytes | None = None  # the zip
    count: int = 0
    per_page: int = 200_000
    more: bool = False
    announced: bool = False
    next_token: str = ""
    kept_until: int = 0

    @property
    def state(self) -> str:
        return "COMPLETED" if self.result is not None else "IN PROGRESS"
