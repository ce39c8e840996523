"""The next act that brings a customer to Books: pure. What people keep there beside our fields (persons, notes, terms) is never touched.

Who is meant is told by the link, else by the e-mail address. A name that somebody else has is suffixed with the address: Books takes each
name once, and the address is what tells two people of one name apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.contracts.outcomes import SkipReason
from vendors.acts import Act, Look, Nothing, Skip, Step, Work
from vendors.target_record import TargetRecord
from vendors.zoho_books import knowing
from vendors.zoho_books.invoice_codes import ZB_CUSTOMER_INACTIVE, refused

PERSON = ("email", "first_name", "last_name", "phone", "mobile")
PLAIN = ("name", "company", "website")
ADDRESSES = ("billing", "shipping")
STATUS, PERSON_ID = "status", "person_id"


def next_step(work: Work) -> Step:
    if work.wish == "absent":
        return _left(work)
    if not work.is_writer:
        return Skip(SkipReason.SHARES_TARGET)
    known = work.known.get(work.key, TargetRecord())
    if knowing.at_rest(known, work.document) and not work.leaving:
        return Nothing()
    if (known.exists is None or known.doubtful) and work.key not in work.fresh:
        return Look(work.key)
    if not known.exists:
        return _new(work, known)
    return _changed(work, known) or _former_left(work, known) or Nothing()


def _new(work: Work, known: TargetRecord) -> Step:
    """Whoever has a new address is the same customer, by the id that the former one is known by, and gets it."""
    if known.met:
        return Skip(SkipReason.NOT_AT_TARGET)
    before = next((found for key in work.leaving if (found := work.known.get(key)) is not None and found.exists), None)
    if before is None:
        return Act("create", work.key, _wanted(work.document, known), counts_as="added")
    moved = {path: value for path, value in _wanted(work.document, known).items() if path in PERSON}
    return _of_person(work.key, moved, before)


def _changed(work: Work, known: TargetRecord) -> Step | None:
    wanted = _wanted(work.document, known)
    if not _is_ours(known):
        del wanted["name"]
    changed = knowing.differences(wanted, known)
    if changed and known.seen.get(STATUS) == "inactive":
        raise refused(ZB_CUSTOMER_INACTIVE)
    person = {path: value for path, value in changed.items() if path in PERSON}
    if person:
        return _of_person(work.key, person, known)
    return Act("update", work.key, changed, memory={"id": known.id}) if changed else None


def _of_person(key: str, values: Mapping[str, Any], known: TargetRecord) -> Act:
    """The primary person alone: a contact that is saved with a list of persons loses all others."""
    person = str(known.seen.get(PERSON_ID) or "")
    return Act("person" if person else "add_person", key, values, memory={"id": known.id, PERSON_ID: person})


def _former_left(work: Work, known: TargetRecord) -> Step | None:
    """Nobody is known by an address that has been left, because somebody else may come to it. Sending the new one again says so."""
    for key in work.leaving:
        former = work.known.get(key)
        if former is not None and former.exists and former.id == known.id:
            return Act(
                "leave",
                key,
                {},
                memory={"id": known.id, PERSON_ID: str(known.seen.get(PERSON_ID) or ""), "email": work.key},
            )
    return None


def _wanted(document: Mapping[str, Any], known: TargetRecord) -> dict[str, Any]:
    """What the mapping fills; a customer without a name is called by the address."""
    wanted = {path: document[path] for path in (*PLAIN, *PERSON, *ADDRESSES) if document.get(path) is not None}
    email = str(document.get("email") or "")
    name = str(
        wanted.get("name")
        or " ".join(str(wanted[one]) for one in ("first_name", "last_name") if one in wanted)
        or email
    )
    wanted["name"] = f"{name} ({email})" if knowing.name_is_taken(known) and email not in name else name
    return wanted


def _is_ours(known: TargetRecord) -> bool:
    """The name of a customer that was there before us is the organisation's own."""
    return "name" in known.agreed


def _left(work: Work) -> Step:
    key = work.key or next(iter(work.leaving), "")
    known = work.known.get(key, TargetRecord())
    if work.document.get("how") != "inactive" or not key:
        return Nothing()
    if (known.exists is None or known.doubtful) and key not in work.fresh:
        return Look(key)
    if not known.exists or known.seen.get(STATUS) == "inactive":
        return Nothing()
    return Act("inactivate", key, {STATUS: "inactive"}, counts_as="removed", memory={"id": known.id})
