"""What the Mailchimp writer is told."""

from __future__ import annotations

from common.http.settings import DoorSettings


class WriterMailchimpSettings(DoorSettings):
    """The way to Mailchimp; what to write is configuration, not environment."""
