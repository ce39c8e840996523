"""What calls cost where a vendor counts points: our own reckoning first, and the vendor's own word from its first answer on."""

from __future__ import annotations

from collections.abc import Iterable

from common.http.call import Call
from common.http.exchange import NoAnswer, RawAnswer
from common.http.profile import Limit, PointsTold


class Prices:
    """Of one vendor's questions: the price depends on the question and the sizes in it, and our reckoning tells those apart."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, int], int] = {}

    def of(self, call: Call) -> int:
        """The points to wait for before the call."""
        return self._told.get((call.operation, call.cost), call.cost)

    def told(self, call: Call, limits: Iterable[Limit], outcome: RawAnswer | NoAnswer) -> PointsTold | None:
        """What an answer says of the bucket; its price is what the next call of its kind waits for."""
        reader = next((limit.told for limit in limits if limit.told is not None), None)
        found = reader(outcome.body) if reader is not None and isinstance(outcome, RawAnswer) else None
        if found is not None:
            self._told[call.operation, call.cost] = found.foretold
        return found
