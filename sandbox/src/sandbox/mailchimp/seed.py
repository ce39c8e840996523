"""Filling an audience: the same seed gives the same members to the last byte, whatever the clock says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from sandbox.mailchimp import audiences
from sandbox.mailchimp.account import Account
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.member import Member, MergeValue, Status, hash_of
from sandbox.mailchimp.merge_field import MergeField

DEMO_AUDIENCES = ("a6b5da1054", "d0b1e09711")
FIRST_DAY = 1_735_689_600  # 2025-01-01
YEAR_S = 365 * 86_400
GIVEN = ("Ada", "Grace", "Linus", "Margaret", "Alan", "Katherine", "Edsger", "Barbara", "Donald", "Radia")
FAMILY = ("Byron", "Hopper", "Holm", "Lane", "Moore", "Johnson", "Visser", "Quist", "Keller", "Perl")
SCRIPTS = (
    ("Zoë", "Müller-Łukasz"),
    ("Åsa", "Ñuñez"),
    ("李", "小龙"),
    ("Иван", "Петров"),
    ("محمد", "علي"),
    ("さくら", "田中"),
    ("Ελένη", "Παπαδοπούλου"),
    ("अनिता", "शर्मा"),
)
COMPANIES = ("Northwind", "Acme", "Globex", "Initech", "Umbrella", "Hooli", "Stark", "Wayne", "Wonka", "Soylent")
TOWNS = (("Atlanta", "GA", "30308"), ("Portland", "OR", "97201"), ("Austin", "TX", "73301"), ("Boston", "MA", "02108"))
# Of every twenty members of a troubled audience, these have a story.
STORIES = {
    3: "unsubscribed",
    6: "bounced",
    9: "archived",
    11: "upper",
    13: "sub",
    15: "by_api",
    17: "abuse",
    19: "pending",
}
FORGOTTEN_SHARE = 100


def demo(account: Account, now: int) -> None:
    """The two audiences that exist from the start: a plain one, and a strict one with double opt-in."""
    plain = audiences.build(account, "Customers", now, DEMO_AUDIENCES[0])
    add_field(plain, "COMPANY", "Company")
    strict = audiences.build(account, "Newsletter", now, DEMO_AUDIENCES[1])
    strict.double_optin = True
    add_field(strict, "CUSTNO", "Customer number", required=True)


def add_field(audience: Audience, tag: str, name: str, *, required: bool = False) -> None:
    number = audience.next_merge_id
    audience.fields.append(MergeField(number, tag, name, "text", required=required, order=number + 1))
    audience.next_merge_id += 1


def fill(account: Account, size: int, seed: int, *, trouble: bool) -> dict[str, object]:
    """Put `size` members into the first audience in place of those that are there."""
    audience = next(iter(account.audiences.values()))
    empty(audience)
    chance = random.Random(f"{account.name}:{seed}")  # noqa: S311 - reproducible on purpose
    stories: Counter[str] = Counter()
    for at in range(size):
        story = STORIES.get(at % 20, "") if trouble else ""
        audience.add(member(audience, at, chance, story))
        stories[story or "plain"] += 1
    if trouble:
        audience.forgotten |= {hash_of(f"forgotten{at}@gone.example") for at in range(size // FORGOTTEN_SHARE)}
    return {"audience": audience.id, "members": size, "forgotten": len(audience.forgotten), "stories": dict(stories)}


def empty(audience: Audience) -> None:
    audience.members.clear()
    audience.contacts.clear()
    audience.forgotten.clear()
    audience.statuses.clear()
    audience.orders.clear()
    for segment in audience.segments.values():
        segment.members.clear()
    audience.next_web_id = 0
    audience.version += 1


def member(audience: Audience, at: int, chance: random.Random, story: str) -> Member:
    given, family = chance.choice(SCRIPTS) if at % 20 in (1, 5) else (chance.choice(GIVEN), chance.choice(FAMILY))
    company = f"{chance.choice(COMPANIES)} {at // 10}"
    email = address(given, family, at, story)
    since = FIRST_DAY + chance.randrange(YEAR_S)
    made = Member(
        audience.take_web_id(), email, "subscribed", merge_of(given, family, company, at, chance), since, since, since
    )
    return told(made, story)


def address(given: str, family: str, at: int, story: str) -> str:
    local = f"{given}.{family}".lower() if given.isascii() and family.isascii() else "member"
    if story == "sub":
        return f"{local}{at}+news@mail{at % 97}.example"
    email = f"{local}{at}@mail{at % 97}.example"
    return email.upper() if story == "upper" else email


def merge_of(given: str, family: str, company: str, at: int, chance: random.Random) -> dict[str, MergeValue]:
    merge: dict[str, MergeValue] = {"FNAME": given, "LNAME": family, "COMPANY": company}
    if at % 2:
        merge["PHONE"] = f"+1404555{chance.randrange(10_000):04}"
    if at % 3 == 0:
        merge["ADDRESS"] = postal(at, chance.choice(TOWNS))
    return merge


def postal(at: int, town: Sequence[str]) -> dict[str, str]:
    city, state, code = town
    return {"addr1": f"{at + 1} Main Street", "addr2": "", "city": city, "state": state, "zip": code, "country": "US"}


def told(made: Member, story: str) -> Member:
    """The member with what happened to it since."""
    later = made.signup_at + 30 * 86_400
    statuses: dict[str, Status] = {
        "unsubscribed": "unsubscribed",
        "by_api": "unsubscribed",
        "abuse": "unsubscribed",
        "bounced": "cleaned",
        "archived": "archived",
        "pending": "pending",
    }
    if story not in statuses:
        return made
    made.status, made.changed_at = statuses[story], later
    if made.status == "unsubscribed":
        made.unsubscribed_at, made.unsubscribe_reason = later, "N/A (Unsubscribed by the contact)"
    if story == "unsubscribed":
        made.withdrawn, made.unsubscribed_by = "user", "user"
    elif story == "abuse":
        made.withdrawn, made.unsubscribed_by, made.unsubscribe_reason = "abuse", "abuse", "SPAM"
    elif story == "by_api":
        made.unsubscribed_by, made.unsubscribe_reason = "api", "N/A (Unsubscribed by API)"
    elif story == "bounced":
        made.withdrawn = "cleaned"
    elif story == "archived":
        made.before_archive = "subscribed"
    elif story == "pending":
        made.opt_at = 0
    return made
