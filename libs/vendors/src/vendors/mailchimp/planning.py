"""What has to be done to a member next, from what is wished and what is known: pure. What a person allows is ranked in consent.py.

consent is copied down and never up: a new address gets no more than the person allowed last, at any address the record has ever had
an existing member is changed without any status
a member that we archived comes back with the status it had then, never a higher one; one that somebody else archived stays
a member that was there and is gone was taken away by a person, and is not made again
our tags are those that we gave; those that people set are never touched
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.contracts.outcomes import SkipReason
from vendors.acts import Act, Look, NeedFacts, Nothing, Skip, Step, Work
from vendors.choices import PARTLY
from vendors.mailchimp import wire
from vendors.mailchimp.consent import ARCHIVED, ceiling, copy_of, lowest, withdrawn_since
from vendors.mailchimp.memory import STANDING, memory_of, standing
from vendors.target_record import TargetRecord

ROWS = 500
ROW_KEEPS_STATUS = "row_without_status_keeps"


@dataclass(frozen=True, slots=True)
class Audience:
    """The facts of a place; `tags` remembers the ids of tags, by their name in lower case."""

    double_optin: bool = False
    required: tuple[str, ...] = ()
    tags: dict[str, int] = field(default_factory=dict)


def plan(work: Work, audience: Audience | None) -> Step:
    """R14: first where the record shall be, then away from where it was."""
    here = _present(work, audience) if work.wish == "present" else _absent(work)
    if not isinstance(here, Nothing | Skip):
        return here
    for key in work.leaving:
        step = _archive(work, key)
        if step is not None:
            return step
    return here


def _present(work: Work, audience: Audience | None) -> Step:
    known = work.known.get(work.key, TargetRecord())
    if not work.is_writer:
        shares = Skip(SkipReason.SHARES_TARGET, "Another record with this address writes the member they share.")
        return _withdraw(work, known) or shares
    if (barred := memory_of(known).barred) is not None:
        return Skip(barred)
    if known.doubtful and work.key not in work.fresh:
        return Look(work.key)
    if not known.exists:
        return _create(work, known, audience)
    if standing(known) == ARCHIVED:
        return _bring_back(work, known)
    return _withdraw(work, known) or _update(work, known) or _tag(work, known) or Nothing()


def _create(work: Work, known: TargetRecord, audience: Audience | None) -> Step:
    """Not known to exist: by a batch that cannot update, so that an existing member is reported, not changed.

    R6: the vendor's key is the address, which belongs to the link and not to the attempt. After an outcome that nobody saw this is reached
    only behind the hold and its look, and whatever became newer meanwhile follows as an update.
    """
    if known.exists is False and known.met:
        return Skip(SkipReason.NOT_AT_TARGET, "The member was there and was taken away at Mailchimp.")
    unseen = _unseen(work)
    if unseen:
        return Look(unseen)
    if audience is None:
        return NeedFacts()
    told = {path: value for path, value in work.document.items() if path != PARTLY}
    values = {path: wire.fitting(value) for path, value in told.items() if value not in (None, "", [])}
    lacking = [tag for tag in audience.required if not values.get(wire.MERGE + tag)]
    if lacking:
        return Skip(SkipReason.REQUIRED_FIELD_MISSING, f"The audience requires {', '.join(lacking)}.")
    said = ceiling(work)
    status = lowest("pending" if audience.double_optin else "subscribed", [said.standing] if said else [])
    return Act(
        "create", work.key, values | {STANDING: status}, counts_as="added", batch="create", most=ROWS,
        memory={**_born(work), **copy_of(status, said)},
    )  # fmt: skip


def _bring_back(work: Work, known: TargetRecord) -> Step:
    former = memory_of(known).former
    if not former:
        return Skip(SkipReason.NOT_AT_TARGET, "Somebody else archived the member.")
    if former == "cleaned":
        return Skip(SkipReason.CLEANED, "The address bounced before it was archived.")
    if work.key not in work.fresh:
        return Look(work.key)
    unseen = _unseen(work)
    if unseen:
        return Look(unseen)
    said = ceiling(work)
    status = lowest(former, [said.standing] if said else [])
    if status == "transactional":
        return Skip(SkipReason.NOT_AT_TARGET, "The member took receipts only, and cannot be brought back as that.")
    values = _differences(work.document, known) | {STANDING: status}
    return Act("return", work.key, values, memory={**_born(work), **copy_of(status, said)})


def _withdraw(work: Work, known: TargetRecord) -> Step | None:
    """Somebody left at another address of theirs after we made this one: it follows. Who was there before us keeps its own consent."""
    if standing(known) not in ("subscribed", "pending") or memory_of(known).born_of not in _others(work):
        return None
    return Act("withdraw", work.key, {STANDING: "unsubscribed"}) if withdrawn_since(work) else None


def _update(work: Work, known: TargetRecord) -> Step | None:
    """Without any status; together only where a row without a status is known to keep it."""
    differing = _differences(work.document, known)
    if not differing:
        return None
    if ROW_KEEPS_STATUS in work.capabilities:
        return Act("update", work.key, differing, batch="update", most=ROWS)
    return Act("update", work.key, differing)


def _tag(work: Work, known: TargetRecord) -> Step | None:
    """One tag of ours at a time: everybody who gets or loses the same tag shares the call."""
    if "tags" not in work.document:
        return None
    wanted = list(work.document["tags"] or ())
    there, ours = _folded(known.seen.get("tags", ())), _folded(memory_of(known).ours)
    for name in wanted:
        if name.casefold() not in there:
            return _give(work.key, name, known)
    if "tags" in work.document.get(PARTLY, ()):
        return None
    for folded, name in ours.items():
        if folded not in _folded(wanted) and folded in there:
            return _take(work.key, name, known)
    return None


def _absent(work: Work) -> Step:
    """Marked instead of archived, where the sync says so."""
    known = work.known.get(work.key, TargetRecord())
    if (
        work.document.get("how") != "tag"
        or not work.key
        or known.exists is False
        or memory_of(known).barred is not None
    ):
        return Nothing()
    if (known.exists is None or known.doubtful) and work.key not in work.fresh:
        return Look(work.key)
    name = str(work.document["tag"])
    if standing(known) == ARCHIVED or name.casefold() in _folded(known.seen.get("tags", ())):
        return Nothing()
    return _give(work.key, name, known)


def _archive(work: Work, key: str) -> Step | None:
    """Looked at just before: its status is kept before archiving, as the ceiling for restoring."""
    known = work.known.get(key, TargetRecord())
    if known.exists is False or standing(known) == ARCHIVED or memory_of(known).barred is SkipReason.FORGOTTEN:
        return None
    if key not in work.fresh:
        return Look(key)
    # Of a record that lives on under another key, or stays and is marked, it is one step of a change.
    gone = work.wish == "absent" and work.document.get("how", "archive") == "archive"
    return Act("archive", key, {STANDING: ARCHIVED}, counts_as="removed" if gone else "updated")


def _give(key: str, name: str, known: TargetRecord) -> Act:
    tags = sorted({*known.seen.get("tags", ()), name})
    return Act(f"give:{name}", key, {"tags": tags}, batch=f"tag:{name.casefold()}", most=ROWS)


def _take(key: str, name: str, known: TargetRecord) -> Act:
    tags = sorted(tag for tag in known.seen.get("tags", ()) if tag.casefold() != name.casefold())
    return Act(f"take:{name}", key, {"tags": tags}, batch=f"tag:{name.casefold()}", most=ROWS)


def _differences(document: Mapping[str, Any], known: TargetRecord) -> dict[str, Any]:
    """The fields that differ; another spelling of the same address is the same contact."""
    return {
        path: wire.fitting(value)
        for path, value in document.items()
        if (path.startswith(wire.MERGE) or path == "language") and not wire.same(value, known.seen.get(path))
    }


def _unseen(work: Work) -> str | None:
    """An address of the record whose consent has to be known before another one gets any."""
    return next(
        (
            key
            for key in _others(work)
            if key not in work.fresh and work.known.get(key, TargetRecord()).exists is not False
        ),
        None,
    )


def _born(work: Work) -> dict[str, Any]:
    """Where the consent of a new member comes from."""
    parent = next(iter(_others(work)), "")
    return {"born_of": parent} if parent else {}


def _others(work: Work) -> Sequence[str]:
    return tuple(dict.fromkeys((*work.former, *work.past)))


def _folded(tags: Sequence[str]) -> dict[str, str]:
    return {tag.casefold(): tag for tag in tags}
