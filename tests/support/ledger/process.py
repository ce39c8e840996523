"""The ledger as a real process on a free port, and what tests say to it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.programs import start_and_listen


class LedgerProcess:
    """Asked outside of every fault."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(trust_env=False, verify=False, timeout=60)

    def reset(self, *organisations: dict[str, Any]) -> None:
        """Empty again, with these organisations or the two of every day: `keyed`, and `plain` without unique keys."""
        self._say("reset", organisations=list(organisations))

    def faults(self, *faults: dict[str, Any]) -> None:
        """These are on from now on, and no others."""
        self._say("faults", faults=list(faults))

    def arrange(self, organisation: str, **values: Any) -> None:
        """`lag_s=2`, `unique=False`."""
        self._say("organisation", id=organisation, set=values)

    def people(self, *acts: dict[str, Any]) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = self._say("people", acts=list(acts))["answers"]
        return answers

    def state(self) -> dict[str, Any]:
        return self._say("state")

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """What went through its door, in its order."""
        calls: list[dict[str, Any]] = self._say("log", since=since)["calls"]
        return calls

    def records(self, organisation: str, entity: str) -> list[dict[str, Any]]:
        return list(self.state()["organisations"][organisation][entity].values())

    def write(self, organisation: str, entity: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """As any client of the vendor."""
        answer = self._client.post(f"{self.url}/v1/{organisation}/{entity}/write", json={"rows": list(rows)})
        told: list[dict[str, Any]] = answer.json()["rows"]
        return told

    def read(self, organisation: str, entity: str, *ids: str) -> list[dict[str, Any] | None]:
        """By id, and outside of every fault."""
        told: list[dict[str, Any] | None] = self._say("read", org=organisation, entity=entity, ids=list(ids))["records"]
        return told

    def changes(self, organisation: str, after: int = 0) -> list[dict[str, Any]]:
        answer = self._client.get(f"{self.url}/v1/{organisation}/changes", params={"after": after})
        told: list[dict[str, Any]] = answer.json()["changes"]
        return told

    def close(self) -> None:
        self._client.close()

    def _say(self, what: str, **wish: Any) -> dict[str, Any]:
        answer = self._client.post(f"{self.url}/_ledger/{what}", json=wish)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


@contextmanager
def ledger_process() -> Iterator[LedgerProcess]:
    """Runs until the block ends."""
    process, said = start_and_listen("tests.support.ledger.server", environment=os.environ)
    ledger = LedgerProcess(said.readline().rpartition(" ")[2].strip())
    try:
        yield ledger
    finally:
        ledger.close()
        process.terminate()
        process.wait(10)
        said.close()
