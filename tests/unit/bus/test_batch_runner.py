"""A batch is stored record by record after one of them broke it, and whatever becomes of the database meanwhile blames nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from common.bus import batch
from common.bus.batch import Away, BatchRunner, Origin
from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.bus.trace import MessagingTrace
from common.contracts.topics import receipts

CUT = asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")


class Picky:
    """Stores every record but one."""

    group = "picky"
    topic = receipts("picky")

    def parse(self, record: RawRecord) -> bytes:
        return record.value or b""

    async def store(self, delivered: Sequence[Delivered[bytes]], tx: object) -> None:
        if any(one.message == b"bad" for one in delivered):
            raise ValueError

    async def after(self, stored: Sequence[Delivered[bytes]]) -> None:
        return


@pytest.mark.parametrize("fails_at", [2, 3, 4, 5])
async def test_a_database_that_goes_away_between_the_records_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    """The whole batch, what could not be read, one record, the letter of the other, the place: each transaction may be the one that fails."""
    begun = 0

    @asynccontextmanager
    async def transaction(pool: object) -> AsyncIterator[None]:
        nonlocal begun
        begun += 1
        if begun == fails_at:
            raise CUT
        yield

    monkeypatch.setattr(batch, "transaction", transaction)
    handler: Any = Picky()
    runner = BatchRunner(
        handler, _pool(), Origin("mapper", "0", "map"), now=lambda: datetime.now(UTC), trace=MessagingTrace(),
        on_letters=lambda _: None,
    )  # fmt: skip
    with pytest.raises(Away):
        await runner.run([RawRecord("t", 0, at, b"k", value, (), 0) for at, value in enumerate((b"good", b"bad"))])
    assert begun == fails_at


def _pool() -> Any:
    return None
