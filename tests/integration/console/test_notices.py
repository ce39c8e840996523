"""Summaries, destinations and notifications as people use them: over the command line and the API of a real console, with its vault and loops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.support.broker import Broker, query
from tests.support.broker_world import World
from tests.support.console import Console
from tests.support.hook_receiver import Receiver, is_genuine, receiver
from tests.support.local_stack import LocalStack
from tests.support.mail_server import MailServer, mail_server
from tests.support.shell import Shell

WITHIN_S = 60.0


def eventually(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@dataclass
class Office:
    """A console that can send, and who it sends to."""

    console: Console
    shell: Shell
    mail: MailServer
    hook: Receiver

    def a_day_ends(self) -> None:
        """The setting is a day old, so that yesterday's hour has come."""
        query(self.console.world.database, "update core.summary_setting set first_day = first_day - 1")


@pytest.fixture(scope="module")
def kept_office(
    world: World, broker: Broker, stack: LocalStack, meters: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    with mail_server() as mail, receiver() as hook:
        sending = {
            "MILLRACE_SMTP__HOST": "127.0.0.1", "MILLRACE_SMTP__PORT": str(mail.port), "MILLRACE_SMTP__TLS": "none",
            "MILLRACE_SMTP__SENDER": "millrace@example.org",
        }  # fmt: skip
        console = Console(world, broker, meters, stack.kafka).start(**sending)
        shell = Shell(tmp_path_factory.mktemp("shell"), console.url, console.token_path)
        yield Office(console, shell, mail, hook)
        console.kill()


@pytest.fixture
def office(kept_office: Office) -> Iterator[Office]:
    yield kept_office
    tables = "core.summary, core.summary_setting, core.destination, core.notification"
    query(kept_office.console.world.database, f"truncate {tables} cascade")
    kept_office.mail.taken.clear()
    kept_office.hook.came.clear()


class TestSummaryOfADay:
    def test_from_the_setting_to_mail_and_signed_webhook(self, office: Office) -> None:
        shell = office.shell
        assert "No daily summary is made" in shell.run("summary", "set").stdout
        assert "Nothing is sent anywhere yet" in shell.run("destination", "list").stdout
        assert "Nothing stands still" in shell.run("notification", "list").stdout
        added = shell.told("destination", "add", office.hook.url, "--alerts")
        assert added["secret"].startswith("whsec_") and "?***" in added["address"]
        assert "is told from now on" in shell.run("destination", "add", "finance@example.org").stdout
        assert "took the sample" in shell.run("destination", "test", "finance@example.org").stdout
        shell.run("destination", "test", added["id"])
        assert is_genuine(added["secret"], *office.hook.came[0], time.time())
        told = shell.run("summary", "set", "--at", "00:00", "--zone", "Pacific/Kiritimati").stdout
        assert "Made at 00:00 Pacific/Kiritimati" in told and "finance@example.org" in told
        office.a_day_ends()
        eventually(lambda: len(office.mail.taken) > 1 and len(office.hook.came) > 1, "the summary was not sent")
        assert is_genuine(added["secret"], *office.hook.came[1], time.time())
        shown = shell.told("summary", "show")
        assert shown["text"].split() == office.mail.taken[1][1].get_content().split()
        assert office.hook.told()["data"]["day"] == shown["day"] and shown["made_at"] is not None
        assert "Nothing happened on this day" in shell.run("summary", "show", "--day", shown["day"]).stdout
        assert "nothing happened" in shell.run("notification", "list").stdout
        assert "summary, sent" in shell.run("destination", "list").stdout
        listed = office.console.told("GET", "/destinations")["items"]
        assert [one["secret"] for one in listed] == [None, None]
        assert added["secret"] not in office.console.log.read_text()
        for one in listed:
            assert "nothing any more" in shell.run("destination", "remove", one["id"]).stdout
        assert "No daily summary is made" in shell.run("summary", "set", "--off").stdout

    def test_wrong_input_is_one_clear_error(self, office: Office) -> None:
        shell = office.shell
        assert "SUMMARY_ZONE_UNKNOWN" in shell.run("summary", "set", "--zone", "Atlantis", code=2).stderr
        assert "SUMMARY_HOUR_INVALID" in shell.run("summary", "set", "--at", "25:00", code=2).stderr
        assert "SUMMARY_NOT_YET" in shell.run("summary", "show", "--day", "2999-01-01", code=3).stderr
        for address in ("nobody", "http://hooks.example.org/a", "https://user:word@hooks.example.org/", "a@b c"):
            assert "[" in shell.run("destination", "add", address, code=2).stderr
        shell.run("destination", "add", "finance@example.org")
        assert "DESTINATION_TAKEN" in shell.run("destination", "add", "finance@example.org", code=5).stderr
        assert "DESTINATION_UNKNOWN" in shell.run("destination", "test", "other@example.org", code=3).stderr
        office.mail.refuses["RCPT"] = ["550 no such person"]
        assert "550: no such person" in shell.run("destination", "test", "finance@example.org", code=7).stderr
