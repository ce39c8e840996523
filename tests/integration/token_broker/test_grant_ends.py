"""A grant that ends whatever is done is told of 90, 30 and 7 days ahead, once each, and ends being told of when it is given anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from common.clock import FixedClock
from common.state.pool import close_pool, open_pool
from tests.support.broker import Browser, query
from tests.support.broker_world import World, eventually
from token_broker.vault.credentials import Credentials
from token_broker.vault.envelope import Vault
from token_broker.vault.grant_ends import GrantEnds

DAY_S = 86_400


def notices(world: World) -> list[tuple[str, bool]]:
    found = query(world.database, "select message, resolved_at is null as open from core.notification order by id")
    return [(row["message"].rpartition(": ")[2], row["open"]) for row in found]


async def look(world: World, at: datetime) -> None:
    """Two replicas look at all grants at that moment, one after the other."""
    pool = await open_pool(world.database.url("broker"), name="test", size=2)
    try:
        for _ in range(2):
            await GrantEnds(pool, Credentials(pool, cast(Vault, None)), FixedClock(at)).tidy()
    finally:
        await close_pool(pool)


class TestGrantEnds:
    async def test_people_are_told_in_time_until_they_consent_again(self, rotating_world: Callable[..., World]) -> None:
        world = rotating_world(grace=True)
        assert world.rotating is not None
        world.rotating.ends = {"idle_s": 101 * DAY_S, "hard_s": 400 * DAY_S}
        broker = world.broker()
        world.connect_rotating(broker)
        given = broker.call("GET", "/v1/grants/rot").json()
        assert given["details"]["realm"] == "4620816365"
        ends, made = datetime.fromisoformat(given["grant_ends_at"]), datetime.fromisoformat(given["granted_at"])
        assert ends - made == timedelta(days=400)
        broker.kill()

        # Nobody renews it meanwhile, so the idle end comes first.
        for day in (2, 12, 13, 72, 95):
            await look(world, made + timedelta(days=day))
        told = [f"less than {days} days are left." for days in (90, 30, 7)]
        assert notices(world) == [(told[0], False), (told[1], False), (told[2], True)]

        # Renewed, it is the hard end that counts; of what the answers tell of that, seconds do not matter.
        world.rotating.ends = {"idle_s": 400 * DAY_S, "hard_s": 305 * DAY_S + 7}
        world.advance(95 * DAY_S)
        broker.start()
        eventually(lambda: broker.call("GET", "/v1/grants/rot").json()["generation"] > 1)
        assert broker.call("GET", "/v1/grants/rot").json()["grant_ends_at"] == given["grant_ends_at"]
        broker.kill()
        await look(world, ends - timedelta(days=300))
        assert [open for _, open in notices(world)] == [False] * 3
        await look(world, ends - timedelta(days=20))
        assert notices(world)[3:] == [(told[1], True)]

        world.rotating.ends["hard_s"] = 400 * DAY_S
        broker.start()
        self.consent_again(world, broker)
        assert broker.call("GET", "/v1/grants/rot").json()["grant_ends_at"] > given["grant_ends_at"]
        assert notices(world)[3:] == [(told[1], False)]

    @staticmethod
    def consent_again(world: World, broker: Any) -> None:
        asked = {"connection": "rot", "vendor": "rotating", "name": "rot"}
        browser, consent = Browser(), broker.call("POST", "/v1/consents", json=asked).json()
        assert browser.get(browser.get(browser.to_vendor(consent["start_url"])).headers["location"]).status_code == 200
