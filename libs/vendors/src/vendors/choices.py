"""What the file of a sync may say of a target that other targets have no such thing of: the target declares it, the core only checks it."""

from __future__ import annotations

from dataclasses import dataclass

PARTLY = "partly"
"""In a document: names of collected fields of which some row could not be filled yet. What it has may be given, and nothing be taken away."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The words and options of one target."""

    gone: tuple[str, ...]
    """What can become of a target record whose source record is gone, or is filtered out."""
    on_delete: str
    on_filtered: str
    """Which of these words hold where a file says nothing."""
    without_key: str
    """Which of them makes a record leave that has lost the field by which its target record is found."""
    options: frozenset[str] = frozenset()
    """Options of its own; `Target.gone` reads them."""
    collected: frozenset[str] = frozenset()
    """Fields that several rows fill together, each with a text or several of them."""
