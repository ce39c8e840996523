"""Records read: by id, and in lists of pages, tokens and "changed since" (sheet, section 3)."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.changing import Rows
from sandbox.zoho_crm.modules import Module
from sandbox.zoho_crm.paging import Page, paged
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.refusals import Refusal, bad_param, invalid_id, missing_param
from sandbox.zoho_crm.stamps import header_time
from sandbox.zoho_crm.views import row, shown

MOST_FIELDS = 50
Order = Callable[[Record], object]
SORTS: dict[str, Order] = {
    "id": lambda record: (len(record.id), record.id),
    "Created_Time": attrgetter("created", "id"),
    "Modified_Time": attrgetter("modified", "id"),
}


def get_one(call: Call) -> Reply:
    module = call.module
    rows = Rows(call, module)
    id_ = call.ids["id"]
    if rows.named_by != "id":
        record = rows.by_external(id_)
    elif id_.isascii() and id_.isdigit():
        record = call.shelf.get(id_)
    else:
        raise invalid_id()
    if record is None:
        if call.switches.gone_record == "refused":
            raise invalid_id()
        return Reply(204)
    since = header_time(call.header("if-modified-since"))
    if since is not None and record.modified <= since:
        return Reply(304)
    return Reply(200, {"data": [shown(call.org, module, record)]})


def fields_of(call: Call) -> list[str]:
    """The fields a list names: it must, and not too many."""
    names = [name.strip() for name in call.param("fields").split(",") if name.strip()]
    if not names:
        raise missing_param("fields")
    if len(names) > MOST_FIELDS:
        words = "the number of fields exceeds the limit"
        raise Refusal(400, "LIMIT_EXCEEDED", words, limit=MOST_FIELDS, param_name="fields")
    return names


def list_records(call: Call) -> Reply:
    module = call.module
    names = fields_of(call)
    found = list(call.shelf)
    if ids := call.param("ids"):
        wanted = set(ids.split(","))
        found = [record for record in found if record.id in wanted]
    if module.api_name == "Leads" and call.param("converted") != "both":
        found = [record for record in found if record.converted == (call.param("converted") == "true")]
    return listed(call, module, names, found)


def listed(call: Call, module: Module, names: list[str], found: list[Record]) -> Reply:
    """A page of these records: sorted, changed since, cut; nothing is 204, nothing new 304."""
    if header := call.header("if-modified-since"):
        since = header_time(header)
        if since is None:
            raise bad_param("If-Modified-Since")
        found = [record for record in found if record.modified > since]
        if not found:
            return Reply(304)
    sort_by, sort_order = call.param("sort_by") or "id", call.param("sort_order") or "desc"
    if sort_by not in SORTS:
        raise bad_param("sort_by")
    if sort_order not in ("asc", "desc"):
        raise bad_param("sort_order")
    found.sort(key=SORTS[sort_by], reverse=sort_order == "desc")  # type: ignore[arg-type]
    page = paged(call, found)
    if not page.rows:
        return Reply(204)
    rows = [row(call.org, module, record, names) for record in page.rows]
    return Reply(200, {"data": rows, "info": told(page, sort_by, sort_order)})


def told(page: Page, sort_by: str, sort_order: str) -> dict[str, object]:
    return {
        "per_page": page.per_page, "count": len(page.rows), "page": page.number, "sort_by": sort_by,
        "sort_order": sort_order, "more_records": page.more, "next_page_token": page.following,
        "previous_page_token": page.former, "page_token_expiry": page.expiry,
    }  # fmt: skip
