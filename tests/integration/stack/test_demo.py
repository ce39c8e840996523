"""`millrace up` as it comes: every declared service, and the demo connected to the sandbox, once; then a whole company's first run."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from millrace import demo_accounting
from millrace.demo import hash_of
from millrace.demo_company import AUDIENCES, CUSTOMERS, STRANGERS
from millrace.demo_run import SYNC
from millrace.stack.services import SANDBOX, SERVICES
from tests.support.command import Millrace


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Millrace]:
    """A stack with its demo."""
    millrace = Millrace(tmp_path_factory.mktemp("demo") / "home", {"NO_DEMO": ""})
    millrace.up()
    yield millrace
    millrace.run("down")
    assert millrace.processes() == []


def shell(command: str) -> str:
    """As somebody types it."""
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True).stdout


def printed_by(millrace: Millrace, begin: str, end: str) -> list[str]:
    """The commands of one part of what `millrace up` prints."""
    printed = millrace.up().stdout.partition(begin)[2].partition(end)[0]
    return [words.replace("\\\n", " ") for words in re.findall(r"^ +(curl(?:.*\\\n)*.*)$", printed, re.MULTILINE)]


def wait_for(command: str, words: str, millrace: Millrace, sync: str) -> None:
    """Until what the command prints has these words."""
    deadline = time.monotonic() + 120
    while words not in shell(command):
        assert time.monotonic() < deadline, millrace.run("sync", "show", sync).stdout
        time.sleep(0.5)


def account_of(millrace: Millrace, vendor: str) -> dict[str, Any]:
    """The demo's account at a vendor."""
    found = httpx.get(f"{millrace.part(SANDBOX)['url']}/_sandbox/accounts", trust_env=False, timeout=60).json()
    return next(one for one in found["accounts"] if (one["vendor"], one["name"]) == (vendor, "demo"))


def calls_of(millrace: Millrace, since: int = 0) -> list[dict[str, Any]]:
    """What the vendors were asked, in order."""
    found = httpx.get(f"{millrace.part(SANDBOX)['url']}/_sandbox/log?since={since}", trust_env=False, timeout=60)
    calls: list[dict[str, Any]] = found.json()["calls"]
    return calls


def connections(millrace: Millrace) -> dict[str, dict[str, Any]]:
    done = millrace.run("connection", "list", "--json")
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)["items"]}


class TestDemo:
    def test_every_declared_service_is_ready(self, demo: Millrace) -> None:
        parts = demo.wait_until_up()["parts"]
        assert [service.name for service in SERVICES if not parts[service.name]["ready"]] == []

    def test_accounts_are_connected(self, demo: Millrace) -> None:
        found = connections(demo)
        assert {name: one["standing"] for name, one in found.items()} == {
            "demo-books": "ok", "demo-mailchimp": "ok", "demo-shop": "ok", "demo-crm": "ok", "demo-company": "ok",
        }  # fmt: skip
        assert found["demo-books"]["details"]["dc"] == "eu" and found["demo-books"]["grant"]["kind"] == "oauth"
        assert (found["demo-crm"]["details"]["dc"], found["demo-crm"]["details"]["edition"]) == ("in", "enterprise")
        assert found["demo-company"]["details"]["realm_id"]
        for name in found:
            assert demo.run("connection", "test", name).returncode == 0

    def test_the_crm_shows_what_there_is_to_read(self, demo: Millrace) -> None:
        listed = demo.run("connection", "read", "demo-crm", "--json")
        assert {"customer", "person", "deal", "sales_invoice"} <= {
            one["entity"] for one in json.loads(listed.stdout)["items"]
        }
        glance = demo.run("connection", "read", "demo-crm", "person", "--json")
        assert glance.returncode == 0, glance.stderr

    def test_a_second_up_connects_nothing_anew(self, demo: Millrace) -> None:
        before = connections(demo)
        again = demo.up()
        assert "is already running" in again.stdout and "demo-books is connected" not in again.stderr
        after = connections(demo)
        assert {name: one["id"] for name, one in after.items()} == {name: one["id"] for name, one in before.items()}
        assert after["demo-books"]["grant"]["granted_at"] == before["demo-books"]["grant"]["granted_at"]

    def test_says_how_to_see_a_whole_company(self, demo: Millrace) -> None:
        assert "./millrace demo" in [line.strip() for line in demo.up().stdout.splitlines()]

    def test_an_account_that_is_changed_in_the_crm_is_changed_in_the_books_by_the_commands_that_it_prints(
        self, demo: Millrace
    ) -> None:
        change, look = printed_by(demo, "And a CRM", "And an accounting")
        assert '"status":"success"' in shell(change)
        wait_for(look, "Harbour Mills", demo, "demo-people")

    def test_who_leaves_the_audience_is_seen_in_the_notes_of_the_customer_and_that_comes_back_to_nobody(
        self, demo: Millrace
    ) -> None:
        member, leave, customer = printed_by(demo, "And an accounting", "Then a whole")
        wait_for(member, '"status":"subscribed"', demo, "demo-clients")
        before = calls_of(demo)[-1]["seq"]
        began = time.monotonic()
        shell(leave)
        wait_for(customer, "unsubscribed", demo, "demo-clients")
        print(f"from leaving to the notes: {time.monotonic() - began:.2f} s")
        # Our own write is told by a webhook like anybody's. Somebody new comes after it, and by then it has come to whatever it comes to.
        newcomer = demo_accounting.people_url(account_of(demo, "quickbooks"))
        values = {"DisplayName": "Caroline", "PrimaryEmailAddr": {"Address": "caroline@example.org"}}
        httpx.post(newcomer, json={"do": "create", "values": values}, trust_env=False, timeout=60).raise_for_status()
        caroline, mary = (hash_of(f"{one}@example.org") for one in ("caroline", "mary"))
        wait_for(member.replace(mary, caroline), '"status":"subscribed"', demo, "demo-clients")
        written = [one for one in calls_of(demo, before) if not one["operator"] and one["method"] != "GET"]
        assert [one for one in written if one["vendor"] == "mailchimp" and mary in str(one)] == []
        assert '"status":"unsubscribed"' in shell(member)
        notes = json.loads(shell(customer))["Customer"]["Notes"]
        assert notes.count("unsubscribed") >= 1 and notes.count("Millrace: activity") == 1

    def test_every_secret_is_its_owners_alone(self, demo: Millrace) -> None:
        folder = demo.home / "secrets"
        open_files = [p for p in folder.rglob("*") if p.is_file() and stat.S_IMODE(p.stat().st_mode) != 0o600]
        assert open_files == []
        names = {path.name for path in folder.glob("*.key")}
        assert {"console.key", "ingest.key", "writer-mailchimp.key"} <= names
        assert all(_bare(path) not in _shown(demo) for path in folder.glob("*.key"))

    def test_without_the_demo_there_is_no_sandbox_and_an_empty_list(self, tmp_path: Path) -> None:
        bare = Millrace(tmp_path / "home")
        try:
            done = bare.up()
            assert "sandbox" not in bare.status()["parts"] and "The demo" not in done.stdout
            assert "millrace connection add" in bare.run("connection", "list").stdout
            refused = bare.run("connection", "add", "--vendor", "zoho-books", "--name", "books", "--no-wait")
            assert refused.returncode == 7 and "MILLRACE_ZOHO_CLIENT" in refused.stderr
            assert connections(bare) == {}
        finally:
            bare.run("down")
        assert bare.processes() == []


@pytest.fixture(scope="module")
def first(demo: Millrace) -> subprocess.CompletedProcess[str]:
    """The first run of five hundred customers, as somebody sees it whose output goes into a file."""
    done = demo.run("demo", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    return done


class Shop:
    """The company's audience, as its own operator sees it."""

    def __init__(self, demo: Millrace) -> None:
        sandbox = demo.part(SANDBOX)["url"]
        found = httpx.get(f"{sandbox}/_sandbox/accounts", trust_env=False, timeout=60).json()["accounts"]
        account = next(one for one in found if one["name"] == AUDIENCES)
        self._members = f"{account['base_url']}/lists/{account['audience_ids'][0]}/members"
        self._auth = ("demo", account["operator_token"])

    def members(self) -> Counter[str]:
        """How many there are, by status."""
        query = {"count": 1000, "fields": "members.status"}
        found = httpx.get(self._members, params=query, auth=self._auth, trust_env=False, timeout=60)
        return Counter(one["status"] for one in found.json()["members"])


def counts_of(words: str) -> dict[str, int]:
    """The numbers of the sentence that adds the books up."""
    total, _, ends = words.partition("The books close: ")[2].partition(".")[0].partition(" = ")
    return {"total": int(total)} | {name: int(many) for many, name in (one.split(" ") for one in ends.split(" + "))}


@pytest.mark.usefixtures("first")
class TestAWholeCompany:
    def test_its_first_run_ends_before_ones_eyes_and_its_books_close(
        self, first: subprocess.CompletedProcess[str]
    ) -> None:
        found = counts_of(" ".join(first.stdout.split()))
        assert found.pop("total") == sum(found.values()) == CUSTOMERS
        # Of two with the same address one writes what they share; which of them comes first is nobody's to say.
        assert (found["unchanged"], found["failed"]) == (12, 3)
        assert found["added"] >= 380 and found["skipped"] >= 25 + 2 + 2 + 3
        print(first.stderr, first.stdout)

    def test_says_who_was_skipped_and_why_and_what_to_do(self, first: subprocess.CompletedProcess[str]) -> None:
        words = " ".join(first.stdout.split())
        for many, reason in ((25, "no_email"), (2, "invalid_email"), (2, "forgotten"), (3, "not_at_target")):
            assert re.search(rf" {many} [A-Z][^\[]*\. \[{reason}\] -> [A-Z]", words), reason
        assert "[shares_target] ->" in words and "3 Mailchimp takes the address for invented" in words

    def test_fits_eighty_columns_and_goes_well_into_a_file(self, first: subprocess.CompletedProcess[str]) -> None:
        shown = first.stdout + first.stderr
        assert [line for line in shown.splitlines() if len(line) > 80] == []
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", shown)
        assert f"{CUSTOMERS} customers in Zoho Books." in first.stderr and f"{SYNC}.backfill." in first.stderr

    def test_nobody_was_subscribed_again_and_strangers_were_left_alone(self, demo: Millrace) -> None:
        found = Shop(demo).members()
        assert (found["unsubscribed"], found["cleaned"], found["archived"]) == (10, 4, 3)
        assert found["subscribed"] >= STRANGERS + 380

    def test_what_it_says_to_look_at_next_works_as_it_stands(
        self, demo: Millrace, first: subprocess.CompletedProcess[str], tmp_path: Path
    ) -> None:
        for line in first.stdout.splitlines():
            if line.startswith("  ./millrace "):
                words = line.replace("run.csv", str(tmp_path / "run.csv")).partition("#")[0].split()[1:]
                assert demo.run(*words).returncode == (6 if words[0] == "sync" else 0), line
        assert (tmp_path / "run.csv").read_text(encoding="utf-8-sig").count(",skipped,") >= 25

    def test_asked_for_again_it_reads_everything_and_writes_nothing(self, demo: Millrace) -> None:
        before = Shop(demo).members()
        done = demo.run("demo", "--json")
        told = json.loads(done.stdout)
        counts = told["counts"]
        assert counts["total"] == counts["unchanged"] + counts["skipped"] + counts["failed"] == CUSTOMERS
        assert told["run"].startswith(f"{SYNC}.full.") and "mailchimp" not in told["calls"]
        # Who was left alone, or waits for a person, does so still, for the same reasons.
        assert counts["failed"] == 3 and counts["skipped"] >= 25 + 2 + 2 + 3
        assert {one["reason"] for one in told["reasons"]} >= {"no_email", "forgotten", "MC_ADDRESS_REFUSED"}
        assert Shop(demo).members() == before

    def test_without_the_stack_it_says_what_to_start(self, tmp_path: Path) -> None:
        done = Millrace(tmp_path / "home").run("demo")
        assert done.returncode == 7 and "millrace up" in done.stderr and done.stdout == ""


def _bare(path: Path) -> str:
    return path.read_text().strip()


def _shown(millrace: Millrace) -> str:
    return "".join(log.read_text(errors="replace") for log in (millrace.home / "logs").glob("*.log"))
