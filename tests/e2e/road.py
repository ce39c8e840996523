"""The whole road as real processes on real servers, and the few words in which the end-to-end tests speak of it.

    sandbox (Books) -> ingest -> Kafka -> mapper -> Kafka -> writer-mailchimp -> sandbox (Mailchimp)

Every wait has a deadline; what is waited for in vain is told with what the road looked like.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from millrace.api_client import TOKEN_FILE, ApiClient, ConsoleAddress
from millrace.demo import SYNC
from millrace.stack.home import Home
from millrace.stack.secrets import secret_of
from tests.e2e import oracle
from tests.e2e.background import Sql
from tests.e2e.fleet import Fleet
from tests.e2e.topics import READERS, Topics
from tests.e2e.vendors import Audience, Books, Document
from tests.support.database import Database
from tests.support.sandbox import SandboxProcess

T = TypeVar("T")

SERVICE_OF = {
    "ingest-normaliser": "ingest", "mapper": "mapper", "writer-mailchimp": "writer-mailchimp", "writer-zoho-books": "writer-zoho",
    "writer-zoho-crm": "writer-zoho",
}  # fmt: skip
CLOCKS_LOOK_EVERY_S = 0.06
# How long is waited in vain: a machine that others keep busy needs many times what this one does.
WITHIN_S = 60.0
# So many times as long as a question took is waited before the next, but no longer than this.
ASKING_SHARE, SELDOM_S = 4.0, 0.5
# Shorter than any horizon: what a vendor applies late is there before anybody looks for it.
STEP_S = 45.0
MEANWHILE_EVERY = 10
CHAIN = ("received", "mapped", "attempt", "applied")
# By index, and over at the first that is found.
_WAITS = """
exists (select from flow.read_request) or exists (select from flow.recheck) or exists (select from flow.target_event where not $1)
or exists (select from flow.remap r join core.leg l on (l.sync, l.name, l.mapping_version) = (r.sync, r.leg, r.mapping_version)
            where r.finished_at is null)
or exists (select from flow.wanted where revision > published_revision) or exists (select from flow.pair where owed)
or exists (select from flow.work_item where state = 'ready') or exists (select from flow.work_item where state = 'waiting')
or exists (select from flow.work_item where state = 'leased')
-- Whoever is judged once more may wait for the end of what is on hold.
or (not $1 and (exists (select from flow.work_item where state = 'hold') or exists (select from flow.match_again)))
"""
# Both tables are read as a whole.
_APART = """
exists (select from flow.work_item where state not in ('done', 'dead', 'parked', 'hold'))
or exists (select from flow.wanted w left join flow.work_item i using (sync, entity, record) where i.revision is distinct from w.revision)
"""


@dataclass
class Road:
    """One Millrace with one sync, running."""

    home: Home
    database: Database
    sandbox: SandboxProcess
    fleet: Fleet
    books: Books
    audience: Audience
    sql: Sql
    topics: Topics

    # --- what people do

    def customer_created(self, email: str, **fields: Any) -> str:
        return self.books.customer_created(email, **fields)

    def customer_edited(self, record: str, **fields: object) -> None:
        self.books.customer_edited(record, **fields)

    def paused(self) -> None:
        with self.console() as console:
            console.post(f"/syncs/{SYNC}/pause")

    def resumed(self) -> None:
        with self.console() as console:
            console.post(f"/syncs/{SYNC}/resume")

    def console(self) -> ApiClient:
        """The product's own API, as the command line speaks to it."""
        return ApiClient(ConsoleAddress(self.fleet.one("console").url, secret_of(self.home, TOKEN_FILE)))

    # --- what is waited for

    def until(self, condition: Callable[[], T], what: str, within: float = WITHIN_S, every: float = 0.02) -> T:
        """The condition's answer as soon as it is true; what takes long to ask is asked less often, and those who are waited for go on."""
        deadline, asked = time.monotonic() + within, time.monotonic()
        while not (found := condition()):
            took = time.monotonic() - asked
            assert time.monotonic() < deadline, f"not within {within:g} s: {what}\n{self.shown()}"
            time.sleep(max(every, min(ASKING_SHARE * took, SELDOM_S)))
            asked = time.monotonic()
        return found

    def wait_for_member(self, email: str, within: float = WITHIN_S, **fields: object) -> Document:
        """The member, as soon as it is there with these merge fields (`status` stands for its standing)."""

        def there() -> Document | None:
            member = self.audience.member(email)
            return member if member is not None and _fits(member, fields) else None

        return self.until(there, f"member {email} with {fields}", within) or {}

    def wait_for_no_member(self, email: str, within: float = WITHIN_S) -> None:
        def gone() -> bool:
            member = self.audience.member(email)
            return member is None or member["status"] == "archived"

        self.until(gone, f"member {email} gone", within)

    def wait_until_quiet(self, within: float = 120.0, held: bool = False) -> None:
        """Until nothing is on its way: no webhook, no lag, no read, no wish unpublished, nothing to plan again, no work open.

        `held`: but work on hold, and the events that wait for its end.
        """
        self.until(lambda: self._is_quiet(held=held), "the road is quiet", within, every=0.1)

    def wait_until_settled(self, within: float = 150.0, meanwhile: Callable[[], object] | None = None) -> None:
        """Until it is quiet, with time passing: what is on hold until a horizon, or waits for another try, has its turn.

        `meanwhile` is done now and then: a person goes on looking after what only a person can mend.
        """
        deadline = time.monotonic() + within
        for turn in itertools.count(1):
            if self._is_quiet(held=False):
                return
            assert time.monotonic() < deadline, f"not settled within {within:g} s\n{self.shown()}"
            self.advance(STEP_S)
            if meanwhile is not None and turn % MEANWHILE_EVERY == 0:
                meanwhile()
            time.sleep(0.3)

    def is_quiet(self) -> bool:
        """Whether nothing is on its way or on hold, at this moment."""
        return self._is_quiet(held=False)

    def _is_quiet(self, *, held: bool) -> bool:
        """Looked at in an order in which nothing slips through: no record enters or leaves a topic between the first look and the last.

        What is in the database goes on to a topic or by a call to a webhook, which is asked for after it; a webhook goes to a topic.
        """
        if self._is_busy(held=held):
            # What the broker is asked costs more, and nothing else can make it quiet.
            return False
        before = self.topics.places()
        if before.lag or self._busy(held=held) or self.sandbox.get("deliveries", since=10**9)["pending"]:
            return False
        return self.topics.places() == before

    def _is_busy(self, *, held: bool) -> bool:
        """Whether anything waits in the database, by what costs next to nothing to ask: it is asked all the time while others work."""
        return bool(self.sql.value(f"select {_WAITS}", held))

    def _busy(self, *, held: bool) -> bool:
        """Whether what is in the database will still become something else, at one moment; each wish is compared with its work."""
        return bool(self.sql.value(f"select {_WAITS} or {_APART}", held))

    def lag(self) -> int:
        """Records on the topics that a group has not committed yet."""
        return self.topics.places().lag

    # --- what is looked at

    def journal_of(self, record: str, *steps: str) -> list[Any]:
        """The record's rows, oldest first; of these steps, if any are named."""
        return self.sql.rows(
            "select * from flow.journal where record = $1 and (cardinality($2::text[]) = 0 or step = any($2)) order by id",
            record, list(steps),
        )  # fmt: skip

    def mark(self) -> Mark:
        """Now: what came later is told from it."""
        calls: Any = self.sandbox.get("log", since=10**12)["next"]
        deliveries: Any = self.sandbox.get("deliveries", since=10**12)["next"]
        return Mark(int(calls), int(deliveries), int(self.sql.value("select coalesce(max(id), 0) from flow.journal")))

    def calls_of(self, since: Mark, vendor: str = "mailchimp", *, operator: bool = False) -> list[Document]:
        """The vendor's own list of the calls it had from us (or from its operator)."""
        listed: Any = self.sandbox.get("log", since=since.calls)["calls"]
        return [one for one in listed if one["vendor"] == vendor and one["operator"] is operator]

    def writes_since(self, since: Mark) -> list[Document]:
        """Calls that changed something in the audience."""
        return [one for one in self.calls_of(since) if any(a["op"] != "noop" for a in one["applied"])]

    def deliveries_of(self, record: str, since: Mark) -> list[Document]:
        listed: Any = self.sandbox.get("deliveries", since=since.deliveries)["deliveries"]
        return [one for one in listed if f'"{record}"' in one["body"]]

    def shown(self) -> str:
        """The road, for a person who looks why something did not happen."""
        items = self.sql.rows(
            "select record, revision, state, code, attempts, due_at, hold_until, message from flow.work_item "
            "where state <> 'done' order by changed_at desc limit 15"
        )
        reads = self.sql.rows("select record, reason, not_before, attempts from flow.read_request limit 10")
        letters = self.sql.rows("select * from flow.dead_letter limit 5")
        gates = self.sql.rows("select * from core.gate")
        probes = self.sql.rows("select *, now() from flow.vendor_probe")
        steps = self.sql.rows("select record, step, reason, words from flow.journal order by id desc limit 25")
        dead = [f"{one.name}: {one.last_lines(12)}" for one in self.fleet.replicas if not one.alive]
        parts = {"items": items, "reads": reads, "letters": letters, "gates": gates, "probes": probes, "journal": steps}
        told = [f"{name}: " + "\n  ".join(str(tuple(row)) for row in rows) for name, rows in parts.items() if rows]
        reader = [f"ingest: {one.last_lines(12)}" for one in self.fleet.replicas if one.alive and one.name == "ingest"]
        return "\n".join([*told, f"lag: {self.lag()}", *dead[-2:], *(reader if reads else [])])

    def wrong(self, since: Mark) -> list[str]:
        """What an independent judge finds wrong with the audience, and with what the journal tells of it."""
        journal = self.sql.rows("select * from flow.journal where id > $1 and step = 'applied'", since.journal)
        return [
            *oracle.differences(self.books.customers(), self.audience.members(), self.audience.left),
            *oracle.untold(journal, self.calls_of(since)),
        ]

    # --- what is done to it

    def advance(self, seconds: float) -> None:
        """Time passes, for the vendors and for us."""
        self.sandbox.post("clock", {"advance_s": seconds})
        time.sleep(CLOCKS_LOOK_EVERY_S)

    def leases_over(self) -> None:
        """The time passes for which a process that was killed keeps what it had taken: leases go by the database's own time."""
        for table in ("work_item", "read_request"):
            # Rows that somebody is just changing are nobody's who was killed, and waiting for them could be a deadlock.
            self.sql.execute(
                f"update flow.{table} set lease_until = now() where ctid = any(array("
                f"select ctid from flow.{table} where lease_until > now() for update skip locked))"
            )

    @contextmanager
    def fault(self, vendor: str, kind: str, **more: object) -> Iterator[None]:
        made = self.sandbox.post("faults", {"vendor": vendor, "kind": kind, **more})
        try:
            yield
        finally:
            self.sandbox.delete(f"faults?id={made['id']}")

    def replay_topic(self, topic: str) -> int:
        """Stops the topic's reader, moves its offsets to the earliest and starts it again; says how many records that is."""
        service = SERVICE_OF[READERS[topic]]
        self.fleet.stop(service)
        moved = self.topics.to_earliest(topic)
        self.fleet.start(service)
        return moved

    def end(self) -> None:
        # Who leaves its group politely is not waited for by the next road.
        self.fleet.leave()
        self.fleet.end()
        self.sandbox.kill()
        self.sql.close()
        # Whoever comes next on this broker finds the topics as new.
        self.topics.make_anew()
        self.topics.close()


@dataclass(frozen=True)
class Mark:
    """A moment: the numbers of the last call, the last delivery and the last journal row."""

    calls: int
    deliveries: int
    journal: int


def _fits(member: Document, fields: dict[str, object]) -> bool:
    known = {**member["merge_fields"], "status": member["status"]}
    return all(known.get(name) == value for name, value in fields.items())
