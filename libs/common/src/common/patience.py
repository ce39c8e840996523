"""How long to wait for company: not at all for who is alone, and longer the more came together the last time (decision 30).

What came together last time is what will come: two in a batch mean that records come faster than batches end, so waiting for a third costs
little and saves its transaction, its commit and its request. A batch of one means that nobody comes, and the next one is taken at once; unless
it was there when the last one had hardly ended: then they come as fast as they are handled, and one by one is only how they were found.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

# Where a batch's own work takes longer than company would, as on a machine that is busy, it is at most a quarter of the time;
# unless fewer than this came: two that met by chance say nothing of those who come after them.
_BUSY, _MANY = 4.0, 4


@dataclass(frozen=True, slots=True)
class Patience:
    """So long for each that came the last time, or in proportion to what those took; never longer than `longest_s`."""

    each_s: float
    longest_s: float

    def after(self, came: int, *, took_s: float = 0.0, idle_s: float = inf) -> float:
        """How long whoever comes next may be kept, counted from when these came; 0 after one that came alone.

        `took_s` is how long the work on a batch takes; `idle_s`, how long there was nothing to do before these came.
        """
        if came == 1 and idle_s < self.each_s:
            came = 2
        if came <= 1:
            return 0.0
        return min(max(came * self.each_s, _BUSY * took_s if came >= _MANY else 0.0), self.longest_s)
