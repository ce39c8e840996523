"""Up to thirty operations in one call (sheet, section 3.4): HTTP 200 whatever became of them, and in no promised order."""

from __future__ import annotations

import json
from typing import Any, Protocol

from sandbox.faults import Fault
from sandbox.quickbooks import query, writing
from sandbox.quickbooks.call import Call
from sandbox.quickbooks.entities import WRITABLE
from sandbox.quickbooks.refusals import (
    OFFLINE,
    Document,
    Refusal,
    breaks_a_rule,
    invalid,
    missing,
    too_long,
    too_many,
    unsupported,
)
from sandbox.quickbooks.views import shown

MOST = 30
LONGEST_BID = 10  # beside a request id
VENDOR = "quickbooks"


class FindsFaults(Protocol):
    """The faults in force for one operation that is not a call of its own."""

    def of_operation(self, vendor: str, account: str, method: str, path: str, body: bytes) -> list[Fault]: ...


def batch(call: Call, document: Document, faults: FindsFaults) -> Document:
    items = document.get("BatchItemRequest")
    if not isinstance(items, list) or not items:
        raise missing("BatchItemRequest")
    if len(items) > MOST:
        raise breaks_a_rule(f"A batch has {MOST} items at most")
    _check_ids(call, items)
    # The last first: nobody may rely on the order of independent items.
    return {"BatchItemResponse": [_answer(call, item, faults) for item in reversed(items)]}


def _check_ids(call: Call, items: list[Any]) -> None:
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("bId"), str) or not item["bId"]:
            raise missing("bId")
        if call.request.param("requestid") and len(item["bId"]) > LONGEST_BID:
            raise too_long("bId", LONGEST_BID)
    if len({item["bId"] for item in items}) < len(items):
        raise invalid("Property Name:bId is there twice", "bId")


def _answer(call: Call, item: Document, faults: FindsFaults) -> Document:
    told: Document = {"bId": item["bId"]}
    try:
        return told | _item(call, item, faults)
    except Refusal as refusal:
        return told | {"Fault": refusal.fault}


def _item(call: Call, item: Document, faults: FindsFaults) -> Document:
    if "Query" in item:
        return _query(call, item["Query"])
    entity = next((name for name in WRITABLE if name in item), None)
    if entity is None or item.get("operation") not in ("create", "update"):
        raise unsupported(str(item.get("operation")))
    body = item[entity]
    if not isinstance(body, dict):
        raise invalid(f"Property Name:{entity} must be an object", entity)
    if (body.get("Id") is None) != (item["operation"] == "create"):
        raise missing("Id") if item["operation"] == "update" else invalid("Property Name:Id is not for new ones", "Id")
    path, account = f"/{entity.lower()}", call.company.account
    struck = {
        one.kind: one
        for one in faults.of_operation(VENDOR, account, "POST", path, json.dumps(body, default=str).encode())
    }
    _strike(struck, "storm_429", "status")
    record = writing.write(call, entity, body)
    _strike(struck, "half_commit")
    return {entity: shown(call.company, record)}


def _strike(struck: dict[str, Fault], *kinds: str) -> None:
    """A single item can be throttled, or fail, inside an answer that is 200."""
    for kind in kinds:
        if kind == "storm_429" and kind in struck:
            raise too_many()
        if kind in struck:
            words = "An application error has occurred while processing your request"
            raise Refusal(200, "10000", words, struck[kind].body, kind="SystemFault")


def _query(call: Call, text: object) -> Document:
    if not isinstance(text, str):
        raise invalid("Property Name:Query must be a text", "Query")
    if call.reads_left is not None and call.reads >= call.reads_left:
        raise too_many(detail=OFFLINE)
    told = query.answered(call, text)
    call.reads += 1
    return {"QueryResponse": told}
