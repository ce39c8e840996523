"""The judge of a storm: from what Books holds, what people did, and what Mailchimp logged, everything that is wrong. It shares no code with the product.

The audience and the journal are judged by the oracle of the end-to-end tests; here come consent, tags set by hand, and what is left over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.storm.people import Household, Op
from tests.chaos.storm.witness import Change
from tests.e2e import oracle
from tests.e2e.oracle import WITHDRAWN, Document

# Who looked before a withdrawal and wrote after it has done no wrong; the clock of the sandbox jumps a few times in that while.
RACE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Complaint:
    """What is wrong, and with which address or record, so that its history can be shown."""

    about: str
    words: str

    def __str__(self) -> str:
        return f"{self.about}: {self.words}"


def audience(
    customers: Iterable[Document], members: Mapping[str, Document], withdrawn: set[str], by_hand: Mapping[str, set[str]]
) -> list[Complaint]:
    """Every address as Books has it: fields, our tags, tags set by hand; nobody who has no address any more."""
    wanted, found = oracle.wanted_of(customers), list[Complaint]()
    for email, customer in wanted.items():
        found += [Complaint(email, words) for words in _member(customer, members.get(email), email in withdrawn)]
    for email, member in members.items():
        if email not in wanted and member["status"] not in ("archived", *WITHDRAWN):
            found.append(Complaint(email, f"nobody has this address any more, and it is {member['status']}"))
        hand = {tag["name"] for tag in member["tags"] if tag["name"].startswith("by hand ")}
        if hand != by_hand.get(email, set()):
            found.append(
                Complaint(email, f"tags by hand are {sorted(hand)} and were {sorted(by_hand.get(email, set()))}")
            )
    return found


def _member(customer: Document, member: Document | None, withdrawn: bool) -> list[str]:
    if member is None:
        return ["is no member"]
    if withdrawn and member["status"] == "archived":
        # Nobody may bring back who has left: the refusal is the end of it, and its fields stay as they were.
        return []
    found = [] if member["status"] in ("subscribed", *WITHDRAWN) else [f"is {member['status']}"]
    for tag, value in oracle.fields_of(customer).items():
        if member["merge_fields"].get(tag, "") != value:
            found.append(f"{tag} is {member['merge_fields'].get(tag)!r} and must be {value!r}")
    ours = {tag["name"] for tag in member["tags"] if tag["name"].startswith(oracle.OURS)}
    return (
        found
        if ours == oracle.tags_of(customer)
        else [*found, f"tags are {sorted(ours)}, not {sorted(oracle.tags_of(customer))}"]
    )


def withdrawn_in(changes: Sequence[Change]) -> set[str]:
    """Addresses whose people, or the people who run the audience, said no last."""
    last = {one.email: one for one in changes if one.author != "api"}
    return {email for email, one in last.items() if not one.up}


def consent(
    history: Sequence[Op],
    changes: Sequence[Change],
    journal: Sequence[Mapping[str, Any]],
    members: Mapping[str, Document],
    jumps: Mapping[datetime, timedelta] | None = None,
) -> list[Complaint]:
    """At no time is a member higher than its address, or the record that was written there, last allowed; `jumps` are those of the clock by
    hours, in which nobody had the time to look again."""
    lows, written, found = lows_of(history, changes), _written(journal), list[Complaint]()
    last: dict[str, Change] = {}
    count: dict[str, int] = defaultdict(int)
    final = {one.email: one.order for one in changes if one.author == "api" and one.up}
    for change in changes:
        if change.author != "api":
            last[change.email] = change
            continue
        if not change.up:
            continue
        before = last.get(change.email)
        if before is not None and not before.up:
            found.append(
                Complaint(change.email, f"had left at {before.made_at} and was subscribed by us at {change.made_at}")
            )
        rows = written[change.email]
        at = count[change.email]
        count[change.email] += 1
        if at >= len(rows):
            found.append(
                Complaint(change.email, f"was subscribed by us at {change.made_at}, and no row of the journal says so")
            )
            continue
        stays = final[change.email] == change.order and members.get(change.email, {}).get("status") == "subscribed"
        its = [
            low
            for low in lows.get(rows[at]["record"], ())
            if stays or _is_late(_sent(rows[at], change), low, jumps or {})
        ]
        found += _by_record(change, rows[at], its, journal)
    return found


@dataclass(frozen=True)
class Low:
    """From one change on until another, this record's person allowed nothing; `email` is where it was said."""

    email: str
    since: Change
    until: int


def lows_of(history: Sequence[Op], changes: Sequence[Change]) -> dict[str, list[Low]]:
    """Which records stood low, from which change to which: those who had the address when its person left."""
    people = [one for one in changes if one.author != "api"]
    homes: dict[str, str] = {}
    lows: dict[str, list[Low]] = defaultdict(list)
    at = 0
    for op in history:
        if op.kind in ("leave", "come back"):
            if at < len(people) and (people[at].email, people[at].up) == (op.email, op.kind == "come back"):
                _said(people[at], [record for record, email in homes.items() if email == op.email], lows)
                at += 1
        elif op.kind == "delete":
            homes.pop(op.record, None)
        elif op.record:
            homes[op.record] = op.email
    return lows


def _said(change: Change, records: Sequence[str], lows: dict[str, list[Low]]) -> None:
    """A withdrawal is that of whoever has the address. Who comes back lifts their own, and what was said at this very address for everybody:
    whether a record that moves on just then had left it before is for nobody to see."""
    if not change.up:
        for record in records:
            lows[record].append(Low(change.email, change, 1 << 60))
        return
    for record, said in lows.items():
        lows[record] = [replace(low, until=min(low.until, change.order)) if record in records or low.email == change.email else low for low in said]  # fmt: skip


def _by_record(
    change: Change, row: Mapping[str, Any], lows: Sequence[Low], journal: Sequence[Mapping[str, Any]]
) -> list[Complaint]:
    found = []
    for low in lows:
        if low.email == change.email or not low.since.order < change.order < low.until:
            continue
        lived = any(
            one["record"] == row["record"] and one["target_key"] == low.email and one["id"] < row["id"]
            for one in journal
        )
        if lived:
            words = f"record {row['record']} had left at {low.email} ({low.since.made_at}) and was subscribed here at {change.made_at}"
            found.append(Complaint(change.email, words))
    return found


def _is_late(sent: datetime, low: Low, jumps: Mapping[datetime, timedelta]) -> bool:
    since = _moment(low.since)
    skipped = sum((by for at, by in jumps.items() if since <= at <= sent), timedelta())
    return sent - since - skipped > RACE


def _sent(row: Mapping[str, Any], change: Change) -> datetime:
    """When we wrote it; the vendor may have applied it an hour later."""
    at = row.get("sent_at")
    return _moment(change) if at is None else _naive(at)


def _written(journal: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The journal's rows that say that somebody was subscribed, by address, oldest first."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in journal:
        if row["step"] == "applied" and (row["after"] or {}).get("standing") == "subscribed":
            found[row["target_key"]].append(row)
    return found


def done_by_people(withdrawals: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> set[int]:
    """Of the withdrawals that the journal says we have applied (`sent_at` to `at`), those that somebody else made at that very time, and
    nobody of us did: neither a look nor an answer tells who it was, and it is taken for ours (docs/architecture.md). The vendor knows."""
    return {one["id"] for one in withdrawals if _authors_of(one, changes) and "api" not in _authors_of(one, changes)}


def _authors_of(withdrawal: Mapping[str, Any], changes: Sequence[Change]) -> set[str]:
    """Who took that address down while our call was on its way; stamps are cut to their second."""
    since, until = (_naive(withdrawal[name]) for name in ("sent_at", "at"))
    return {
        one.author
        for one in changes
        if one.email == withdrawal["target_key"] and not one.up and since - SECOND < _moment(one) <= until
    }


def strangers_to_leaving(houses: Sequence[Household], members: Mapping[str, Document]) -> list[Complaint]:
    """Whoever lives where nobody ever left is subscribed: to take everybody down would be no consent either."""
    return [
        Complaint(email, f"is {members.get(email, {}).get('status')}, and nobody near it has ever left")
        for house in houses
        if not house.leaves
        for email in sorted(set(house.emails.values()) - {""})
        if members.get(email, {}).get("status") != "subscribed"
    ]


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _moment(change: Change) -> datetime:
    return datetime.strptime(change.made_at, "%Y-%m-%d %H:%M:%S")
