"""What the Zoho writer is told."""

from __future__ import annotations

from common.http.settings import DoorSettings


class WriterZohoSettings(DoorSettings):
    """The way to Zoho; what to write is configuration, not environment."""
