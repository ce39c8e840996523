"""Search, which lags behind the records, and how many records there are (sheet, section 3)."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.criteria import Fits, criteria_of
from sandbox.zoho_crm.paging import MOST, whole
from sandbox.zoho_crm.record import Record, Values
from sandbox.zoho_crm.refusals import Refusal, bad_param, missing_param
from sandbox.zoho_crm.views import row

FURTHEST = 2_000
PHONES = ("Phone", "Mobile", "Home_Phone", "Other_Phone", "Fax")


def search(call: Call) -> Reply:
    module, fits = call.module, wanted(call)
    found = [record for record, values in indexed(call) if fits(record, values)]
    per_page, page = whole(call, "per_page", MOST), whole(call, "page", 1)
    if per_page > MOST:
        raise bad_param("per_page")
    ends = page * per_page
    if ends > FURTHEST:
        raise Refusal(400, "LIMIT_REACHED", "the search reaches no further", limit=FURTHEST)
    rows = found[ends - per_page : ends]
    if not rows:
        return Reply(204)
    names = [name for name in call.param("fields").split(",") if name] or list(module.fields)
    told = {"per_page": per_page, "count": len(rows), "page": page, "more_records": len(found) > ends}
    return Reply(200, {"data": [row(call.org, module, one, names) for one in rows], "info": told})


def wanted(call: Call) -> Fits:
    """One of criteria, email, phone and word, in the order the vendor judges them."""
    if text := call.param("criteria"):
        return criteria_of(call.org, call.module, text)
    if email := call.param("email").strip().casefold():
        return lambda _, values: email in (_of(values, "Email"), _of(values, "Secondary_Email"))
    if phone := call.param("phone").strip().casefold():
        return lambda _, values: any(phone == _of(values, name) for name in PHONES)
    if word := call.param("word").strip().casefold():
        return lambda _, values: any(isinstance(value, str) and word in value.casefold() for value in values.values())
    raise missing_param("criteria")


def _of(values: Values, name: str) -> str:
    return str(values.get(name) or "").strip().casefold()


def indexed(call: Call) -> Iterator[tuple[Record, Values]]:
    """The records as the search index has them: those of the last moments it knows by their former values, or not."""
    seen = call.now - call.switches.search_lag_s
    for record in call.shelf:
        if record.modified <= seen or not call.switches.search_lag_s:
            yield record, record.values
        elif record.created <= seen:
            yield record, record.before if record.before is not None else record.values


def count(call: Call) -> Reply:
    if any(call.param(name) for name in ("criteria", "email", "phone", "word")):
        fits = wanted(call)
        return Reply(200, {"count": sum(fits(record, values) for record, values in indexed(call))})
    call.module  # noqa: B018 - refused when there is none
    return Reply(200, {"count": len(call.shelf)})
