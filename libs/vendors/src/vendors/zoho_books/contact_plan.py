"""The next act that brings a customer to Books: pure. What people keep there beside our fields (persons, notes, terms) is never touched.

Who is meant is told by the link, else by the unique field that has the other system's id, else by the e-mail address. A name that somebody else
has is suffixed with the address, or with the id: Books takes each name once. The suffix lives in Books only: what a pair has agreed on is the
name with it there, and without it on the other side (R18), so it is no edit that travels back, and who has it keeps it.

Whoever comes by a link is edited on both sides: what the document has was judged, so it is written whoever entered it here first, also where
it is to be empty. Of others the name is left to the organisation, and nothing is emptied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.contracts.outcomes import SkipReason
from vendors.acts import Act, Look, NeedFacts, Nothing, Skip, Step, Work, id_of_key
from vendors.target_record import TargetRecord
from vendors.zoho_books import knowing
from vendors.zoho_books.invoice_codes import (
    ZB_CURRENCY_UNKNOWN,
    ZB_CUSTOMER_GONE,
    ZB_CUSTOMER_HIDDEN,
    ZB_CUSTOMER_INACTIVE,
    ZB_CUSTOMER_TWICE,
    refused,
)
from vendors.zoho_books.invoice_fields import INACTIVE_CUSTOMER, REACTIVATE
from vendors.zoho_books.organisation_facts import CURRENCIES, OrganisationFacts, UniqueField

PERSON = ("email", "first_name", "last_name", "phone", "mobile")
PLAIN = ("name", "company", "website")
ADDRESSES = ("billing", "shipping")
PARTS_OF_ADDRESS = ("attention", "street", "street2", "city", "state", "zip", "country", "phone")
STATUS, PERSON_ID, KEY, CURRENCY = "status", "person_id", "key", "currency"
KEY_FIELD = "key_field"
"""In a document: the custom field that takes the key, where it is not one of a shop's."""
SHOP = "shop:"
"""And the shop's own id of the customer: the key of whoever has no e-mail address, and of a look by the unique field."""


def by_field(document: Mapping[str, Any]) -> str:
    """The key of a look by the unique field."""
    field, key = document.get(KEY_FIELD), document.get(KEY) or ""
    return f"{field}:{key}" if field else f"{SHOP}{key}"


def field_of_key(key: str) -> str:
    """The custom field by which such a key is looked up; empty where it is the shop's, or no such key."""
    field, colon, _ = key.partition(":")
    return field if colon and field.startswith("cf_") else ""


def next_step(work: Work, facts: object | None) -> Step:
    if work.wish == "absent":
        return _left(work)
    if not work.is_writer:
        return Skip(SkipReason.SHARES_TARGET)
    known, linked = work.known.get(work.key, TargetRecord()), bool(id_of_key(work.key))
    if knowing.at_rest(known, work.document) and not (work.leaving or linked):
        return Nothing()
    if (known.exists is None or known.doubtful) and work.key not in work.fresh:
        return Look(work.key)
    if not linked and not _is_told(work.document):
        return _hidden(known)
    if knowing.key_is_taken(known) and not known.agreed:
        if by_field(work.document) not in work.fresh:
            return Look(by_field(work.document))
        known = _one_of(known, work.known.get(by_field(work.document), TargetRecord()))
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


def _one_of(known: TargetRecord, owner: TargetRecord) -> TargetRecord:
    """Who has our key comes before who has the address; where these are two, a person is asked."""
    if owner.exists and known.exists and owner.id != known.id:
        both = (f"{one.seen.get('name')} ({one.id})" for one in (owner, known))
        raise refused(ZB_CUSTOMER_TWICE, f"{'; '.join(both)}. The first has the id, the second the address.")
    return owner if owner.exists else known


def _new(work: Work, known: TargetRecord, facts: object | None) -> Step:
    """Whoever has a new address is the same customer, by the id that the former one is known by, and gets it."""
    if known.met and not _reactivates(work):
        raise refused(ZB_CUSTOMER_GONE, f"The id was {known.id}." if known.id else "")
    before = next((found for key in work.leaving if (found := work.known.get(key)) is not None and found.exists), None)
    if before is not None:
        moved = {path: value for path, value in _wanted(work, known).items() if path in PERSON}
        return _of_person(work.key, moved, before)
    if not isinstance(facts, OrganisationFacts):
        return NeedFacts()
    values, memory = _wanted(work, known, facts) | _marked(work, facts, TargetRecord()), _field(work, facts)
    code = str(work.document.get(CURRENCY) or "")
    if code and code not in facts.currencies:
        return NeedFacts(frozenset({CURRENCIES}), refused(ZB_CURRENCY_UNKNOWN, f"{code} is meant."))
    if code:
        values, memory = values | {CURRENCY: code}, memory | {CURRENCY: facts.currencies[code]}
    return Act("create", work.key, values, counts_as="added", memory=memory)


def _changed(work: Work, known: TargetRecord, facts: object | None) -> Step | None:
    wanted = _wanted(work, known)
    if not (_is_ours(known) or id_of_key(work.key)):
        del wanted["name"]
    changed = knowing.differences(wanted, known)
    if changed and known.seen.get(STATUS) == "inactive":
        if not _reactivates(work):
            raise refused(ZB_CUSTOMER_INACTIVE, f"{known.seen.get('name')} ({known.id}).")
        return Act("reactivate", work.key, {STATUS: "active"}, memory={"id": known.id})
    person = {path: value for path, value in changed.items() if path in PERSON}
    if person:
        if PERSON_ID not in known.seen and work.key not in work.fresh:
            # Known by its pair alone: only a look says whether it has a primary person, and nobody gets a second one.
            return Look(work.key)
        return _of_person(work.key, person, known)
    if not changed:
        return None
    if facts is None and work.document.get(KEY) and not known.agreed:
        # Whether another one has the id is told by the field.
        return NeedFacts()
    marked = _marked(work, facts, known) if isinstance(facts, OrganisationFacts) else {}
    memory = _field(work, facts) if isinstance(facts, OrganisationFacts) else {}
    return Act("update", work.key, changed | marked, memory={"id": known.id, **memory})


def _marked(work: Work, facts: OrganisationFacts, known: TargetRecord) -> dict[str, Any]:
    """The other system's id, where a field takes it once; what somebody else has put there stays."""
    key = str(work.document.get(KEY) or "")
    takes = _unique(work, facts) and key and not known.seen.get(KEY) and not knowing.key_is_taken(known)
    return {KEY: key} if takes else {}


def _unique(work: Work, facts: OrganisationFacts) -> UniqueField | None:
    """The field that takes the key once: the one that the mapping names, else a shop's."""
    named = work.document.get(KEY_FIELD)
    return facts.unique.get(f"contact {named}" if named else "contact")


def _field(work: Work, facts: OrganisationFacts) -> dict[str, str]:
    field = _unique(work, facts)
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


def _wanted(work: Work, known: TargetRecord, facts: OrganisationFacts | None = None) -> dict[str, Any]:
    """What the mapping fills, and of somebody who is linked also what it empties. Parts of an address that it does not know stay."""
    document, linked = work.document, bool(id_of_key(work.key))
    filled = {path: document[path] for path in (*PLAIN, *PERSON, *ADDRESSES) if path in document}
    wanted = {path: value for path, value in filled.items() if linked or value is not None}
    for path in ADDRESSES:
        if path in wanted:
            before = known.seen.get(path) or {} if wanted[path] else {}
            wanted[path] = dict.fromkeys(PARTS_OF_ADDRESS) | before | (wanted[path] or {})
    if linked and not wanted.get("name"):
        # Books takes nobody without a name.
        return {path: value for path, value in wanted.items() if path != "name"}
    return wanted | {"name": _name(work, wanted, known, facts)}


def _name(work: Work, wanted: Mapping[str, Any], known: TargetRecord, facts: OrganisationFacts | None) -> str:
    """A customer without a name is called by the company or the address, and one who is found by nothing else has the id in the name."""
    document, linked = work.document, bool(id_of_key(work.key))
    email = str(document.get("email") or (known.seen.get("email") if linked else "") or "")
    parts = " ".join(str(wanted[one]) for one in ("first_name", "last_name") if one in wanted)
    name = str(
        wanted.get("name")
        or parts
        or wanted.get("company")
        or email
        or wanted.get("phone")
        or wanted.get("mobile")
        or ""
    )
    mark = email or str(document.get(KEY) or known.id)
    with_mark = f"{name} ({mark})" if mark and mark not in name else name
    unmarked = known.exists or facts is None or _unique(work, facts)
    by_name_alone = not (document.get(KEY_FIELD) and unmarked)
    taken = knowing.name_is_taken(known) or known.seen.get("name") == with_mark
    return with_mark if taken or (by_name_alone and not (email or linked)) else name


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
