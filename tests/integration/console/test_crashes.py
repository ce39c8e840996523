"""The console is killed between its own rows and the token-broker; a restart or a repeat heals what is left."""

from __future__ import annotations

import signal
from typing import Any

import httpx
import pytest

from tests.support.broker import Browser
from tests.support.console import Console


def killed_at(console: Console, point: str, ask: Any) -> None:
    """The console dies there in the middle of a request, and is started again without the failpoint."""
    console.start(MILLRACE_TEST="1", MILLRACE_FAILPOINTS=f"console.{point}=kill*1")
    with pytest.raises(httpx.TransportError):
        ask()
    assert console.died() == -signal.SIGKILL
    console.start()


def the_only(console: Console) -> dict[str, Any]:
    (found,) = console.told("GET", "/connections")["items"]
    return dict(found)


class TestAddByKey:
    def test_killed_before_the_broker_knows(self, own_console: Console, called: str) -> None:
        killed_at(own_console, "connecting.begun", lambda: own_console.add_mailchimp(called))
        half = the_only(own_console)
        assert half["state"] == "connecting"
        whole = own_console.add_mailchimp(called)
        assert (whole["connection"]["id"], whole["connection"]["state"]) == (half["id"], "active")

    @pytest.mark.parametrize("point", ["connecting.given", "connecting.tried"])
    def test_killed_after_the_broker_has_the_key(self, own_console: Console, called: str, point: str) -> None:
        killed_at(own_console, point, lambda: own_console.add_mailchimp(called))
        # Nobody repeats anything: the console finishes by itself.
        half = the_only(own_console)
        assert own_console.wait_for(half["id"], "active")["details"]["dc"] == "us6"


class TestAddByConsent:
    @pytest.mark.parametrize("point", ["connecting.begun", "connecting.given"])
    def test_killed_before_anybody_saw_the_address(self, own_console: Console, called: str, point: str) -> None:
        killed_at(own_console, point, lambda: own_console.add_books(called))
        half = the_only(own_console)
        begun = own_console.add_books(called)
        assert begun["connection"]["id"] == half["id"]
        Browser().consent(begun["road"]["start_url"])
        assert own_console.told("GET", f"/connections/{half['id']}/road?wait_s=10")["state"] == "connected"

    def test_killed_while_the_person_is_at_the_vendor(self, own_console: Console, called: str) -> None:
        own_console.start()
        begun = own_console.add_books(called)
        own_console.kill()
        assert "is connected to" in Browser().consent(begun["road"]["start_url"]).text
        own_console.start()
        own_console.wait_for(begun["connection"]["id"], "active")

    def test_killed_between_the_try_and_the_row(self, own_console: Console, called: str) -> None:
        own_console.start()
        begun = own_console.add_books(called)
        own_console.kill()
        Browser().consent(begun["road"]["start_url"])
        # It finds the road at once, and may be dead before anybody has seen it ready.
        own_console.start(ready=False, MILLRACE_TEST="1", MILLRACE_FAILPOINTS="console.connecting.tried=kill*1")
        assert own_console.died() == -signal.SIGKILL
        own_console.start()
        own_console.wait_for(begun["connection"]["id"], "active")


class TestDelete:
    @pytest.mark.parametrize("point", ["removal.marked", "removal.revoked"])
    def test_killed_on_the_way(self, own_console: Console, called: str, point: str) -> None:
        own_console.start()
        connection = own_console.connect_books(called)
        own_console.kill()
        killed_at(own_console, point, lambda: own_console.ask("DELETE", f"/connections/{connection}"))
        own_console.wait_for(connection, "deleted")
        assert own_console.broker.call("GET", f"/v1/grants/{connection}").status_code == 404
        assert own_console.told("GET", "/connections")["items"] == []
