"""What people have to decide, as one queue: who a record is, which of two values both shall have, what becomes of a survivor (decision 70).

A question has a number, and one that asks something else than before has another: what is decided is what was shown. An answer is stored,
and carried out by the mapper within a second; a link is made by the same act as `millrace link add`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.api.refusal import Refusal
from common.clock import Clock
from common.journal import Entry, Step, write
from common.state import pool as state
from console import codes, link_codes
from console.state import links, reviews
from console.state.links import LinkRow
from console.state.reviews import Review
from console.use_cases.links import Links

KINDS = {
    "conflict": "differs", "gone": "gone", "match": "match", "unmatched": "unmatched", "merge": "merge", "unexplained": "unexplained",
}  # fmt: skip
"""By the name that people read, that of the row."""
LINK = "link:"
_NAMING = ("match", "merge")
"""Kinds whose values are the records that they name."""


@dataclass(frozen=True, slots=True)
class ReviewCandidate:
    """A record that a question names."""

    side: str
    connection: str
    entity: str
    id: str
    fields: Mapping[str, Any]
    linked: bool


@dataclass(frozen=True, slots=True)
class ShownReview:
    """A question with its answers by name, what each of them means, and the records that it names."""

    review: Review
    answers: Mapping[str, str]
    candidates: Sequence[ReviewCandidate]


class Reviews:
    """Lists, shows and decides."""

    def __init__(self, pool: state.Pool, links: Links, clock: Clock) -> None:
        self._pool = pool
        self._links = links
        self._clock = clock

    async def list(
        self, kind: str, sync: str, after: tuple[str, ...] | None, limit: int, since: datetime | None = None
    ) -> tuple[Sequence[Review], tuple[str, ...] | None]:
        """Open questions that were asked since then, the oldest first, and where the next page begins."""
        async with state.connection(self._pool) as link:
            found = await reviews.open_ones(link, KINDS.get(kind, kind), sync, since, _after(after), limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], (last["asked_at"].isoformat(), str(last["id"])) if last else None

    async def show(self, id: int) -> ShownReview:
        async with state.connection(self._pool) as link:
            return await _shown(link, await _open(link, id))

    async def decide(self, id: int, answer: str, who: str, why: str) -> ShownReview:
        """It holds for what the question shows; a later change asks anew."""
        async with state.transaction(self._pool) as tx:
            shown = await _shown(tx, await _open(tx, id, lock=True))
            if answer not in shown.answers and not (
                answer.startswith(LINK) and await self._may_link(tx, shown, answer)
            ):
                raise Refusal(422, link_codes.ANSWER_UNKNOWN, f"The answers are: {', '.join(shown.answers)}.")
            if not answer.startswith(LINK):
                await self._store(tx, shown.review, answer, who, why)
                return shown
        # What was asked goes with the pair of its own that the record had until now.
        await self._links.add(_link(shown.review, answer.removeprefix(LINK)), who, why, dry_run=False)
        return shown

    async def _store(self, tx: state.DbConnection, review: Review, answer: str, who: str, why: str) -> None:
        now, account = self._clock.now(), review[f"{_own(review)}_account"]
        await reviews.decide(tx, review["id"], winner(review, answer), who, why, now)
        named = {account: await links.connection_of(tx, account)}
        await write(tx, [entry(review, answer, named, who, why, now)])

    async def _may_link(self, tx: state.DbConnection, shown: ShownReview, answer: str) -> bool:
        """Whom nothing is known of may be anybody who is there and has no counterpart."""
        review, id = shown.review, answer.removeprefix(LINK)
        if review["kind"] != "unmatched":
            return False
        there = _there(review)
        account, entity = review[f"{there}_account"], review[f"{there}_entity"]
        is_told = id in await reviews.told(tx, account, entity, [id])
        return is_told and not await reviews.linked(tx, review, there, [id])


def kind_of(review: Review) -> str:
    """As people read it."""
    return {row: name for name, row in KINDS.items()}[review["kind"]]


def winner(review: Review, answer: str) -> str:
    """What is stored of an answer. Of a survivor the side that is left has it made anew."""
    if review["kind"] != "gone":
        return answer
    gone, there = ("left", "right") if review["state"] == "ended_left" else ("right", "left")
    return gone if answer == "leave" else there


def entry(review: Review, answer: str, named: Mapping[str, str], who: str, why: str, now: datetime) -> Entry:
    """What the journal tells of a decision; `named` are the connections by account."""
    side = _own(review)
    return Entry(
        at=now, step=Step.LINKED, reason=f"answered_{answer}", words=why, who=who, connection=named[review[f"{side}_account"]],
        entity=review[f"{side}_entity"], record=review[f"{side}_id"], target_key=review["right_id"] if side == "left" else "",
        details={"pair": review["pair"], "field": review["field"], "kind": kind_of(review)},
    )  # fmt: skip


async def _open(tx: state.DbConnection, id: int, *, lock: bool = False) -> Review:
    found = await reviews.one(tx, id, lock=lock)
    if found is None:
        raise Refusal(404, link_codes.QUESTION_UNKNOWN)
    return found


async def _shown(tx: state.DbConnection, review: Review) -> ShownReview:
    candidates = [one for side in ("left", "right") for one in await _candidates(tx, review, side)]
    return ShownReview(review, _answers(review, candidates), candidates)


async def _candidates(tx: state.DbConnection, review: Review, side: str) -> list[ReviewCandidate]:
    entity = review[f"{side}_entity"]
    named = review[f"{side}_value"] if review["kind"] in _NAMING else [review[f"{side}_id"]]
    ids = [id for id in named if isinstance(id, str) and id and id != "more"]
    told = await reviews.told(tx, review[f"{side}_account"], entity, ids)
    linked = set[str]()
    if review["kind"] in _NAMING:
        linked = await reviews.linked(tx, review, side, ids)
    found = [ReviewCandidate(side, review[f"{side}_name"], entity, id, told.get(id, {}), id in linked) for id in ids]
    return found + [await _elsewhere(tx, review, side, one) for one in named if isinstance(one, Mapping)]


async def _elsewhere(tx: state.DbConnection, review: Review, side: str, named: Mapping[str, str]) -> ReviewCandidate:
    """With whom the record is paired already, through another leg: nobody who could be chosen in this one."""
    told = await reviews.told(tx, review[f"{side}_account"], named["entity"], [named["id"]])
    fields = told.get(named["id"], {})
    return ReviewCandidate(side, review[f"{side}_name"], named["entity"], named["id"], fields, linked=True)


def _answers(review: Review, candidates: Sequence[ReviewCandidate]) -> dict[str, str]:
    left, right = (f"{review[f'{side}_name']} ({review[f'{side}_entity']})" for side in ("left", "right"))
    match review["kind"]:
        case "differs":
            return {"left": f"Both get the value of {left}.", "right": f"Both get the value of {right}."}
        case "unexplained":
            shown, wrote = (left, right) if review["shown_at"] == "left" else (right, left)
            return {
                "keep": "Each keeps its own: it is the same in two forms.",
                "take": f"{wrote} gets what {shown} shows.",
            }
        case "gone":
            gone, there = (left, right) if review["state"] == "ended_left" else (right, left)
            return {"leave": f"It stays gone at {gone}.", "new": f"It is made anew at {gone}, as it is at {there}."}
        case _:
            there = right if _there(review) == "right" else left
            free = [one.id for one in candidates if one.side == _there(review) and not one.linked and one.id]
            gone = ", whose counterpart is gone" if review["kind"] == "merge" else ""
            link = {f"{LINK}{id}": f"It is {id} of {there}{gone}." for id in free} if review["kind"] in _NAMING else {}
            return link | {
                "new": f"It is nobody of these, and is made at {there}.",
                "leave": f"It has no counterpart at {there}, and gets none.",
            }


def _there(review: Review) -> str:
    """The side on which a counterpart is looked for."""
    return "right" if review["left_id"] else "left"


def _own(review: Review) -> str:
    """The side of the record that the journal calls by its name."""
    return "left" if review["left_id"] else "right"


def _link(review: Review, id: str) -> LinkRow:
    there = _there(review)
    ids = {"left_id": review["left_id"], "right_id": review["right_id"], f"{there}_id": id}
    ends = {
        f"{side}_{name}": review[f"{side}_{name}"]
        for side in ("left", "right")
        for name in ("account", "place", "entity")
    }
    return LinkRow(line=1, **ends, **ids, left_key="", right_key="", state="linked", rule="by hand", since=None)


def _after(after: tuple[str, ...] | None) -> tuple[datetime, int] | None:
    if after is None:
        return None
    try:
        return datetime.fromisoformat(after[0]), int(after[1])
    except ValueError as error:
        raise Refusal(422, codes.CURSOR_INVALID) from error
