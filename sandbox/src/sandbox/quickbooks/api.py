"""The addresses of the API, and what each of them does (sheet, section 3)."""

from __future__ import annotations

import hashlib

from sandbox.quickbooks import query, writing
from sandbox.quickbooks.batch import FindsFaults, batch
from sandbox.quickbooks.call import Call
from sandbox.quickbooks.changes import changes
from sandbox.quickbooks.company import Remembered
from sandbox.quickbooks.entities import BY_PATH
from sandbox.quickbooks.refusals import (
    Document,
    impossible_query,
    invalid,
    missing,
    not_found,
    request_id_reused,
    too_long,
    unsupported,
)
from sandbox.quickbooks.stamps import answer_time
from sandbox.quickbooks.views import shown
from sandbox.quickbooks.wire import parse, written
from sandbox.simulator import Request

BASE = "/v3/company/{realm}"
LONGEST_ID, LONGEST_BATCH_ID = 50, 36


def rest_of(request: Request) -> tuple[str, ...]:
    """What follows the company in the address."""
    return request.segments[3:]


def route_of(request: Request) -> str:
    """The template of the address, for the counts and the log."""
    match rest_of(request):
        case [name] if name in BY_PATH or name in ("query", "cdc", "batch"):
            return f"{request.method} {BASE}/{name}"
        case [name, _] if name in BY_PATH:
            return f"{request.method} {BASE}/{name}/{{id}}"
    return f"{request.method} {BASE}/*"


def is_batch(request: Request) -> bool:
    return request.method == "POST" and rest_of(request) == ("batch",)


def is_read(request: Request) -> bool:
    """Whether the call is metered as a whole; a batch is by its queries."""
    return request.method == "GET" or rest_of(request) == ("query",)


def answered(call: Call, faults: FindsFaults) -> bytes:
    """The body of an answer that is 200; raises Refusal."""
    request = call.request
    if is_read(request):
        told = _read(call)
        call.reads += 1
        return _whole(call, told)
    if request.method != "POST":
        raise unsupported(f"{request.method} {request.path}")
    return _once(call, faults)


def _whole(call: Call, told: Document) -> bytes:
    return written(told | {"time": answer_time(call.now)})


# Reading


def _read(call: Call) -> Document:
    match rest_of(call.request):
        case ["query"]:
            return {"QueryResponse": query.answered(call, _statement(call.request))}
        case ["cdc"]:
            return changes(call)
        case [name, id_] if name in BY_PATH:
            return _one(call, BY_PATH[name], id_)
    raise unsupported(call.request.path)


def _statement(request: Request) -> str:
    if request.method == "GET":
        found = request.param("query") or ""
    elif request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/text":
        raise invalid("Property Name:A query is sent as application/text", "Content-Type")
    else:
        found = request.body.decode("utf-8", "replace")
    if not found.strip():
        raise missing("query")
    if len(found) > 100_000:
        raise impossible_query("The query is too long")
    return found


def _one(call: Call, entity: str, id_: str) -> Document:
    if entity == "CompanyInfo":
        id_ = "1" if id_ == call.company.realm else ""
    record = call.company.find(entity, id_)
    if record is None:
        raise not_found("Id")
    return {entity: shown(call.company, record)}


# Writing, once for each request id


def _once(call: Call, faults: FindsFaults) -> bytes:
    """A repeat has the original answer, and changes nothing."""
    id_ = call.request.param("requestid")
    if not id_:
        return _written(call, faults)
    longest = LONGEST_BATCH_ID if is_batch(call.request) else LONGEST_ID
    if len(id_) > longest:
        raise too_long("requestid", longest)
    asked = hashlib.sha256(call.request.path.encode() + b"\n" + call.request.body).hexdigest()
    known, since = call.company.answered.get(id_), call.at - call.switches.request_id_lives_s
    if known is None or known.at <= since:
        body = _written(call, faults)
        call.company.remember(id_, Remembered(asked, body, call.at), since)
        return body
    if known.asked != asked and call.switches.request_id_reuse == "refused":
        raise request_id_reused()
    return known.body


def _written(call: Call, faults: FindsFaults) -> bytes:
    if call.request.param("operation") is not None:
        raise unsupported(f"operation={call.request.param('operation')}")
    match rest_of(call.request):
        case ["batch"]:
            return _whole(call, batch(call, parse(call.request.body), faults))
        case [name] if name in BY_PATH:
            record = writing.write(call, BY_PATH[name], parse(call.request.body))
            return _whole(call, {record.entity: shown(call.company, record)})
    raise unsupported(call.request.path)
