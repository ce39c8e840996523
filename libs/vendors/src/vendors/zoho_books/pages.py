"""The rows of a list of Books, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from common.http.call import Api, Call
from vendors.answers import reading
from vendors.zoho_books import wire
from vendors.zoho_books.listing import PER_PAGE

_MOST_PAGES = 250


async def listed(
    api: Api, path: str, key: str, *, query: Mapping[str, str] | None = None, most_pages: int = _MOST_PAGES
) -> AsyncIterator[Mapping[str, Any]]:
    for page in range(1, most_pages + 1):
        chosen = {"page": str(page), "per_page": str(PER_PAGE), **(query or {})}
        answer = await api.call(Call("GET", path, f"{key}.list", query=chosen))
        with reading(answer):
            body = wire.body_of(answer.body)
            rows, more = list(body[key]), bool((body.get("page_context") or {}).get("has_more_page"))
        for row in rows:
            yield row
        if not more:
            return
