"""When each token expires is told by every replica, and no longer when its connection is gone."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.support.broker import Broker
from tests.support.broker_world import World


def expiry(broker: Broker, connection: str) -> float | None:
    line = f'millrace_token_expiry_timestamp_seconds{{connection="{connection}",system="zoho-books"}} '
    shown = broker.call("GET", "/metrics").text.splitlines()
    return next((float(one.removeprefix(line)) for one in shown if one.startswith(line)), None)


class TestExpiries:
    def test_a_replica_that_renewed_nothing_tells_them_too_and_forgets_them(self, own_world: World) -> None:
        broker = own_world.broker()
        own_world.connect_books(broker, "books")
        other = own_world.broker()
        wait_for(lambda: expiry(other, "books") is not None)
        found = expiry(other, "books")
        assert found is not None
        assert abs(found - time.time()) < 2 * 3600
        broker.call("DELETE", "/v1/grants/books")
        wait_for(lambda: expiry(other, "books") is None)


def wait_for(condition: Callable[[], bool], within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
