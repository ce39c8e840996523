"""An account that was there before the sync, and what no webhook tells: read whole, kept up by looks, at what the vendor's own log says it costs."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from millrace.api_client import TOKEN_FILE
from millrace.demo import DEMO_SYNC, SYNC, connect_books, connect_mailchimp
from tests.e2e.opening import opened
from tests.e2e.road import Mark, Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack
from tests.support.shell import Shell

# More of them, as many as five thousand, are one of the long stories; the rest of this module needs a full page.
CUSTOMERS = int(os.environ.get("ACCOUNT_CUSTOMERS", "500"))
PAGES, FULL_CALLS = -(-CUSTOMERS // 200), -(-CUSTOMERS // 500)
EVERY_S = 300.0
LIST = "GET /contacts"
DETAIL = "GET /contacts/{contact_id}"
FIELDS = "GET /settings/fields"
# What keeps the webhooks comes every ten minutes, whatever is looked at.
KEEPING = ("webhooks", "workflows")
READ_BACK = "GET /lists/{list_id}/members"


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """Two accounts, of which one has five hundred customers; no sync yet."""
    steps = (connect_books, connect_mailchimp)
    home = tmp_path_factory.mktemp("whole") / "home"
    with opened(home, stack, database_server, database_template, steps) as road:
        road.sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": CUSTOMERS, "seed": 7})
        yield road


@pytest.fixture
def shell(road: Road, tmp_path: Path) -> Shell:
    return Shell(tmp_path, road.fleet.one("console").url, road.home.secrets / TOKEN_FILE)


@pytest.fixture(scope="module")
def joined(road: Road) -> Mark:
    """The sync has begun, and its first run is over; what that has cost is told from this mark."""
    mark = road.mark()
    with road.console() as console:
        account = road.audience.account["audience_ids"][0]
        console.post("/syncs", {**DEMO_SYNC, "template": "zoho-books-to-mailchimp-basic", "place": account})
        road.until(
            lambda: _finished(console, "backfill"), "the first run is over", within=120 + CUSTOMERS / 20, every=0.2
        )
    road.wait_until_quiet()
    return mark


def _runs(console: Any) -> list[dict[str, Any]]:
    return list(console.get(f"/syncs/{SYNC}/history")["items"])


def _finished(console: Any, kind: str) -> list[dict[str, Any]]:
    return [run for run in _runs(console) if run["kind"] == kind and run["finished_at"] is not None]


def routes(road: Road, since: Mark, vendor: str) -> Counter[str]:
    """What we asked of a vendor, by its own log; webhooks are nobody's business here, nor is what is read back of an audience."""
    asked = [one["route"] for one in road.calls_of(since, vendor)]
    return Counter(route for route in asked if route != READ_BACK and not any(word in route for word in KEEPING))


def read_twice(road: Road) -> int:
    """Pages that were asked for once more, because the broker was too busy to acknowledge their changes in time."""
    logs = [path.read_text(errors="replace") for path in road.home.logs.glob("ingest*.log")]
    waits = (line for log in logs for line in log.splitlines() if '"event":"poller.waits"' in line)
    return sum("BROKER_UNAVAILABLE" in line for line in waits)


def looked(road: Road, since: Mark) -> int:
    """Looks at the list that the road has made since then."""
    return routes(road, since, "zoho-books")[LIST]


def next_look(road: Road) -> Mark:
    """Time passes until the poller has looked again, and what it told is on its way."""
    road.until(lambda: road.sql.value("select bool_and(job = '') from flow.poll"), "the poller is at rest")
    ended, mark = _last_look(road), road.mark()
    road.advance(EVERY_S)
    road.until(lambda: _last_look(road) > ended, "the poller looks at the list")
    return mark


def _last_look(road: Road) -> datetime:
    found: datetime = road.sql.value("select max(ended_at) from flow.poll where entity = 'customer'")
    return found


def names(road: Road, many: int) -> dict[str, str]:
    """Customers with an address of their own, by id."""
    rows = [
        row for page in (1, 2, 3) for row in road.books.told("GET", "/contacts", page=page, per_page=200)["contacts"]
    ]
    shared = Counter(row["email"].lower() for row in rows)
    alone = {row["contact_id"]: row["email"] for row in rows if row["email"] and shared[row["email"].lower()] == 1}
    return dict(list(alone.items())[:many])


@pytest.mark.usefixtures("joined")
class TestAFirstRun:
    def test_reads_everybody_and_its_books_close(self, road: Road, shell: Shell) -> None:
        (run,) = [one for one in shell.told("run", "list", "--sync", SYNC)["items"] if one["kind"] == "backfill"]
        assert (run["read"], run["total"], run["closes"], run["waiting"]) == (CUSTOMERS, CUSTOMERS, True, 0)
        assert run["added"] + run["skipped"] == CUSTOMERS and run["added"] >= CUSTOMERS * 0.9
        assert len(road.audience.members()) == run["added"]

    def test_costs_a_list_a_page_and_a_call_five_hundred(self, road: Road, joined: Mark) -> None:
        books, chimp = routes(road, joined, "zoho-books"), routes(road, joined, "mailchimp")
        print(f"first run: {dict(books)} {dict(chimp)}")
        assert books[LIST] == PAGES + read_twice(road)
        # When the sync was applied the account's own list told which custom fields there are; the template reads nothing that no list carries.
        assert (books[FIELDS], books[DETAIL]) == (1, 0)
        # Whoever comes first waits until a call is full, or nobody else comes.
        assert chimp["POST /lists/{list_id}"] == FULL_CALLS
        assert not any("members" in route for route in chimp)


@pytest.mark.usefixtures("joined")
class TestAskedForByAPerson:
    def test_a_run_of_everything_writes_nothing_and_says_so_to_a_script(self, road: Road, shell: Shell) -> None:
        mark = road.mark()
        told = shell.told("sync", "run", SYNC, "--full", "--wait")
        assert list(told) == ["run", "state", "counts", "calls", "seconds"]
        counts = dict(told["counts"])
        assert list(counts) == ["total", "added", "updated", "unchanged", "skipped", "failed", "superseded", "waiting"]
        assert counts["total"] == sum(n for name, n in counts.items() if name != "total") == CUSTOMERS
        assert counts["unchanged"] + counts["skipped"] == CUSTOMERS
        assert (told["state"], told["calls"]) == ("Completed", {"zoho-books": PAGES})
        assert told["run"].startswith(f"{SYNC}.full.") and told["seconds"] >= 0
        assert (road.writes_since(mark), looked(road, mark)) == ([], PAGES)

    def test_whom_it_skipped_is_a_table_that_opens_well(self, road: Road, shell: Shell) -> None:
        road.customer_created("", first="=1+1")
        told = shell.told("sync", "run", SYNC, "--full", "--wait")
        assert told["counts"]["skipped"] >= 1
        head, *rows = shell.run("run", "export", told["run"], "--outcome", "skipped").stdout.splitlines()
        assert head.split(",")[:5] == ["entity", "record", "revision", "outcome", "reason"]
        assert len(rows) == told["counts"]["skipped"]
        assert all(row.split(",")[3] == "skipped" and row.split(",")[4] for row in rows)
        assert "skipped" in shell.run("run", "show", told["run"]).stdout

    def test_a_run_in_which_some_failed_says_so_by_its_exit_code(self, road: Road, shell: Shell) -> None:
        road.sandbox.post("limits", {"vendor": "mailchimp", "addresses": "real"})
        with road.fault("zoho-books", "webhook_lost"):
            record = road.customer_created("nobody@example.com", first="Fake")
            done = shell.run("sync", "run", SYNC, "--wait", "--json", code=6)
        road.sandbox.post("limits", {"vendor": "mailchimp", "addresses": "any"})
        road.books.customer_deleted(record)
        road.wait_until_quiet()
        told = json.loads(done.stdout)
        assert (told["counts"]["failed"], told["state"]) == (1, "Completed with errors")
        assert shell.run("run", "watch", told["run"], code=6).stdout.startswith("run ")
        rows = shell.run("run", "export", told["run"], "--outcome", "failed").stdout.splitlines()
        assert len(rows) == 2


@pytest.mark.usefixtures("joined")
class TestALook:
    def test_that_finds_nothing_is_one_call(self, road: Road) -> None:
        next_look(road)
        road.wait_until_quiet()
        mark = next_look(road)
        road.wait_until_quiet()
        assert routes(road, mark, "zoho-books") == {LIST: 1}
        assert routes(road, mark, "mailchimp") == {}

    def test_at_ten_changes_costs_a_list_and_at_most_a_call_a_change(self, road: Road) -> None:
        next_look(road)
        changed = names(road, 10)
        mark = road.mark()
        with road.fault("zoho-books", "webhook_lost"):
            for record, email in changed.items():
                road.books.person_edited(record, email, first="Ten")
            next_look(road)
            for email in changed.values():
                road.wait_for_member(email, FNAME="Ten")
        road.wait_until_quiet()
        books, chimp = routes(road, mark, "zoho-books"), routes(road, mark, "mailchimp")
        print(f"ten changes: {dict(books)} {dict(chimp)}")
        assert books.total() <= 3
        assert len(road.writes_since(mark)) <= 10


@pytest.mark.usefixtures("joined")
class TestWhileTheGatewayIsAway:
    def test_for_thirty_seconds_every_change_arrives_by_the_next_look_and_none_twice(self, road: Road) -> None:
        changed = names(road, 200)
        created: dict[str, str] = {}
        next_look(road)
        road.wait_until_quiet()
        mark = road.mark()
        road.fleet.stop("ingest")
        for number, (record, email) in enumerate(changed.items()):
            # Ten changes a second, by the vendors' clock.
            road.books.person_edited(record, email, first=f"Away{number}")
            if number % 2:
                address = f"away{number}@gateway.example"
                created[road.customer_created(address, first=f"Came{number}")] = address
            if number % 7 == 0:
                road.sandbox.post("clock", {"advance_s": 1})
        road.until(
            lambda: not road.sandbox.get("deliveries", since=10**9)["pending"], "no webhook is under way any more"
        )
        road.fleet.start("ingest")
        next_look(road)
        for number, email in enumerate(changed.values()):
            road.wait_for_member(email, FNAME=f"Away{number}")
        road.until(lambda: set(created.values()) <= set(road.audience.members()), "those who came meanwhile")
        road.wait_until_quiet()
        applied = road.sql.rows("select record, count(*) as n from flow.journal where id > $1 and step = 'applied' group by 1", mark.journal)  # fmt: skip
        assert {row["record"]: row["n"] for row in applied} == dict.fromkeys([*changed, *created], 1)
        # What the seed says of their segments is nothing that the judge knows.
        assert [one for one in road.wrong(mark) if "segment: " not in one] == []


@pytest.mark.usefixtures("joined")
class TestWhileWebhooksAreDead:
    def test_a_change_is_there_a_minute_after_the_look_that_first_noticed(self, road: Road) -> None:
        changed = names(road, 8)
        next_look(road)
        with road.fault("zoho-books", "webhook_lost"):
            record, email = next(iter(changed.items()))
            road.books.person_edited(record, email, first="Noticed")
            road.advance(31)
            next_look(road)
            road.wait_for_member(email, FNAME="Noticed")
            for number, (record, email) in enumerate(changed.items()):
                road.books.person_edited(record, email, first=f"Dead{number}")
                road.advance(50)
                road.wait_for_member(email, FNAME=f"Dead{number}")


CONTACTS_BROKEN = '{"code": 1000, "message": "Internal error"}'


@pytest.mark.usefixtures("joined")
class TestACustomerDeletedBehindOurBack:
    def test_is_archived_once_and_by_a_complete_listing_alone(self, road: Road, shell: Shell) -> None:
        email = "deleted@whole.example"
        record = road.customer_created(email)
        road.wait_for_member(email)
        road.wait_until_quiet()
        mark = road.mark()
        with road.fault("zoho-books", "webhook_lost"):
            road.books.customer_deleted(record)
        run_cut_short(road, shell)
        assert "archived" not in standings(road, email) and archives(road, mark) == []
        told = shell.told("sync", "run", SYNC, "--full", "--wait")
        road.until(lambda: "archived" in standings(road, email), "the member is archived")
        shell.told("sync", "run", SYNC, "--full", "--wait")
        road.wait_until_quiet()
        print(f"the run that found it: {told['counts']}")
        assert len(archives(road, mark)) == 1 and standings(road, email) == {"archived"}


def run_cut_short(road: Road, shell: Shell) -> None:
    """A listing of everything whose second page is refused: it goes on there later, and so it cannot know who is missing."""
    slow = road.sandbox.post(
        "faults", {"vendor": "zoho-books", "kind": "latency", "route": LIST, "seconds": 60, "count": 1}
    )
    run = json.loads(shell.run("sync", "run", SYNC, "--full", "--json").stdout)["run"]
    road.until(lambda: _hits(road, slow["id"]), "the first page is asked for")
    broken = {"vendor": "zoho-books", "kind": "status", "route": LIST, "status": 500, "body": CONTACTS_BROKEN}
    made = road.sandbox.post("faults", broken)
    road.sandbox.delete(f"faults?id={slow['id']}&go=1")
    road.until(
        lambda: road.sql.value("select words <> '' from flow.poll where entity = 'customer'"), "it was cut short"
    )
    assert road.sql.value("select job <> '' and cursor <> '' from flow.poll where entity = 'customer'")
    road.sandbox.delete(f"faults?id={made['id']}")
    road.advance(EVERY_S)
    shell.run("run", "watch", run)
    road.wait_until_quiet()


def _hits(road: Road, fault: str) -> bool:
    rules: Any = road.sandbox.get("faults")["faults"]
    return any(one["id"] == fault and one["hits"] for one in rules)


def standings(road: Road, email: str) -> set[str]:
    member = road.audience.member(email)
    return set() if member is None else {member["status"]}


def archives(road: Road, since: Mark) -> list[Any]:
    """Members that we took away, by the vendor's own log."""
    return [
        one
        for call in road.calls_of(since)
        for one in call["applied"]
        if (one["kind"], one["op"]) == ("member", "delete")
    ]
