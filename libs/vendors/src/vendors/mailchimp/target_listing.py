"""All members of one audience with their fields and tags, a thousand a call: what a look at each of them would show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from common.failures import Failure
from common.http.call import Api
from vendors.mailchimp import wire
from vendors.mailchimp.listing import TOLD, MemberReading
from vendors.mailchimp.members import key_of
from vendors.target_listing import TargetPage
from vendors.target_record import TargetRecord
from vendors.vendor import Cursor

SHOWN = (*TOLD, "id", "contact_id", "tags", "tags_count", "language", "source", "timestamp_signup", "timestamp_opt")


class MemberListing:
    """Lists members as their writer knows them."""

    async def pages(self, place: str, since: str, api: Api) -> AsyncIterator[TargetPage]:
        """In the order of their last change, so that nobody slips who is changed meanwhile."""
        reader = MemberReading(place, Cursor(since) if since else None, SHOWN)
        while not reader.over:
            call = replace(reader.call(), priority="backfill")
            page = reader.page(await api.call(call))
            shown = {key_of(row["email_address"]): _shown(row) for row in reader.rows}
            there = {key: one for key, one in shown.items() if one is not None}
            yield TargetPage(there, page.next or "", frozenset(shown.keys() - there.keys()))


def _shown(row: Mapping[str, Any]) -> TargetRecord | None:
    """None where a look would show more: a list shows fifty tags."""
    try:
        record = wire.member(row)
    except (Failure, LookupError, TypeError, ValueError, AttributeError):
        return None
    return replace(record, stamp=record.memory[wire.CHANGED_AT]) if "tags" in record.seen else None
