"""kill -9 after each line of a refresh: nothing that reached our disk is lost, the rest ends in words and never in a storm."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.broker import Broker, gates, notifications, query
from tests.support.broker_world import World, eventually, read_lines

BEFORE_ASKING = ("locked", "reread", "intended")
AFTER_STORING = ("stored", "released")
POINTS = (*BEFORE_ASKING, "answered", *AFTER_STORING)


def killed_at(world: World, point: str, connect: Callable[[Broker], object]) -> Broker:
    """A broker that dies at the point of its first refresh, and is back."""
    log = Path(world.home) / f"failpoints-{point}.jsonl"
    # By `*1` in a log that outlives the process, the point strikes once and never after the restart.
    armed = {
        "MILLRACE_TEST": "1",
        "MILLRACE_FAILPOINTS": f"broker.refresh.{point}=kill*1",
        "MILLRACE_FAILPOINTS_LOG": str(log),
    }
    broker = world.broker(**armed)
    connect(broker)
    world.advance(56 * 60)
    assert broker.died() == -9
    assert sum(line["fired"] for line in read_lines(log)) == 1
    return broker.start()


def settled(broker: Broker, connection: str) -> int:
    """The status of a request for a token once the broker knows."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        told = broker.call("GET", f"/v1/grants/{connection}").json()
        if told["state"] == "needs_reauth" or told["generation"] > 1:
            return broker.token(connection).status_code
        time.sleep(0.05)
    raise AssertionError(f"the refresh was never settled: {told}")


def zoho_heals(world: World, point: str) -> None:
    broker = killed_at(world, point, world.connect_books)
    assert settled(broker, "books") == 200
    assert notifications(world.database, "books") == []
    asked = query(world.database, "select count(*) from vault.token_call where because <> 'consent'")[0][0]
    assert asked == (2 if point in ("intended", "answered") else 1), "what was never asked is counted all the same"
    assert query(world.database, "select * from vault.refresh_intent") == []


def rotation_without_grace_ends_or_lives(world: World, point: str) -> None:
    assert world.rotating is not None
    broker = killed_at(world, point, world.connect_rotating)
    status = settled(broker, "rot")
    if point != "answered":
        assert status == 200 and notifications(world.database, "rot") == []
        assert [what for what, _ in world.rotating.refreshes] == ["granted"]
        return
    assert status == 409
    assert notifications(world.database, "rot") == [("gate.needs_reauth", "REFRESH_ANSWER_LOST")]
    assert gates(world.database, "rot") == {"needs_reauth"}
    assert "never reached our disk" in broker.call("GET", "/v1/grants/rot").json()["reason"]
    for _ in range(20):
        assert broker.token("rot").json()["code"] == "NEEDS_REAUTH"
    world.advance(3600)
    time.sleep(1.5)  # more than the schedule's second, in which nothing must happen
    assert [what for what, _ in world.rotating.refreshes] == ["granted", "refused"], "the former one was tried once"
    assert len(notifications(world.database, "rot")) == 1


def rotation_with_grace_lives(world: World, point: str) -> None:
    assert world.rotating is not None
    broker = killed_at(world, point, world.connect_rotating)
    assert settled(broker, "rot") == 200
    assert notifications(world.database, "rot") == []
    expected = ["granted", "granted"] if point == "answered" else ["granted"]
    assert [what for what, _ in world.rotating.refreshes] == expected
    world.advance(51 * 60)
    eventually(lambda: broker.call("GET", "/v1/grants/rot").json()["generation"] == 3)
    assert broker.token("rot").status_code == 200


def first_answer_is_lost(world: World, broker: Broker) -> None:
    """The broker knows; on a busy machine it may have asked once more before anybody looks."""
    assert world.rotating is not None
    asked = world.rotating.refreshes
    eventually(lambda: broker.call("GET", "/v1/grants/rot").json()["failures"] == 1 or len(asked) > 1)


@pytest.mark.slow
class TestKilled:
    @pytest.mark.parametrize("point", POINTS)
    def test_only_what_never_reached_the_disk_is_lost_and_that_in_words(
        self, own_world: World, rotating_world: Callable[..., World], point: str
    ) -> None:
        """Zoho, a rotating vendor without grace and one with it, side by side: they share nothing."""
        cases = [
            (zoho_heals, own_world),
            (rotation_without_grace_ends_or_lives, rotating_world(grace=False)),
            (rotation_with_grace_lives, rotating_world(grace=True)),
        ]
        with ThreadPoolExecutor(len(cases)) as threads:
            for case in [threads.submit(check, world, point) for check, world in cases]:
                case.result()


class TestLostAnswers:
    """The same doubt without a crash: the connection breaks between the vendor's answer and us."""

    @pytest.mark.parametrize("mishap", ["lost", "garbage", "hang"])
    def test_without_grace_it_ends_in_words(self, rotating_world: Callable[..., World], mishap: str) -> None:
        world = rotating_world(grace=False)
        assert world.rotating is not None
        broker = world.broker()
        world.connect_rotating(broker)
        world.rotating.mishaps.append(mishap)
        world.advance(3700)
        first_answer_is_lost(world, broker)
        world.advance(3)
        eventually(lambda: broker.token("rot").status_code == 409)
        assert notifications(world.database, "rot") == [("gate.needs_reauth", "REFRESH_ANSWER_LOST")]
        assert len(world.rotating.refreshes) == 2

    def test_with_grace_the_former_token_brings_it_back(self, rotating_world: Callable[..., World]) -> None:
        world = rotating_world(grace=True)
        assert world.rotating is not None
        broker = world.broker()
        world.connect_rotating(broker)
        world.rotating.mishaps.append("lost")
        world.advance(3700)
        first_answer_is_lost(world, broker)
        world.advance(3)
        eventually(lambda: broker.token("rot").status_code == 200)
        assert len(world.rotating.refreshes) == 2 and notifications(world.database, "rot") == []

    def test_a_vendor_that_is_down_for_long_ends_nothing(self, rotating_world: Callable[..., World]) -> None:
        world = rotating_world(grace=False)
        assert world.rotating is not None
        broker = world.broker()
        world.connect_rotating(broker)
        world.rotating.mishaps += ["down"] * 4
        world.advance(3700)
        for _ in range(40):
            if broker.token("rot").status_code == 200:
                break
            world.advance(30)
            time.sleep(0.3)
        assert broker.token("rot").status_code == 200
        assert [what for what, _ in world.rotating.refreshes] == ["down"] * 4 + ["granted"]

    def test_each_rotation_is_used_once_over_a_day(self, rotating_world: Callable[..., World]) -> None:
        world = rotating_world(grace=False)
        assert world.rotating is not None
        brokers = [world.broker(), world.broker()]
        world.connect_rotating(brokers[0])
        for hour in range(24):
            world.advance(3600)
            assert {broker.token("rot").status_code for broker in brokers} == {200}, f"hour {hour}"
        assert [what for what, _ in world.rotating.refreshes] == ["granted"] * 24
        used = [token for _, token in world.rotating.refreshes]
        assert len(set(used)) == len(used), "no refresh token was ever used twice"


class TestDatabaseAway:
    def test_an_answer_waits_for_the_database(self, rotating_world: Callable[..., World]) -> None:
        world = rotating_world(grace=False)
        assert world.rotating is not None
        broker = world.broker(
            MILLRACE_TEST="1",
            # Long enough for whoever is to take the database away meanwhile.
            MILLRACE_FAILPOINTS="broker.refresh.answered=delay:4.0",
        )
        world.connect_rotating(broker)
        world.advance(56 * 60)
        eventually(lambda: len(world.rotating.refreshes) == 1)  # type: ignore[union-attr]
        name = world.database.name
        # Every session of the broker is cut, and for a while none is let in: as when PostgreSQL restarts.
        query(world.database, f"alter role millrace_broker in database {name} set default_transaction_read_only to on")
        query(
            world.database,
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'millrace_broker' and datname = $1",
            name,
        )
        eventually(lambda: "refresh.store_failed" in broker.log.read_text())
        query(world.database, f"alter role millrace_broker in database {name} reset default_transaction_read_only")
        query(
            world.database,
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'millrace_broker' and datname = $1",
            name,
        )
        eventually(lambda: broker.call("GET", "/v1/grants/rot").json().get("generation") == 2)
        assert [what for what, _ in world.rotating.refreshes] == ["granted"]
        assert broker.token("rot").status_code == 200
