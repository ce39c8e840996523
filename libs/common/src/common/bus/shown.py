"""What may be shown of a record: its envelope in full, of a customer's values only those that identify nobody.

The list is of what is harmless: a field that nobody thought of is hidden, not shown.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from common.bus.record import RawRecord
from common.redaction import redact_text
from common.secret import HIDDEN

# Of our messages, what the envelope says; the rest (`fields`, `document`, `body`, `headers`, `path`, `query`) is content.
_ENVELOPE = frozenset(
    [
        "id",
        "connection",
        "vendor",
        "entity",
        "record",
        "kind",
        "version",
        "coverage",
        "observed_at",
        "via",
        "lane",
        "run",
        "receipt",
        "sync",
        "source",
        "target",
        "place",
        "revision",
        "mapping_version",
        "wish",
        "skip",
        "event",
        "happened_at",
        "replay",
        "method",
        "received_at",
        "verified_by",
    ]
)
# Of neutral records and target documents, what says nothing about who it is.
_HARMLESS = frozenset(
    [
        "status",
        "kind",
        "currency",
        "exchange_rate",
        "issued_on",
        "due_on",
        "paid_on",
        "placed_at",
        "cancelled_at",
        "created_at",
        "updated_at",
        "happened_at",
        "financial_status",
        "method",
        "quantity",
        "rate",
        "sku",
        "subtotal",
        "tax",
        "shipping",
        "discount",
        "adjustment",
        "total",
        "balance",
        "amount",
        "shop",
        "presentment",
        "presentment_currency",
        "fulfilment_status",
        "outstanding",
        "customer_id",
        "number",
        "status_if_new",
    ]
)
_HEADERS = ("ce_", "content-type", "traceparent", "tracestate", "err_")


def shown(record: RawRecord, *, unmask: bool) -> dict[str, Any]:
    """A record as one JSON object; without `unmask` it names nobody."""
    key = None if record.key is None else record.key.decode("utf-8", "backslashreplace")
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "time": record.at.isoformat(timespec="milliseconds"),
        "key": key if unmask or key is None else redact_text(key),
        "headers": [[name, _header(name, value, unmask=unmask)] for name, value in record.headers],
        "value": _value(record.value, unmask=unmask),
    }


def masked(message: object) -> object:
    """A message's JSON with everything hidden but its envelope and the harmless fields of its content."""
    if not isinstance(message, Mapping):
        return _content("", message)
    return {name: value if name in _ENVELOPE else _content(name, value) for name, value in message.items()}


def _content(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        # A person named the fields under `custom`: their names promise nothing.
        return {key: _content("" if name == "custom" else str(key), part) for key, part in value.items()}
    if isinstance(value, list):
        return [_content(name, part) for part in value]
    if value is None or isinstance(value, bool) or value == "" or name in _HARMLESS:
        return value
    return HIDDEN


def _value(value: bytes | None, *, unmask: bool) -> object:
    if value is None:
        return None
    try:
        message = orjson.loads(value)
    except orjson.JSONDecodeError:
        return _bytes(value) if unmask else f"<{len(value)} bytes, not JSON>"
    return message if unmask else masked(message)


def _header(name: str, value: bytes | None, *, unmask: bool) -> object:
    if value is None:
        return None
    known = name.startswith(_HEADERS)
    return _bytes(value) if known or unmask else f"<{len(value)} bytes>"


def _bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(value).decode("ascii")
