"""Bulk read: a job, its state, and a zip of CSV (sheet, section 3)."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import orjson

from sandbox.delivery import Delivery
from sandbox.zoho_crm.bulk_criteria import fits_of
from sandbox.zoho_crm.bulk_job import BulkJob
from sandbox.zoho_crm.call import Call, Reply, module_of
from sandbox.zoho_crm.modules import Module
from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.refusals import Document, Refusal, scope_mismatch
from sandbox.zoho_crm.scopes import allows
from sandbox.zoho_crm.switches import Switches
from sandbox.zoho_crm.views import value_of

VENDOR = "zoho-crm"
KEPT_S = 86_400
PLACE = "/crm/bulk/v8/read"


def refused(code: str, message: str, **details: object) -> Refusal:
    return Refusal(400, code, message, **details)


def create(call: Call) -> Reply:
    query, callback = call.document.get("query"), call.document.get("callback")
    if not isinstance(query, dict):
        raise refused("INVALID_REQUEST", "The request body is invalid")
    module = _module(call, query.get("module"))
    names = query.get("fields") or list(module.fields)
    if not isinstance(names, list) or not all(
        name in (*module.fields, "id") for name in names if isinstance(name, str)
    ):
        raise refused("FIELD_NOT_AVAILABLE", "A field is not available in the module")
    fits_of(module, query.get("criteria"))  # refused now when it cannot be read
    page, token = _page(call, query)
    job = BulkJob(
        call.org.new_id(), module.api_name, tuple(map(str, names)), query.get("criteria"), page, call.now, call.user.id,
        call.now + call.switches.bulk_seconds, _callback(callback), token,
    )  # fmt: skip
    call.org.jobs[job.id] = job
    call.noted("bulk_read", job.id, "create")
    details = {
        "id": job.id, "operation": "read", "state": "ADDED", "created_by": call.org.person(job.created_by),
        "created_time": call.org.stamp(job.created),
    }  # fmt: skip
    row = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully.", "details": details}
    return Reply(201, {"data": [row], "info": {}})


def _module(call: Call, given: Any) -> Module:
    name = given.get("api_name") if isinstance(given, dict) else given
    if not isinstance(name, str):
        raise refused("INVALID_REQUEST", "The request body is invalid")
    try:
        module = module_of(call.org, call.switches, name)
    except Refusal as wrong:
        raise refused("MODULE_NOT_AVAILABLE", "The module is not available", api_name=name) from wrong
    if call.scopes is not None and not allows(call.scopes, f"modules.{module.scope}.READ"):
        raise scope_mismatch()
    return module


def _page(call: Call, query: Document) -> tuple[int, str]:
    token, page = query.get("page_token"), query.get("page", 1)
    if isinstance(token, str) and token:
        former = next((job for job in call.org.jobs.values() if job.next_token == token), None)
        if former is None or former.kept_until <= call.now:
            raise refused("EXPIRED_VALUE", "The page token is expired")
        return former.page + 1, token
    if isinstance(page, bool) or not isinstance(page, int) or page < 1:
        raise refused("PAGE_RANGE_EXCEEDED", "The page is out of range")
    return page, ""


def _callback(given: Any) -> str:
    if given is None:
        return ""
    url = given.get("url") if isinstance(given, dict) else None
    if not isinstance(url, str) or not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise refused("INVALID_CALLBACK_URL", "The callback URL is invalid")
    if given.get("method") != "post":
        raise refused("INVALID_CALLBACK_METHOD", "The callback method is invalid", supported_callback_methods=["post"])
    return url


def get_job(call: Call) -> Reply:
    return Reply(200, {"data": [described(call.org, _job(call))]})


def get_result(call: Call) -> Reply:
    job = _job(call)
    if job.result is None or job.kept_until <= call.now:
        raise Refusal(404, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.", resource="result")
    return Reply(200, None, job.result, "application/octet-stream")


def _job(call: Call) -> BulkJob:
    job = call.org.jobs.get(call.ids["job_id"])
    if job is None:
        raise Refusal(404, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.", resource="job")
    finish(call.org, call.switches, job, call.now)
    return job


def described(org: Organisation, job: BulkJob) -> Document:
    row: Document = {
        "id": job.id, "operation": "read", "state": job.state, "file_type": "csv",
        "created_by": org.person(job.created_by), "created_time": org.stamp(job.created),
        "query": {"module": {"api_name": job.module}, "fields": list(job.fields), "page": job.page},
    }  # fmt: skip
    if job.result is not None:
        row["result"] = {
            "page": job.page, "count": job.count, "download_url": f"{PLACE}/{job.id}/result", "per_page": job.per_page,
            "more_records": job.more, "next_page_token": job.next_token or None,
        }  # fmt: skip
    return row


# The work itself


def finish(org: Organisation, switches: Switches, job: BulkJob, now: int) -> None:
    """Take the rows when the hour has come."""
    if job.result is not None or now < job.ends:
        return
    module, fits = org.modules[job.module], fits_of(org.modules[job.module], job.criteria)
    found = [record for record in org.shelves[job.module] if fits(record)]
    job.per_page = switches.bulk_rows
    start = (job.page - 1) * job.per_page
    rows = found[start : start + job.per_page]
    job.result, job.count, job.more = zipped(org, module, job, rows), len(rows), len(found) > start + job.per_page
    job.kept_until = now + KEPT_S
    if job.more:
        job.next_token = hashlib.sha256(f"{job.id} {job.page}".encode()).hexdigest()[:40]


def zipped(org: Organisation, module: Module, job: BulkJob, rows: list[Record]) -> bytes:
    text, out = io.StringIO(), io.BytesIO()
    writer = csv.writer(text)
    names = ["Id", *(name for name in job.fields if name != "id" and not module.fields[name].heavy)]
    writer.writerow(names)
    writer.writerows(cells(org, module, record, names[1:]) for record in rows)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(f"{job.id}.csv"), text.getvalue())
    return out.getvalue()


def cells(org: Organisation, module: Module, record: Record, names: list[str]) -> Iterator[object]:
    """Lookups and people as ids, nothing as nothing."""
    yield record.id
    for name in names:
        value = value_of(org, module, module.fields[name], record)
        value = value["id"] if isinstance(value, dict) and "id" in value else value
        yield "" if value is None else str(value).lower() if isinstance(value, bool) else value


def announcement(org: Organisation, job: BulkJob) -> Delivery:
    """What a finished job tells its callback."""
    body = orjson.dumps({"job_id": job.id, **{k: v for k, v in described(org, job).items() if k != "id"}})
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    return Delivery(VENDOR, org.account, job.id, job.callback_url, "POST", headers, body, topic="bulk_read.completed")
