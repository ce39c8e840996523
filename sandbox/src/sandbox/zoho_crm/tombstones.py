"""What was deleted: 60 days in the recycle bin, 120 days when for good (sheet, section 3)."""

from __future__ import annotations

from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.paging import MOST, whole
from sandbox.zoho_crm.record import Tombstone
from sandbox.zoho_crm.refusals import Document, bad_param
from sandbox.zoho_crm.stamps import header_time

DAYS = {"recycle": 60, "permanent": 120}


def list_deleted(call: Call) -> Reply:
    call.module  # noqa: B018 - refused when there is none
    kind = call.param("type") or "all"
    if kind not in ("all", *DAYS):
        raise bad_param("type")
    since = header_time(call.header("if-modified-since"))
    found = [
        one for one in reversed(call.shelf.gone)
        if kind in ("all", one.type) and one.at > call.now - DAYS[one.type] * 86_400 and (since is None or one.at > since)
    ]  # fmt: skip
    if not found:
        return Reply(304 if since is not None else 204)
    per_page, page = whole(call, "per_page", MOST), whole(call, "page", 1)
    if per_page > MOST:
        raise bad_param("per_page")
    start = (page - 1) * per_page
    rows = [_row(call, one) for one in found[start : start + per_page]]
    if not rows:
        return Reply(204)
    more = len(found) > start + per_page
    told = {"per_page": per_page, "count": len(rows), "page": page, "more_records": more}
    return Reply(200, {"data": rows, "info": told})


def _row(call: Call, one: Tombstone) -> Document:
    """Of what is gone for good, only the id and the hour are left."""
    org = call.org
    kept = one.type == "recycle"
    return {
        "id": one.id, "type": one.type, "deleted_time": org.stamp(one.at),
        "display_name": one.name if kept else None, "deleted_by": org.person(one.deleted_by) if kept else None,
        "created_by": org.person(one.created_by) if kept else None,
    }  # fmt: skip
