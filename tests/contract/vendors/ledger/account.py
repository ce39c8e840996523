"""An organisation of the ledger of the tests, as the suite needs it: a second kind of vendor, found by look-up and with ids of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from common.contracts.connections import Connection
from tests.contract.vendors.account import Recorded, door_to
from tests.support.ledger.process import LedgerProcess
from tests.support.ledger.vendor import PARTY, VENDOR
from vendors.vendor import connection_of


@dataclass
class Organisation:
    """Its parties, worked on by its people."""

    connection: Connection
    api: Recorded
    ledger: LedgerProcess
    place: str = "plain"

    def calls(self) -> int:
        return len(self.ledger.calls())

    def document(self, number: int) -> dict[str, Any]:
        return {"email": f"person{number}@example.test", "name": f"Ida {number}", "phone": "+49 228 1"}

    def changed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {**document, "name": "Changed"}

    def gone(self) -> Mapping[str, Any]:
        return VENDOR.targets[PARTY].gone("archive", {})

    def truth(self, key: str) -> Mapping[str, Any] | None:
        there = self.ledger.records(self.place, "party")
        return next((one for one in there if one["email"] == key and not one.get("deleted")), None)

    def spoil(self, key: str) -> None:
        self._by_people(key, set={"phone": "+49 228 2"})

    def take_away(self, key: str) -> None:
        self._by_people(key, op="delete")

    def refusals(self) -> Sequence[tuple[dict[str, Any], str]]:
        return [({**self.document(50), "name": "refuse-me"}, "LEDGER_REFUSED")]

    def _by_people(self, key: str, **act: Any) -> None:
        found = self.truth(key)
        assert found is not None, key
        self.ledger.people({"org": self.place, "entity": "party", "id": found["id"], **act})


@asynccontextmanager
async def opened(ledger: LedgerProcess) -> AsyncIterator[Organisation]:
    connection = connection_of(VENDOR.name, "ledger", account="ledger")
    async with door_to(VENDOR, connection, ledger.url, "k") as api:
        yield Organisation(connection, api, ledger)
