"""The documents of previews."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class DetailCostDocument(BaseModel):
    """Records that have to be read one by one, because no list carries what the mapping reads."""

    calls: int = Field(description="One for each of the records that were judged and of which less is known.")
    a_day: int | None = Field(description="How many of them a day has room for; null where the vendor counts no days.")
    seconds: float = Field(description="About how long they take.")


class RunPlanDocument(BaseModel):
    """What the first run of a source costs that nobody has read yet, for the records that were judged; without calls where it was read."""

    calls: dict[str, int] = Field(
        description="By vendor: lists, reads by id, writes; who shares a call is counted once."
    )
    seconds: float = Field(description="How long these take at least, by the vendors' limits.")


class PreviewCounts(BaseModel):
    """Counts and samples; total = add + update + unchanged + remove + skipped."""

    total: int
    complete: bool = Field(description="False when there were so many records that only the first were judged.")
    listed: int = Field(description="So many were listed at the source for this preview: none had been read yet.")
    add: int
    update: int
    unchanged: int
    remove: int
    skipped: int
    skipped_by_reason: dict[str, int]
    notes: dict[str, int]
    samples: list[dict[str, Any]]
    details: DetailCostDocument
    plan: RunPlanDocument


class MatchingDocument(BaseModel):
    """Both sides of a leg and its way back held against each other, before anything is written."""

    linked: int = Field(description="Pairs that are linked already.")
    matched: int = Field(
        description="Pairs that are one by the leg's rules, and will be linked; nothing is written by that."
    )
    asked_left: int = Field(description="Records of the source's side that wait for a person's answer.")
    asked_right: int = Field(description="The same of the target's side.")
    new_right: int = Field(description="Records that have no counterpart and get one at the target.")
    new_left: int = Field(description="Records of the target's side that get one at the source.")


class LegPreview(PreviewCounts):
    """What one leg would do."""

    leg: str
    matching: MatchingDocument | None = Field(
        None, description="Of a forward leg with a way back, and rules that say who is one already."
    )


class PreviewDocument(PreviewCounts):
    """What a sync, or a file, would do: all of its legs together, and each for itself."""

    fields_to_create: list[str]
    warnings: list[str]
    legs: list[LegPreview]
