"""Five hundred operations while every fault of the vendors comes and goes and everything is killed: in the end all is right, and told truly.

A run is its seed: STORM_SEEDS=4,5 runs others, as `make test-long` does, STORM_OPERATIONS=100 shorter ones. A failure shows the seed and, for the first records that
are wrong, what people did to them and what the journal says.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from millrace.demo import connect_books, join_customers
from tests.chaos.storm import judge
from tests.chaos.storm.judge import Complaint
from tests.chaos.storm.kills import KILLS, SERVERS, SERVICES, Kills, victims
from tests.chaos.storm.operator import Operator, connect_mailchimp
from tests.chaos.storm.people import People
from tests.chaos.storm.weather import Weather, kinds
from tests.chaos.storm.witness import Change, Witness
from tests.e2e import oracle
from tests.e2e.opening import opened
from tests.e2e.road import Mark, Road
from tests.e2e.vendors import hash_of
from tests.support.database import Server
from tests.support.local_stack import LocalStack

SEEDS = [int(seed) for seed in os.environ.get("STORM_SEEDS", "1").split(",")]
OPERATIONS = int(os.environ.get("STORM_OPERATIONS", "500"))
A_SECOND = float(os.environ.get("STORM_A_SECOND", "8"))
FRONTS = 2 * len(kinds())
# The vendors go on asking for as long as it takes to start anything again.
HOOK_RETRIES_S = [1, 2, 3, 5, 5, 10, 10, 20, 30, 30, 60, 60, 120, 120]
# What has struck nothing yet is waited for, while people go on, and put on again now and then.
RAGES_ON_S, INSISTS = 60.0, 20
CLOCK_MOVES, CLOCK_BY_S = 25, 15
OPERATOR_LOOKS = 10
SETTLED_WITHIN_S = 150.0
AUDIT_AFTER_S = 4.1 * 3600
SHOWN, MOST = 3, 20


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    folder = tmp_path_factory.mktemp("storm") / "home"
    steps = (connect_books, connect_mailchimp, join_customers)
    # Who was killed is not waited for longer than needed.
    with opened(folder, stack, database_server, database_template, steps, KAFKA_SESSION_TIMEOUT_S="1.5") as road:
        road.sandbox.post("limits", {"vendor": "zoho-books", "hook_retries_s": HOOK_RETRIES_S})
        yield road


class Storm:
    """One run."""

    def __init__(self, road: Road, stack: LocalStack, seed: int) -> None:
        self.road, self.seed = road, seed
        self.weather = Weather(road, seed)
        self.people = People(road, seed, self.weather.nothing_lost)
        self.kills, self.operator = Kills(road, stack), Operator(road)
        self.victims = victims(seed)
        self.mark: Mark = road.mark()
        self.changes: list[Change] = []

    def rage(self) -> None:
        """All operations at their pace, faults and kills spread over them; then as long as some fault has struck nothing yet."""
        began = time.monotonic()
        for number in range(OPERATIONS):
            time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
            if _turn_of(number, FRONTS):
                self.weather.changes()
            if _turn_of(number, KILLS):
                self.kills.kill(self.victims.pop())
            self._go_on(number)
        deadline = time.monotonic() + RAGES_ON_S
        for number in itertools.count():
            if not self.weather.missing() or time.monotonic() > deadline:
                return
            if number % INSISTS == 0:
                self.weather.insists()
            self._go_on(number * CLOCK_MOVES)
            time.sleep(0.2)

    def _go_on(self, number: int) -> None:
        if number % CLOCK_MOVES == 0:
            self.road.advance(CLOCK_BY_S)
        if number % OPERATOR_LOOKS == 0:
            self.operator.look()
        self.people.act()
        self.kills.look_after()

    def clear(self) -> None:
        """Nothing is wrong any more, and everything is there again; everybody is touched once more."""
        self.weather.clears()
        self.kills.all_back()
        self.road.sql.again()
        self.operator.until_all_is_well()
        self.people.last_touch()
        self.road.leases_over()

    def settle(self) -> None:
        """Until nothing is on its way; what was given up is retried by a person once, and so is the late look of everything unseen."""
        # A grant that was revoked unnoticed shows at its next refresh, so the operator goes on looking.
        look = self.operator.look
        self.road.wait_until_settled(SETTLED_WITHIN_S, look)
        for row in (given_up := self.operator.given_up()):
            assert row["code"] and row["message"], f"given up without a reason: {row}"
        if given_up:
            self.operator.retry_all()
            self.road.wait_until_settled(SETTLED_WITHIN_S, look)
        self.road.advance(AUDIT_AFTER_S)
        self.road.until(
            lambda: not self.road.sql.value("select count(*) from flow.audit"), "the late looks are done", 60.0
        )
        self.road.wait_until_settled(SETTLED_WITHIN_S, look)

    def pass_over(self) -> None:
        """All of it, with a line of figures for whoever reads the output."""
        witness, began = Witness(self.road), time.monotonic()
        try:
            self.rage()
            raged = time.monotonic()
            self.clear()
            self.settle()
            self.changes = witness.changes(self.mark)
        finally:
            self.weather.clears()
            witness.close()
        kinds_of = dict(Counter(op.kind for op in self.people.history))
        print(f"\nseed {self.seed}: raged {raged - began:.0f} s, settled {time.monotonic() - raged:.0f} s; {kinds_of}")

    def journal(self) -> list[Any]:
        """With the moment in which each write was sent."""
        return self.road.sql.rows(
            """select j.*, i.sent_at from flow.journal j left join flow.write_intent i
                   on (i.attempt, i.sync, i.entity, i.record) = (j.attempt, j.sync, j.entity, j.record)
                where j.id > $1 order by j.id""",
            self.mark.journal,
        )  # fmt: skip

    def withdrawals(self) -> list[Any]:
        """Those that the journal says we have applied, and when each was sent."""
        return self.road.sql.rows(
            """select j.id, j.target_key, i.sent_at, j.at from flow.journal j
                 join flow.write_intent i using (attempt, sync, entity, record)
                where j.id > $1 and j.step = 'applied' and i.action = 'withdraw'""",
            self.mark.journal,
        )  # fmt: skip

    def told(self, verdicts: Mapping[str, Sequence[object]]) -> str:
        """What a person needs to find out why."""
        listed = [f"{name}: {one}" for name, found in verdicts.items() for one in found[:MOST]]
        complaints = [one for found in verdicts.values() for one in found if isinstance(one, Complaint)]
        return "\n".join([f"seed {self.seed}:", *listed, self._shown(complaints)])

    def _shown(self, complaints: Sequence[Complaint]) -> str:
        return "\n".join(self._story(about) for about in list(dict.fromkeys(one.about for one in complaints))[:SHOWN])

    def _story(self, email: str) -> str:
        """Everything about one address and the records that ever had it: what people did, what the journal says, what the vendor did."""
        records = {op.record for op in self.people.history if op.email == email and op.record}
        ops = [op for op in self.people.history if op.email == email or op.record in records]
        rows = self.road.sql.rows(
            "select id, at, record, step, revision, target_key, reason, details ->> 'action' as action, after, words from flow.journal "
            "where id > $1 and (record = any($2) or target_key = $3) order by id",
            self.mark.journal, sorted(records), email,
        )  # fmt: skip
        calls = [
            (one["at"], one["method"], one["path"], one["status"], one["fault"], [a["op"] for a in one["applied"] if a["id"] == hash_of(email)])
            for one in self.road.calls_of(self.mark)
            if hash_of(email) in one["path"] or any(a["id"] == hash_of(email) for a in one["applied"])
        ]  # fmt: skip
        told = [change for change in self.changes if change.email in {email, *(op.email for op in ops)}]
        parts: dict[str, list[Any]] = {
            "people": list(ops),
            "journal": [tuple(row) for row in rows],
            "vendor": calls,
            "standings": told,
            **{name: [tuple(row) for row in self.road.sql.rows(query, email)] for name, query in STATE_OF.items()},
        }
        return "\n".join(
            [f"-- {email}", *(f"{name}:\n  " + "\n  ".join(map(str, part)) for name, part in parts.items() if part)]
        )


STATE_OF = {
    "known": "select key, present, met, doubtful, seen, memory from flow.target_record where key = $1",
    "owners": "select entity, record, standing, since from flow.target_owner where key = $1 order by since",
    "writes": "select attempt, record, revision, action, sent, memory, sent_at, state, verdict, applied_stamp, closed_at "
    "from flow.write_intent where target_key = $1 order by sent_at",
}


def _turn_of(number: int, many: int) -> bool:
    """Whether one of so many things, spread evenly over the operations, has its turn; the last has it before the last operation."""
    return number * many // OPERATIONS != (number - 1) * many // OPERATIONS


# --- what must be so when it is over


def met_everything(storm: Storm) -> list[str]:
    met, killed = storm.weather.met, storm.kills.done
    found = [f"no {kind} at {vendor} struck anything" for vendor, kind, _ in kinds() if not met[vendor, kind]]
    found += [] if len(killed) == KILLS and set(killed) == {*SERVICES, *SERVERS} else [f"killed were {killed}"]
    return found + storm.kills.died_alone


def audience(storm: Storm) -> list[Complaint]:
    customers = [one for one in storm.road.books.customers() if one["last_name"].startswith(storm.people.name)]
    members = {
        email: one for email, one in storm.road.audience.members().items() if email.startswith(storm.people.name)
    }
    return judge.audience(customers, members, judge.withdrawn_in(storm.changes), storm.people.by_hand)


def journal(storm: Storm) -> list[Complaint]:
    """Of the addresses of this storm; an earlier one that failed may have left something behind. What a person did while our call was to do
    the same is in the vendor's log of standings, and not in that of our calls."""
    theirs = judge.done_by_people(storm.withdrawals(), storm.changes)
    own = {hash_of(email): email for house in storm.people.households for email in house.pool}
    rows = [row for row in storm.journal() if hash_of(row["target_key"]) in own and row["id"] not in theirs]
    calls = [
        {**call, "applied": [one for one in call["applied"] if one["id"] in own]}
        for call in storm.road.calls_of(storm.mark)
    ]
    return [
        Complaint(email, words) for words in oracle.untold(rows, calls) for name, email in own.items() if name in words
    ]


def consent(storm: Storm) -> list[Complaint]:
    members = storm.road.audience.members()
    raised = judge.consent(storm.people.history, storm.changes, storm.journal(), members, storm.weather.jumps)
    return raised + judge.strangers_to_leaving(storm.people.households, members)


def left_over(storm: Storm) -> list[str]:
    return [f"{table}: {tuple(row)}" for table, query in REST.items() for row in storm.road.sql.rows(query)]


def replayed(storm: Storm) -> list[str]:
    """All changes are judged again from the first one, and nothing is written."""
    mark = storm.road.mark()
    assert storm.road.replay_topic("changes.zoho-books") > OPERATIONS
    storm.road.wait_until_settled(SETTLED_WITHIN_S)
    return [f"the replay wrote {one['route']}: {one['applied']}" for one in storm.road.writes_since(mark)]


REST = {
    "work": "select record, state, code, message from flow.work_item where state <> 'done'",
    "intents": "select attempt, record, action, sent_at from flow.write_intent where state = 'sent'",
    "leases": "select * from flow.target_lease",
    "dead letters": "select * from flow.dead_letter",
    "gates": "select * from core.gate",
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
class TestStorm:
    def test_leaves_audience_journal_and_consent_right(self, road: Road, stack: LocalStack, seed: int) -> None:
        storm = Storm(road, stack, seed)
        storm.pass_over()
        verdicts = {
            check.__name__: check(storm) for check in (met_everything, audience, journal, consent, left_over, replayed)
        }
        if any(verdicts.values()):
            pytest.fail(storm.told(verdicts), pytrace=False)
