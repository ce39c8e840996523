"""The three calls of the ledger, and the forms in which it shows records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from common.failures import Failure
from common.http.call import Api, Call, VendorAnswer
from tests.support.ledger.vendor import errors
from vendors.acts import Sending

ROWS = 50
_OWN = frozenset({"id", "token", "modified", "author"})
Record = Mapping[str, Any]


async def read(api: Api, place: str, entity: str, ids: Sequence[str]) -> list[Record | None]:
    """By id; what was just written is there."""
    return list(orjson.loads((await api.call(_call(place, entity, "read", {"ids": list(ids)}))).body)["records"])


async def find(api: Api, place: str, entity: str, field: str, values: Sequence[str]) -> dict[str, list[Record]]:
    """By a field; what it finds lags behind the writes."""
    answer = await api.call(_call(place, entity, "find", {"field": field, "values": list(values)}))
    return dict(zip(values, orjson.loads(answer.body)["found"], strict=True))


async def write(
    api: Api, place: str, entity: str, rows: Sequence[Mapping[str, Any]], sending: Sending
) -> tuple[list[Record | Failure], VendorAnswer]:
    """One record or refusal a row."""
    answer = await api.call(_call(place, entity, "write", {"rows": list(rows)}, sending))
    told = orjson.loads(answer.body)["rows"]
    if len(told) != len(rows):
        raise ValueError(len(told))
    return [one["record"] if "record" in one else errors.of_row(one["error"]) for one in told], answer


async def organisations(api: Api) -> list[Record]:
    return list(orjson.loads((await api.call(Call("GET", "/organisations", "organisations"))).body)["organisations"])


def fields(record: Record) -> dict[str, Any]:
    """What a record says, without what the ledger says of it."""
    return {name: value for name, value in record.items() if name not in _OWN}


def stamp(record: Record) -> datetime:
    return datetime.fromtimestamp(record["modified"], UTC)


def _call(place: str, entity: str, what: str, body: Mapping[str, Any], sending: Sending | None = None) -> Call:
    return Call(
        "POST", f"/{{place}}/{entity}/{what}", f"{entity}.{what}", path={"place": place}, json=body, writes=sending is not None,
        priority=sending.priority if sending else "live", before_send=sending.before_send if sending else None,
    )  # fmt: skip
