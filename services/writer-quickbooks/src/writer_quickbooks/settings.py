"""What the QuickBooks writer is told."""

from __future__ import annotations

from common.http.settings import DoorSettings


class WriterQuickBooksSettings(DoorSettings):
    """The way to QuickBooks; what to write is configuration, not environment."""
