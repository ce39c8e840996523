"""Pages: by number for the first 2,000 records, by token up to 100,000 (sheet, section 3)."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from sandbox.zoho_crm.call import Call
from sandbox.zoho_crm.organisation import PageToken
from sandbox.zoho_crm.record import Record
from sandbox.zoho_crm.refusals import Refusal, bad_param

MOST = 200
BY_NUMBER = 2_000
BY_TOKEN = 100_000
TOKEN_LIVES = 86_400
REMEMBERED = 10_000


class Page(NamedTuple):
    """A page and its neighbours."""

    rows: list[Record]
    number: int
    per_page: int
    more: bool
    following: str | None = None
    former: str | None = None
    expiry: str | None = None


def paged(call: Call, found: list[Record], most: int = MOST) -> Page:
    """The page that was asked for. A token stands for a position: what is deleted meanwhile moves later rows up."""
    per_page = whole(call, "per_page", most)
    if per_page > most:
        raise bad_param("per_page")
    token = call.param("page_token")
    if token:
        offset = _offset_of(call, token)
    else:
        offset = (whole(call, "page", 1) - 1) * per_page
        if offset + per_page > BY_NUMBER:
            words = "the maximum limit for discrete pagination is reached"
            raise Refusal(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", words, limit=BY_NUMBER)
    ends = offset + per_page
    rows, more = found[offset:ends], len(found) > ends
    following = _token(call, ends) if more else None
    former = _token(call, offset - per_page) if token and offset >= per_page else None
    expiry = call.org.stamp(call.now + TOKEN_LIVES) if following or former else None
    return Page(rows, offset // per_page + 1, per_page, more, following, former, expiry)


def whole(call: Call, name: str, default: int) -> int:
    """A number of at least one in the query."""
    text = call.param(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= 10**8:
        raise bad_param(name)
    return int(text)


def _asked(call: Call) -> str:
    """What a token is bound to: everything but the position itself."""
    pairs = sorted((name, value) for name, value in call.request.query if name not in ("page", "page_token"))
    return f"{call.request.path}?{pairs}&{call.header('if-modified-since')}"


def _token(call: Call, offset: int) -> str:
    asked = _asked(call)
    token = hashlib.sha256(f"{call.org.id} {call.user.id} {asked} {offset} {call.now}".encode()).hexdigest()[:48]
    if len(call.org.page_tokens) >= REMEMBERED:
        call.org.page_tokens = {one: kept for one, kept in call.org.page_tokens.items() if kept.expires > call.now}
    call.org.page_tokens[token] = PageToken(call.user.id, asked, offset, call.now + TOKEN_LIVES)
    return token


def _offset_of(call: Call, token: str) -> int:
    found = call.org.page_tokens.get(token)
    if found is None:
        raise bad_param("page_token")
    if found.expires <= call.now:
        raise Refusal(400, "EXPIRED_VALUE", "The page token is expired", param_name="page_token")
    if (found.user_id, found.asked) != (call.user.id, _asked(call)):
        words = "the given page_token is not valid for these parameters"
        raise Refusal(400, "TOKEN_BOUND_DATA_MISMATCH", words, param_name="page_token")
    if found.offset >= BY_TOKEN:
        words = "the maximum limit for pagination is reached"
        raise Refusal(400, "PAGINATION_LIMIT_EXCEEDED", words, limit=BY_TOKEN, param_name="page_token")
    return found.offset
