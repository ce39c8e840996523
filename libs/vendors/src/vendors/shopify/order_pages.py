"""An order of any size: what one question does not hold comes in pages, all of one version or none.

Its lines and deliveries, and what each refund gave back, are lists with pages of their own. Whoever changes the order between two pages moves its
stamp, and then it is read again from its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.failures import Transient
from common.http.call import Api
from vendors.answers import reading
from vendors.shopify import queries, wire
from vendors.shopify.client import asked, told
from vendors.shopify.errors import SH_ORDER_CHANGING

Found = Mapping[str, Any]


async def whole(found: Found, api: Api) -> Found:
    """The order with every row of every list."""
    stamp = str(found["updated_at"])
    full = await _completed(found, queries.ORDER_PAGES, stamp, api)
    back = [await _completed(one, queries.REFUND_PAGES, stamp, api) for one in wire.rows(found.get("refunds"))]
    return {**full, "refunds": back}


async def _completed(owner: Found, pages: Mapping[str, str], stamp: str, api: Api) -> Found:
    lists = {name: await _all(owner, name, question, stamp, api) for name, question in pages.items()}
    return {**owner, **lists}


async def _all(owner: Found, name: str, question: str, stamp: str, api: Api) -> Found:
    """One list of one owner, from where the first look left off."""
    rows, page = list(wire.rows(owner[name])), owner[name]["pageInfo"]
    while page["hasNextPage"]:
        answer = await api.call(asked(question, f"orders.{name}", id=owner["id"], after=page["endCursor"]))
        with reading(answer):
            more = told(answer)["owner"] or {}
            if (more.get("order") or more).get("updated_at") != stamp:
                raise Transient(SH_ORDER_CHANGING.name, SH_ORDER_CHANGING.meaning)
            rows += wire.rows(more["rows"])
            page = {
                "hasNextPage": more["rows"]["pageInfo"]["hasNextPage"],
                "endCursor": more["rows"]["pageInfo"]["endCursor"],
            }
    return {"nodes": rows, "pageInfo": page}
