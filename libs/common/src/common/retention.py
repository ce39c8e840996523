"""The settings that say how long what we keep is kept; `common.state.retention` says who reads them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Retention(BaseModel):
    """How long what we keep is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    journal_days: int = Field(
        400, ge=92, description="Days the journal is kept; whole months leave it.", examples=["400"]
    )
    audit_days: int = Field(
        90, ge=1, description="Days the token-broker's log of read credentials is kept.", examples=["90"]
    )
    dead_letter_days: int = Field(90, ge=1, description="Days a closed dead letter is kept.", examples=["90"])
    intent_days: int = Field(
        45,
        ge=35,
        description="Days what was sent to a target is kept; longer than Kafka keeps events, so that a replay recognises its echoes.",
        examples=["45"],
    )
    notification_days: int = Field(
        90, ge=1, description="Days a notification is kept when it is over.", examples=["90"]
    )
    quarantine_days: int = Field(30, ge=1, description="Days a webhook that nobody believed is kept.", examples=["30"])
    answer_days: int = Field(
        1, ge=1, description="Days the answer to a request with an Idempotency-Key is kept.", examples=["1"]
    )
    leftover_days: int = Field(
        30,
        ge=1,
        description="Days what is left over of deleted connections and unused quotas is kept.",
        examples=["30"],
    )
