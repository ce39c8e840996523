"""`millrace connection` as scripts and people use it: results on stdout, the rest on stderr, exit codes, next steps."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.console.test_connections import use_in_a_sync
from tests.support import programs
from tests.support.broker import Browser, query
from tests.support.console import Console
from vendors.registry import VENDORS

WITHIN_S = 60


@dataclass
class Person:
    """Somebody with a shell and a context that names the console."""

    console: Console
    config: Path

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        return {**clean, "XDG_CONFIG_HOME": str(self.config), "MILLRACE_CONTEXT": "here", "TZ": "Europe/Madrid"}

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "millrace", "connection", *words]

    def run(self, *words: str, code: int = 0, said: str = "") -> subprocess.CompletedProcess[str]:
        done = programs.run(
            "millrace", "connection", *words, environment=self.environment(), within=WITHIN_S, said=said
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "\x1b" not in done.stdout + done.stderr and "Traceback" not in done.stderr
        return done

    def told(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(*words), env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture
def person(console: Console, tmp_path: Path) -> Person:
    folder = tmp_path / "millrace"
    folder.mkdir()
    table = f'[contexts.here]\nurl = "{console.url}"\ntoken_file = "{console.token_path}"\n'
    (folder / "config.toml").write_text(table)
    return Person(console, tmp_path)


@pytest.fixture
def key_file(console: Console, tmp_path: Path) -> Path:
    path = tmp_path / "mailchimp.key"
    path.write_text(console.world.account("mailchimp")["api_key"] + "\n")
    return path


def address_in(text: str) -> str:
    found = re.search(r"http://\S+/connect/\S+", text)
    assert found is not None, text
    return found[0]


def until(condition: Callable[[], bool], what: str, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


class TestAdd:
    def test_by_key_says_what_is_connected(self, person: Person, called: str, key_file: Path) -> None:
        done = person.run("add", "--vendor", "mailchimp", "--name", called, "--api-key-file", str(key_file))
        assert done.stdout.startswith(f"{called} is connected.\n") and "does not expire" in done.stdout
        assert done.stderr == ""
        assert person.told("show", called)["name"] == called

    def test_by_key_from_stdin(self, person: Person, called: str, key_file: Path) -> None:
        words = ("add", "--vendor", "mailchimp", "--name", called, "--api-key-file", "-", "--json")
        told = json.loads(person.run(*words, said=key_file.read_text()).stdout)
        assert told["road"]["state"] == "connected"

    def test_waits_for_the_browser_and_goes_on(self, person: Person, called: str) -> None:
        organisation = person.console.organisation
        waiting = person.start("add", "--vendor", "zoho-books", "--name", called, "--dc", "eu", "--place", organisation)
        assert waiting.stderr is not None
        lines = [waiting.stderr.readline() for _ in range(4)]
        assert lines[0] == "Open this address in a browser and accept:\n"
        assert Browser().consent(address_in("".join(lines))).status_code == 200
        out, err = waiting.communicate(timeout=WITHIN_S)
        assert waiting.returncode == 0, err
        assert out.startswith(f"{called} is connected.\n") and "organization id" in out

    def test_does_not_wait_when_told_so(self, person: Person, called: str) -> None:
        done = person.run("add", "--vendor", "zoho-books", "--name", called, "--no-wait")
        assert address_in(done.stdout) == done.stdout.strip()
        assert f"millrace connection show {called}" in done.stderr
        told = person.told("add", "--vendor", "zoho-books", "--name", called, "--no-wait")
        assert told["road"]["start_url"] and told["connection"]["state"] == "connecting"

    def test_a_time_that_runs_out_leaves_the_consent_open(self, person: Person, called: str) -> None:
        done = person.run("add", "--vendor", "zoho-books", "--name", called, "--dc", "eu", "--timeout", "1", code=8)
        assert "within 1 s" in done.stderr and done.stdout == ""
        Browser().consent(address_in(done.stderr))
        road = person.told("choose", called)
        assert road["state"] == "choose"
        assert person.told("choose", called, person.console.organisation)["state"] == "connected"

    def test_an_interrupt_says_how_to_go_on(self, person: Person, called: str) -> None:
        waiting = person.start("add", "--vendor", "zoho-books", "--name", called)
        assert waiting.stderr is not None
        while "Waiting" not in (line := waiting.stderr.readline()):
            assert line, "it ended"
        waiting.send_signal(2)
        _, err = waiting.communicate(timeout=WITHIN_S)
        assert waiting.returncode == 130 and f"millrace connection show {called}" in err

    def test_a_choice_without_a_terminal_names_the_places(self, person: Person, called: str) -> None:
        waiting = person.start("add", "--vendor", "zoho-books", "--name", called, "--dc", "eu")
        assert waiting.stderr is not None
        Browser().consent(address_in("".join(waiting.stderr.readline() for _ in range(4))))
        _, err = waiting.communicate(timeout=WITHIN_S)
        assert waiting.returncode == 2
        assert person.console.organisation in err and "millrace connection choose" in err

    def test_a_refused_key_says_what_to_do(self, person: Person, called: str, tmp_path: Path) -> None:
        key = tmp_path / "wrong"
        key.write_text("0" * 32 + "-us6")
        done = person.run("add", "--vendor", "mailchimp", "--name", called, "--api-key-file", str(key), code=2)
        assert "[API_KEY_REFUSED]" in done.stderr and "Copy the key again" in done.stderr and done.stdout == ""

    def test_a_key_file_that_is_not_there(self, person: Person, called: str) -> None:
        done = person.run("add", "--vendor", "mailchimp", "--name", called, "--api-key-file", "/nothing", code=2)
        assert "/nothing cannot be read" in done.stderr


class TestTending:
    @pytest.fixture
    def newsletter(self, person: Person, called: str) -> str:
        person.console.add_mailchimp(called)
        return called

    def test_pause_and_resume_and_test_and_quota(self, person: Person, newsletter: str) -> None:
        assert "is paused" in person.run("pause", newsletter).stdout
        assert person.told("show", newsletter)["standing"] == "paused"
        assert "Paused" in person.run("list").stdout
        assert "goes on" in person.run("resume", newsletter).stdout
        assert f"{newsletter} works" in person.run("test", newsletter).stdout
        assert person.told("test", newsletter)["ok"] is True
        assert "of 8 used at once" in person.run("quota", newsletter).stdout
        assert person.told("quota", newsletter)["limits"][0]["name"] == "concurrency"

    def test_the_id_is_as_good_as_the_name(self, person: Person, newsletter: str) -> None:
        connection = person.told("show", newsletter)["id"]
        assert person.told("show", connection)["name"] == newsletter
        assert "is now called" in person.run("rename", connection, f"{newsletter} b").stdout
        assert person.told("show", f"{newsletter} b")["id"] == connection

    def test_reconnecting_needs_the_new_key(self, person: Person, newsletter: str, key_file: Path) -> None:
        done = person.run("reconnect", newsletter, code=2)
        assert "give the new one" in done.stderr
        assert "is connected" in person.run("reconnect", newsletter, "--api-key-file", str(key_file)).stdout

    def test_deleting_asks_and_a_pipe_cannot_answer(self, person: Person, newsletter: str) -> None:
        assert "--yes" in person.run("delete", newsletter, code=2).stderr
        use_in_a_sync(person.console, person.told("show", newsletter)["id"], sync="weekly")
        done = person.run("delete", newsletter, "--yes", code=5)
        assert "weekly of" in done.stderr and "millrace sync disable" in done.stderr
        query(person.console.world.database, "update core.sync set state = 'disabled'")
        assert "is deleted" in person.run("delete", newsletter, "--yes").stdout
        assert f"There is no connection {newsletter}." in person.run("show", newsletter, code=3).stderr
        assert "[CONNECTION_UNKNOWN]" in person.run("show", "nothere", code=3).stderr


class TestElsewhere:
    def test_vendors_and_their_ways(self, person: Person) -> None:
        assert "data centres us, eu" in person.run("vendors").stdout
        assert {one["vendor"] for one in person.told("vendors")["items"]} == set(VENDORS)

    def test_an_empty_list_says_what_it_is_and_the_first_step(self, own_console: Console, tmp_path: Path) -> None:
        own_console.start()
        (tmp_path / "millrace").mkdir()
        table = f'[contexts.here]\nurl = "{own_console.url}"\ntoken_file = "{own_console.token_path}"\n'
        (tmp_path / "millrace" / "config.toml").write_text(table)
        person = Person(own_console, tmp_path)
        assert "millrace connection add" in person.run("list").stdout
        assert person.told("list") == {"items": [], "next_cursor": None}
        own_console.stop()
        assert "millrace status" in person.run("list", code=7).stderr

    def test_a_wrong_token(self, person: Person, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong.token"
        wrong.write_text("not the token of this one")
        config = tmp_path / "millrace" / "config.toml"
        config.write_text(f'[contexts.here]\nurl = "{person.console.url}"\ntoken_file = "{wrong}"\n')
        assert "[API_TOKEN_REFUSED]" in person.run("list", code=4).stderr
        wrong.unlink()
        assert "cannot be read" in person.run("list", code=4).stderr

    def test_a_context_that_is_none(self, person: Person) -> None:
        assert "it has: here" in person.run("list", "--context", "there", code=2).stderr
