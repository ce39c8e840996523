"""Services among servers that somebody else runs, and services that fail."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.command import Millrace, with_service
from tests.support.local_stack import LocalStack, infrastructure

SERVERS = ("kafka", "postgres", "valkey")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Servers of our own: a stack gives the roles of its database server new passwords."""
    with infrastructure(tmp_path_factory.mktemp("servers") / "home") as started:
        yield started


@pytest.fixture
def guest(tmp_path: Path, servers: LocalStack) -> Iterator[Millrace]:
    """A stack whose three servers are given to it."""
    home = tmp_path / "home"
    given = {
        "DATABASE_URL": servers.postgres_url,
        "KAFKA_BOOTSTRAP_SERVERS": servers.kafka,
        "REDIS_URL": servers.valkey_url,
    }
    millrace = Millrace(home, {**with_service(home), **given})
    yield millrace
    millrace.run("down")
    assert millrace.processes() == []


class TestGivenServers:
    def test_they_are_used_and_not_started(self, guest: Millrace, servers: LocalStack) -> None:
        guest.up()
        parts = guest.wait_until_up()["parts"]
        assert [parts[name]["given"] for name in SERVERS] == [True] * 3
        assert [parts[name]["pid"] for name in SERVERS] == [None] * 3
        assert httpx.get(parts["echo"]["url"], timeout=60).json() == {
            "kafka": servers.kafka,
            "user": "millrace_service",
        }
        assert not (guest.home / "data" / "kafka").exists()

    def test_passwords_are_not_shown_to_people(self, guest: Millrace, servers: LocalStack) -> None:
        password = servers.postgres_url.split(":")[2].split("@")[0]
        shown = guest.up()
        assert password not in shown.stdout + shown.stderr + guest.run("status").stdout
        logs = guest.run("logs", "-n", "1000").stdout
        assert password not in logs


class TestStopOne:
    def test_one_service_stays_down_until_it_is_started_again(self, guest: Millrace) -> None:
        guest.up()
        before = guest.status()["parts"]["echo"]["pid"]
        assert guest.run("stop", "echo").returncode == 0
        part = guest.status()["parts"]["echo"]
        assert (part["ready"], part["pid"], part["restarts"]) == (False, None, 0)
        assert guest.run("status").returncode == 1
        assert "stopped by `millrace stop`" in guest.run("status").stdout
        assert guest.run("start", "echo").returncode == 0
        part = guest.wait_until_up()["parts"]["echo"]
        assert part["pid"] != before

    def test_what_is_no_service_is_refused_with_the_names_that_are(self, guest: Millrace) -> None:
        guest.up()
        refused = guest.run("stop", "kafkaa")
        assert refused.returncode == 3
        assert "echo" in refused.stderr


class TestFailingService:
    def test_one_that_cannot_start_says_why_and_nothing_runs(self, guest: Millrace) -> None:
        failing = with_service(guest.home, name="failing", module="tests.support.failing_service")
        done = guest.run("up", **failing, FAILS="at-once")
        assert done.returncode == 1
        assert "failing ended with code 78" in done.stderr
        assert "MAILBOX is missing" in done.stderr
        assert str(guest.home / "logs" / "failing.log") in done.stderr
        assert guest.run("status").returncode == 3

    def test_one_that_dies_again_and_again_is_started_again_and_seen(self, guest: Millrace) -> None:
        failing = with_service(guest.home, name="failing", module="tests.support.failing_service")
        guest.run("up", **failing)
        often = guest.wait("it died three times", lambda status: status["parts"]["failing"]["restarts"] >= 3)
        assert often["supervisor"]["running"]
        troubled = guest.wait("its trouble is told", lambda status: "trouble" in status["parts"]["failing"])
        assert "ended with code 1" in troubled["parts"]["failing"]["trouble"]


class TestStop:
    def test_services_stop_before_the_servers_they_use(self, fresh: Millrace) -> None:
        fresh.environment.update(with_service(fresh.home))
        fresh.up()
        assert fresh.run("down").returncode == 0
        told = [line.split(maxsplit=3)[1:3] for line in (fresh.home / "logs/supervisor.log").read_text().splitlines()]
        stopped = [words[0] for words in told if words[1] == "stopped"]
        assert set(stopped) == {*SERVERS, "echo"}
        assert stopped[0] == "echo"
        assert "service.stopped" in (fresh.home / "logs/echo.log").read_text()

    def test_an_interrupted_up_leaves_nothing(self, fresh: Millrace) -> None:
        up = fresh.start("up")
        fresh.wait("it is starting", lambda status: status["state"] == "starting")
        up.send_signal(signal.SIGINT)
        assert up.wait(120) == 130
        assert fresh.processes() == []
        assert fresh.run("status").returncode == 3
