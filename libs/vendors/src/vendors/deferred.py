"""Acts that a vendor carries out later: many in one call, which is taken at once, works by itself and tells its results when it has ended.

Whatever goes this way runs at a moment that nobody knows, after other people may have acted. So a target gives only those acts to it that
are right whenever they run: what depends on the moment before it, on what a person allows above all, goes by `apply`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from common.http.call import Api
from vendors.acts import Act, Answered, Sending


class Deferred(Protocol):
    """How many acts are handed in together; the name of the call is ours, and every one of its acts carries it."""

    least: int
    """Fewer go one by one: so many are worth the wait."""
    most: int
    longest: timedelta
    """What has not ended by then is called off, and its records are looked at."""

    def takes(self, act: Act) -> bool:
        """Whether this act may run at any later moment; pure."""

    async def hand_in(self, place: str, name: str, acts: Sequence[Act], api: Api, sending: Sending) -> str:
        """One call: the vendor's handle of what it will do. Raises a `Failure` when it is about the whole call."""

    async def find(self, name: str, size: int, since: datetime, api: Api) -> str | None:
        """The handle of a call whose answer nobody has: empty where the vendor has none that may be it, None where one may be and does
        not tell yet."""

    async def results(self, place: str, handle: str, name: str, acts: Sequence[Act], api: Api) -> Answered | None:
        """One verdict per act, in their order; None as long as it has not ended. What it does not tell of an act is `Unknown`.

        Raises an `Unknown` where it has ended and its results are not readable.
        """

    async def call_off(self, handle: str, api: Api) -> None:
        """What has not run by now does not run any more; a call that is not there is no error."""
