"""Bulk operations worked off by the clock, and the file of JSON lines they leave (sheet, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
from graphql import execute_sync

from sandbox.shopify.bodies import moment
from sandbox.shopify.bulk import BulkOperation
from sandbox.shopify.bulk_intake import document_of
from sandbox.shopify.call import Call, Document
from sandbox.shopify.reading import Queries
from sandbox.shopify.resolving import Reader
from sandbox.shopify.schema import schema

RESULTS_KEPT = timedelta(days=7)


def due(operation: BulkOperation, now: datetime, seconds: float) -> bool:
    if operation.status == "CREATED":
        operation.status = "RUNNING"
    return operation.status == "RUNNING" and now >= operation.created_at + timedelta(seconds=seconds)


def finish(call: Call, operation: BulkOperation) -> None:
    """Run the query over whole lists, and leave its lines."""
    reader = Reader(whole=True)
    done = execute_sync(schema(), document_of(operation.query), Queries(), call, field_resolver=reader.resolve)
    operation.completed_at = call.now
    if done.errors:
        operation.status, operation.error_code = "FAILED", "ACCESS_DENIED"
    else:
        keep(call, operation, rows_of(done.data, grouped=operation.grouped))
    call.note("bulk_operation", operation.number, "update")
    call.tell("BULK_OPERATIONS_FINISH", finished(operation))


def keep(call: Call, operation: BulkOperation, rows: list[Document]) -> None:
    operation.status = "COMPLETED"
    operation.object_count = len(rows)
    operation.root_object_count = sum(1 for row in rows if "__parentId" not in row)
    if not rows:
        return
    name = f"bulk-{operation.number}.jsonl"
    call.shop.files[name] = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    operation.file_size = len(call.shop.files[name])
    operation.url = f"{operation.base_url}/shopify/{call.shop.handle}/files/{name}"


def rows_of(data: Any, *, grouped: bool) -> list[Document]:
    """One line for each object. Ungrouped, all children come after all parents."""
    rows = [row for name in data or {} for node in nodes_of(data[name]) for row in lines_of(node, None)]
    return rows if grouped else sorted(rows, key=lambda row: "__parentId" in row)


def nodes_of(found: Any) -> list[Any]:
    if not isinstance(found, dict):
        return []
    if "nodes" in found:
        return list(found["nodes"])
    return [edge["node"] for edge in found.get("edges", ())]


def lines_of(node: Document, parent: str | None) -> Iterator[Document]:
    lists = {name: value for name, value in node.items() if isinstance(value, dict) and {"nodes", "edges"} & set(value)}
    own = {name: value for name, value in node.items() if name not in lists}
    yield own | ({"__parentId": parent} if parent is not None else {})
    for found in lists.values():
        for child in nodes_of(found):
            yield from lines_of(child, node.get("id", ""))


def finished(operation: BulkOperation) -> Document:
    return {
        "admin_graphql_api_id": operation.id,
        "status": operation.status.lower(),
        "error_code": operation.error_code.lower() if operation.error_code else None,
        "type": operation.type.lower(),
        "created_at": moment(operation.created_at),
        "completed_at": moment(operation.completed_at),
    }
