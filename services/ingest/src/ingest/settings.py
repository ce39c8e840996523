"""What ingest is told."""

from __future__ import annotations

from pydantic import Field

from common.http.settings import DoorSettings


class IngestSettings(DoorSettings):
    """The way to vendors, and the limits of the front door."""

    webhook_max_bytes: int = Field(
        2_097_152,
        ge=1024,
        le=2_097_152,
        description="The largest webhook body that is kept; of a larger one the first part goes to quarantine.",
        examples=["2097152"],
    )
    webhook_read_timeout_s: float = Field(
        5.0, gt=0, description="How long a sender may take to send its body, in seconds.", examples=["5"]
    )
