"""The next act that brings a customer to Books: pure. What people keep there beside our fields (persons, notes, terms) is never touched.

Who is meant is told by the link, else by the unique field that has the shop's id, else by the e-mail address. A name that somebody else has is
suffixed with the address: Books takes each name once, and the address is what tells two people of one name apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.contracts.outcomes import SkipReason
from vendors.acts import Act, Look, NeedFacts, Nothing, Skip, Step, Work
from vendors.target_record import TargetRecord
from vendors.zoho_books import knowing
from vendors.zoho_books.invoice_codes import (
    ZB_CUSTOMER_GONE,
    ZB_CUSTOMER_HIDDEN,
    ZB_CUSTOMER_INACTIVE,
    ZB_CUSTOMER_TWICE,
    refused,
)
from vendors.zoho_books.invoice_fields import INACTIVE_CUSTOMER, REACTIVATE
from vendors.zoho_books.organisation_facts import OrganisationFacts

PERSON = ("email", "first_name", "last_name", "phone", "mobile")
PLAIN = ("name", "company", "website")
ADDRESSES = ("billing", "shipping")
STATUS, PERSON_ID, KEY = "status", "person_id", "key"
SHOP = "shop:"
"""And the shop's own id of the customer: the key of whoever has no e-mail address, and of a look by the unique field."""


def next_step(work: Work, facts: object | None) -> Step:
    if work.wish == "absent":
        return _left(work)
    if not work.is_writer:
        return Skip(SkipReason.SHARES_TARGET)
    known = work.known.get(work.key, TargetRecord())
    if knowing.at_rest(known, work.document) and not work.leaving:
        return Nothing()
    if (known.exists is None or known.doubtful) and work.key not in work.fresh:
        return Look(work.key)
    if not _is_told(work.document):
        return _hidden(known)
    if knowing.key_is_taken(known) and not known.agreed:
        if _by_field(work) not in work.fresh:
            return Look(_by_field(work))
        known = _one_of(known, work.known.get(_by_field(work), TargetRecord()))
    if not known.exists:
        return _new(work, known, facts)
    return _changed(work, known, facts) or _former_left(work, known) or Nothing()


def _is_told(document: Mapping[str, Any]) -> bool:
    return any(document.get(path) for path in (*PLAIN, *PERSON))


def _hidden(known: TargetRecord) -> Nothing:
    """The shop tells nothing of who it is: nothing is emptied by that, and nobody is made of it."""
    if known.exists:
        return Nothing()
    raise refused(ZB_CUSTOMER_HIDDEN)


def _by_field(work: Work) -> str:
    return f"{SHOP}{work.document.get(KEY) or ''}"


def _one_of(known: TargetRecord, owner: TargetRecord) -> TargetRecord:
    """Who has our key comes before who has the address; where these are two, a person is asked."""
    if owner.exists and known.exists and owner.id != known.id:
        both = (f"{one.seen.get('name')} ({one.id})" for one in (owner, known))
        raise refused(
            ZB_CUSTOMER_TWICE, f"{'; '.join(both)}. The first has the id of the shop, the second the address."
        )
    return owner if owner.exists else known


def _new(work: Work, known: TargetRecord, facts: object | None) -> Step:
    """Whoever has a new address is the same customer, by the id that the former one is known by, and gets it."""
    if known.met and not _reactivates(work):
        raise refused(ZB_CUSTOMER_GONE, f"The id was {known.id}." if known.id else "")
    before = next((found for key in work.leaving if (found := work.known.get(key)) is not None and found.exists), None)
    if before is not None:
        moved = {path: value for path, value in _wanted(work.document, known).items() if path in PERSON}
        return _of_person(work.key, moved, before)
    if not isinstance(facts, OrganisationFacts):
        return NeedFacts()
    values = _wanted(work.document, known) | _marked(work, facts, TargetRecord())
    return Act("create", work.key, values, counts_as="added", memory=_field(facts))


def _changed(work: Work, known: TargetRecord, facts: object | None) -> Step | None:
    wanted = _wanted(work.document, known)
    if not _is_ours(known):
        del wanted["name"]
    changed = knowing.differences(wanted, known)
    if changed and known.seen.get(STATUS) == "inactive":
        if not _reactivates(work):
            raise refused(ZB_CUSTOMER_INACTIVE, f"{known.seen.get('name')} ({known.id}).")
        return Act("reactivate", work.key, {STATUS: "active"}, memory={"id": known.id})
    person = {path: value for path, value in changed.items() if path in PERSON}
    if person:
        return _of_person(work.key, person, known)
    if not changed:
        return None
    if facts is None and work.document.get(KEY) and not known.agreed:
        # Whether another one has the shop's id is told by the field.
        return NeedFacts()
    marked = _marked(work, facts, known) if isinstance(facts, OrganisationFacts) else {}
    memory = _field(facts) if isinstance(facts, OrganisationFacts) else {}
    return Act("update", work.key, changed | marked, memory={"id": known.id, **memory})


def _marked(work: Work, facts: OrganisationFacts, known: TargetRecord) -> dict[str, Any]:
    """The shop's id, where a field takes it once; what somebody else has put there stays."""
    key = str(work.document.get(KEY) or "")
    takes = "contact" in facts.unique and key and not known.seen.get(KEY) and not knowing.key_is_taken(known)
    return {KEY: key} if takes else {}


def _field(facts: OrganisationFacts) -> dict[str, str]:
    field = facts.unique.get("contact")
    return {} if field is None else {"field": field.name, "label": field.label}


def _reactivates(work: Work) -> bool:
    return work.document.get(INACTIVE_CUSTOMER) == REACTIVATE


def _of_person(key: str, values: Mapping[str, Any], known: TargetRecord) -> Act:
    """The primary person alone: a contact that is saved with a list of persons loses all others."""
    person = str(known.seen.get(PERSON_ID) or "")
    return Act("person" if person else "add_person", key, values, memory={"id": known.id, PERSON_ID: person})


def _former_left(work: Work, known: TargetRecord) -> Step | None:
    """Nobody is known by an address that has been left, because somebody else may come to it. Sending the new one again says so."""
    for key in work.leaving if work.document.get("email") else ():
        former = work.known.get(key)
        if former is not None and former.exists and former.id == known.id and not key.startswith(SHOP):
            return Act(
                "leave",
                key,
                {},
                memory={"id": known.id, PERSON_ID: str(known.seen.get(PERSON_ID) or ""), "email": work.key},
            )
    return None


def _wanted(document: Mapping[str, Any], known: TargetRecord) -> dict[str, Any]:
    """What the mapping fills; a customer without a name is called by the address, and one without an address has the shop's id in the name."""
    wanted = {path: document[path] for path in (*PLAIN, *PERSON, *ADDRESSES) if document.get(path) is not None}
    email = str(document.get("email") or "")
    parts = " ".join(str(wanted[one]) for one in ("first_name", "last_name") if one in wanted)
    name = str(wanted.get("name") or parts or email or wanted.get("phone") or wanted.get("mobile") or "")
    mark = email or str(document.get(KEY) or "")
    suffixed = knowing.name_is_taken(known) or not email
    wanted["name"] = f"{name} ({mark})" if suffixed and mark and mark not in name else name
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
