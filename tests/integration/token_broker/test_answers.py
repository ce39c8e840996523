"""Every answer of the accounts servers, from the sandbox to the state of the connection: nothing storms, nothing asks for consent in vain."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.support.broker import Broker, gates, notifications
from tests.support.broker_world import World, eventually, fault, served_again

# what the accounts server does to the next refresh; what the broker's callers then see; the gates; the vendor is asked
ANSWERS: list[tuple[str, dict[str, Any], tuple[int, str], set[str]]] = [
    ("token_revoked", {}, (409, "NEEDS_REAUTH"), {"needs_reauth"}),
    ("storm_429", {}, (503, "TOKEN_THROTTLED"), {"throttled"}),
    ("status", {"status": 200, "body": '{"error":"general_error"}'}, (503, "TOKEN_UNAVAILABLE"), set()),
    ("status", {"status": 200, "body": '{"error":"invalid_client_secret"}'}, (503, "APP_REFUSED"), {"needs_reauth"}),
    ("status", {"status": 200, "body": "<html>Zoho</html>"}, (503, "TOKEN_UNAVAILABLE"), set()),
    ("status", {"status": 500}, (503, "TOKEN_UNAVAILABLE"), set()),
    ("status", {"status": 302}, (503, "TOKEN_UNAVAILABLE"), set()),
    ("reset_before", {}, (503, "TOKEN_UNAVAILABLE"), set()),
    ("reset_after", {}, (503, "TOKEN_UNAVAILABLE"), set()),
    ("truncated_body", {}, (503, "TOKEN_UNAVAILABLE"), set()),
]


def storms(asked: list[dict[str, Any]]) -> list[str]:
    """Tries that did not wait as long as the one before them demands: a second at least, and a quarter of a pause that doubles."""
    gaps = [(later["mono_ns"] - earlier["mono_ns"]) / 1e9 for earlier, later in pairwise(asked)]
    least = [max(1.0, 0.5 * 2**failures) - 0.001 for failures in range(len(gaps))]
    return [f"try {n + 2} came after {gap:.3f} s" for n, gap in enumerate(gaps) if gap < least[n]]


class TestAnswers:
    @pytest.mark.parametrize(("kind", "more", "told", "closed"), ANSWERS)
    def test_each_leads_to_the_state_the_sheet_asks_for(
        self,
        world: World,
        broker: Broker,
        name: str,
        kind: str,
        more: dict[str, Any],
        told: tuple[int, str],
        closed: set[str],
    ) -> None:
        world.connect_books(broker, name)
        before = len(world.token_calls())
        fault(world, kind, **more)
        world.advance(3600)
        answer = broker.token(name)
        assert (answer.status_code, answer.json()["code"]) == told
        eventually(lambda: gates(world.database, name) == closed)
        for _ in range(30):
            assert broker.token(name).status_code == told[0]
        asked = world.token_calls()[before:]
        # Where waiting is our own choice it is seconds: a slow machine sees further tries, each after its whole pause.
        assert told[1] == "TOKEN_UNAVAILABLE" or len(asked) <= 1, "no storm"
        assert storms(asked) == []
        assert len(notifications(world.database, name)) == len(closed)
        world.sandbox.delete("faults")  # type: ignore[union-attr]
        if told[0] == 503:
            served_again(world, broker, name, 601)
            assert gates(world.database, name) == set()
            assert len(notifications(world.database, name)) == len(closed)
        # The next case's fault must not meet this connection.
        broker.call("DELETE", f"/v1/grants/{name}")
