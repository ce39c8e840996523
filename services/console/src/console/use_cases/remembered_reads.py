"""Settings of an account while a sync is held against it: leg after leg asks for the same, and the vendor is asked once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from common.http.call import Api, Call, VendorAnswer

Asked = tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class RememberedReads:
    """The door for one draft: a read is made once, until something is written by it. For settings alone: records change meanwhile."""

    api: Api
    _answers: dict[Asked, VendorAnswer] = field(default_factory=dict, repr=False)

    async def call(self, call: Call) -> VendorAnswer:
        if call.writes:
            self._answers.clear()
        if call.writes or call.method != "GET":
            return await self.api.call(call)
        asked = (call.template, tuple(sorted(call.path.items())), tuple(sorted(call.query.items())))
        if asked not in self._answers:
            self._answers[asked] = await self.api.call(call)
        return self._answers[asked]

    def apart(self) -> RememberedReads:
        """The same for one place of the account: what is written there says nothing of another."""
        return RememberedReads(self.api, dict(self._answers))

    def lines(self, call: Call) -> AsyncIterator[bytes]:
        return self.api.lines(call)
