"""The card index as its documentation has it, and people who work on it; in this process, because nobody else speaks to it."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.contracts.messages import Receipt
from common.http.call import Call
from tests.contract.vendors.account import Answering, Recorded
from tests.contract.vendors.tiny.folder import NAME, VENDOR
from tests.support.sandbox import SandboxProcess
from vendors.vendor import connection_of


class CardIndex:
    """Answers calls, counts them, and is worked on."""

    place = ""
    connection = connection_of(NAME, "cards")

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 10, tzinfo=UTC)
        self.cards: dict[str, dict[str, str]] = {}
        self.asked = 0
        self.api = Recorded(Answering(VENDOR.profile, self.answer, lambda: self.now))
        self._numbers = itertools.count(1)

    def answer(self, call: Call) -> tuple[int, bytes]:
        self.asked += 1
        if call.template == "/cards/{id}":
            card = self.cards.get(call.path["id"])
            return (200, json.dumps(card).encode()) if card else (404, b"{}")
        found = sorted((c for c in self.cards.values() if f"{c['at']} {c['id']}" > call.query["after"]), key=lambda c: (c["at"], c["id"]))  # fmt: skip
        limit = int(call.query["limit"])
        return 200, json.dumps({"cards": found[:limit], "more": len(found) > limit}).encode()

    def calls(self) -> int:
        return self.asked

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def fill(self, entity: Entity, count: int) -> None:
        for _ in range(count):
            self.create(entity)

    def create(self, entity: Entity) -> RecordId:
        n = f"{next(self._numbers):05d}"
        self.cards[n] = {"id": n, "full": f"Card {n}", "mail": f"c{n}@example.test", "at": self.now.isoformat()}
        return RecordId(n)

    def edit(self, entity: Entity, record: RecordId) -> None:
        self.cards[record] |= {"full": f"Edit {next(self._numbers)}", "at": self.now.isoformat()}

    def remove(self, entity: Entity, record: RecordId) -> None:
        del self.cards[record]

    def everything(self, entity: Entity) -> tuple[RecordId, Mapping[str, Any]]:
        record = self.create(entity)
        card = self.cards[record]
        return record, {"name": card["full"], "email": card["mail"], "updated_at": card["at"]}

    def lag(self, seconds: int) -> None:
        """Its list shows every change at once."""

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(id=EventId("r"), connection=ConnectionId("cards"), vendor=NAME, received_at=self.now, method="POST", path="/",
                    body=b'{"id": "00001"}', verified_by="signature")
        ]  # fmt: skip


@asynccontextmanager
async def opened(sandbox: SandboxProcess) -> AsyncIterator[CardIndex]:
    yield CardIndex()
