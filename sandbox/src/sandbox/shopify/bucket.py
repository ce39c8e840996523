"""The points an application has at a shop: a bucket that refills all the time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """How full it was when somebody last looked."""

    left: float = -1.0  # full at first
    at: float = 0.0

    def available(self, now: float, restore: int, most: int) -> float:
        gone = max(0.0, now - self.at)
        self.left = float(most) if self.left < 0 else min(float(most), self.left + gone * restore)
        self.at = now
        return self.left

    def take(self, points: float) -> None:
        self.left = max(0.0, self.left - points)
