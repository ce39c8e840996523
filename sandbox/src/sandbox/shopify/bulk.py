"""A bulk operation: a query that runs by itself and leaves a file of lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.shopify.parts import gid


@dataclass(slots=True)
class BulkOperation:
    """One operation with what became of it."""

    number: int
    app: str
    query: str
    created_at: datetime
    version: str
    grouped: bool = False
    status: str = "CREATED"
    error_code: str | None = None
    completed_at: datetime | None = None
    object_count: int = 0
    root_object_count: int = 0
    file_size: int | None = None
    url: str | None = None
    partial_data_url: str | None = None
    base_url: str = ""

    type = "QUERY"

    @property
    def id(self) -> str:
        return gid("BulkOperation", self.number)

    @property
    def legacy_resource_id(self) -> int:
        return self.number

    @property
    def runs(self) -> bool:
        return self.status in ("CREATED", "RUNNING", "CANCELING")
