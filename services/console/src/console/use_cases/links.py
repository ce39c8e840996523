"""Links as people ask for them: which record is which, since when and by what; made, imported and taken apart by hand.

A link is data of ours. None of these acts writes, changes or deletes anything at a vendor; each says what happens next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from common.api.refusal import Refusal
from common.clock import Clock
from common.journal import Entry, Step, write
from common.state import awaiting
from common.state import pool as state
from common.state.awaiting import LinkMade
from console import codes, link_codes
from console.state import links as rows
from console.state.links import LIVING, STATES, Checked, Link, LinkRow
from console.use_cases.link_files import read_links
from console.use_cases.problems import problem, refuse_if_any
from mapper.mapping.problems import Problem

STEP = 5000
AFTER_REMOVAL = (
    "Neither record is touched. When the left one changes next, its sync looks for its counterpart again: it is linked to the same one if "
    "they still match, and made anew if nothing does. To keep them apart, change what they match by, or filter or pause the sync first."
)


@dataclass(frozen=True, slots=True)
class Planned:
    """What an import does: links that are new, those that are linked again, and those that are there already."""

    added: int
    again: int
    unchanged: int


class Links:
    """Lists, shows, adds, removes and imports links."""

    def __init__(self, pool: state.Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def list(
        self, text: str, wanted: str, account: str, after: tuple[str, ...] | None, limit: int
    ) -> tuple[Sequence[Link], tuple[str, ...] | None]:
        """A page of links and where the next one begins."""
        states = (wanted,) if wanted else STATES
        async with state.connection(self._pool) as link:
            found = await rows.page(link, text, states, account, _number(after), limit + 1)
        more = (str(found[limit - 1]["id"]),) if len(found) > limit else None
        return found[:limit], more

    async def show(self, id: int) -> Link:
        """One link with its history."""
        async with state.connection(self._pool) as link:
            return await _one(link, id)

    async def add(self, wanted: LinkRow, who: str, why: str, *, dry_run: bool) -> Planned:
        """By hand; the same link again changes nothing."""
        return await self._make([replace(wanted, rule="by hand")], "linked", who, why, dry_run=dry_run)

    async def import_file(self, text: str, who: str, why: str, *, dry_run: bool) -> Planned:
        """All or nothing: one transaction, and a Refusal with every problem of every line."""
        read = read_links(text)
        if not read.rows and not read.problems:
            refuse_if_any([problem(link_codes.LINK_FIELD_MISSING, "line", "The file has no links.", 1)])
        return await self._make(read.rows, "imported", who, why, dry_run=dry_run, problems=read.problems)

    async def remove(self, id: int, who: str, why: str, *, dry_run: bool) -> Link:
        """The two are not one any more, as far as we know; nothing is deleted anywhere."""
        now = self._clock.now()
        async with state.transaction(self._pool) as tx:
            found = await _one(tx, id, lock=True)
            if found["state"] == "reserved":
                raise Refusal(409, link_codes.LINK_BUSY, retry_after_s=60)
            if dry_run or found["state"] == "unlinked":
                return found
            await rows.unlink(tx, id, who, why, now)
            await write(
                tx, [_entry(found, Step.UNLINKED, who, why, now, await rows.connection_of(tx, found["left_account"]))]
            )
            return await _one(tx, id)

    async def _make(
        self,
        wanted: Sequence[LinkRow],
        what: str,
        who: str,
        why: str,
        *,
        dry_run: bool,
        problems: Sequence[Problem] = (),
    ) -> Planned:
        now, found, planned = self._clock.now(), list(problems), Planned(0, 0, 0)
        async with state.transaction(self._pool) as tx:
            checked = [
                (row, one)
                for at in range(0, len(wanted), STEP)
                for row, one in zip(wanted[at : at + STEP], await rows.check(tx, wanted[at : at + STEP]), strict=True)
            ]
            for row, one in checked:
                found += _against(row, one)
            if found:
                _refuse(found)
            for at in range(0, len(checked), STEP):
                step = await self._step(tx, checked[at : at + STEP], what, who, why, now, dry_run=dry_run)
                planned = Planned(
                    planned.added + step.added, planned.again + step.again, planned.unchanged + step.unchanged
                )
        return planned

    async def _step(
        self, tx: state.DbConnection, checked: Sequence[tuple[LinkRow, Checked]], what: str, who: str, why: str,
        now: datetime, *, dry_run: bool,
    ) -> Planned:  # fmt: skip
        fresh = [_placed(row, one) for row, one in checked if one.same is None]
        again = [(_placed(row, one), one.same) for row, one in checked if one.same and one.same_state != row.state]
        planned = Planned(len(fresh), len(again), len(checked) - len(fresh) - len(again))
        if dry_run:
            return planned
        accounts = {
            account for row in (*fresh, *(row for row, _ in again)) for account in (row.left_account, row.right_account)
        }
        await awaiting.together(tx, accounts)
        await rows.add(tx, fresh, what, who, why, now)
        await rows.revive(tx, {id: row.state for row, id in again}, what, who, why, now)
        named = {one.left_account: "" for one in (*fresh, *(row for row, _ in again))}
        for account in named:
            named[account] = await rows.connection_of(tx, account)
        made = [*fresh, *(row for row, _ in again)]
        await awaiting.release(tx, [one for row in made if row.state == "linked" for one in _links_made(row)], now)
        await write(tx, [_told(row, what, who, why, now, named[row.left_account]) for row in made])
        return planned


def _against(row: LinkRow, one: Checked) -> Sequence[Problem]:
    """What stands against a line."""
    found = []
    for side, account in (("left", one.left_account), ("right", one.right_account)):
        if account is None:
            given = row.left_account if side == "left" else row.right_account
            words = f"No connection opens the account {given}."
            found.append(problem(link_codes.LINK_ACCOUNT_UNKNOWN, f"{side}_account", words, row.line))
    if row.state in LIVING and one.other is not None:
        words = f"{row.left_entity} {row.left_id or row.left_key} is linked to another record there: link {one.other}."
        found.append(problem(link_codes.LINK_TAKEN, "left_id", words, row.line))
    if row.state in LIVING and one.taken is not None:
        words = f"{row.right_entity} {row.right_id or row.right_key} is linked to another record: link {one.taken}."
        found.append(problem(link_codes.LINK_TAKEN, "right_id", words, row.line))
    return found


def _refuse(problems: Sequence[Problem]) -> None:
    ordered = sorted(problems, key=lambda one: one.row)
    kinds = {one.code for one in ordered}
    if len(kinds) == 1:
        refuse_if_any(ordered)
    listed = [{"code": p.code, "row": p.row, "field": p.field, "words": p.words, "remedy": p.remedy} for p in ordered]
    detail = f"There are {len(ordered)} problems; nothing was written."
    raise Refusal(422, link_codes.LINKS_INVALID, detail, more={"problems": listed})


def _placed(row: LinkRow, one: Checked) -> LinkRow:
    return replace(row, left_account=one.left_account or "", right_account=one.right_account or "")


def _links_made(row: LinkRow) -> list[LinkMade]:
    """Somebody may wait for it at either side."""
    forward = LinkMade(row.left_account, row.left_entity, row.left_id, row.right_account)
    return [forward, LinkMade(row.right_account, row.right_entity, row.right_id, row.left_account)]


def _told(row: LinkRow, what: str, who: str, why: str, now: datetime, connection: str) -> Entry:
    return Entry(
        at=now, step=Step.LINKED, reason=what, words=why, connection=connection, entity=row.left_entity,
        record=row.left_id or row.left_key, target_key=row.right_key or row.right_id, who=who,
    )  # fmt: skip


def _entry(link: Link, step: Step, who: str, why: str, now: datetime, connection: str) -> Entry:
    return Entry(
        at=now, step=step, reason="by hand", words=why, connection=connection, entity=link["left_entity"],
        record=link["left_id"] or link["left_key"], target_key=link["right_key"] or link["right_id"], who=who,
    )  # fmt: skip


async def _one(tx: state.DbConnection, id: int, *, lock: bool = False) -> Link:
    found = await rows.one(tx, id, lock=lock)
    if found is None:
        raise Refusal(404, link_codes.LINK_UNKNOWN, f"There is no link {id}.")
    return found


def _number(after: tuple[str, ...] | None) -> int:
    if after is None:
        return 0
    if not after[0].isdigit() or len(after[0]) > 18:
        raise Refusal(422, codes.CURSOR_INVALID)
    return int(after[0])
