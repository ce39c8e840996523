"""What targets have told of a customer: how its members stand, and what happened to them, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from common.api.refusal import Refusal
from common.contracts.ids import RecordId
from common.state import pool as state
from common.state.activity import Activity, TargetMember, ToldCustomer, memberships
from common.state.merged_records import merged_into
from console import codes, record_codes
from console.state import activities as rows
from console.use_cases.records import unknown_record


class CustomerActivity(NamedTuple):
    """A customer, its members, and a page of what happened to them."""

    customer: ToldCustomer
    members: Sequence[TargetMember]
    rows: Sequence[Activity]
    after: tuple[str, ...] | None
    merged_into: str | None


class Activities:
    """Lists what happened."""

    def __init__(self, pool: state.Pool) -> None:
        self._pool = pool

    async def list(
        self, record: str, connection: str, entity: str, since: datetime | None, after: tuple[str, ...] | None, limit: int
    ) -> CustomerActivity:  # fmt: skip
        """A page of one customer's; who has none has an empty one."""
        async with state.connection(self._pool) as link:
            found = await rows.customers(link, record, connection, entity)
            if not found:
                raise unknown_record(record)
            if len(found) > 1:
                named = ", ".join(f"{one.connection} ({one.entity})" for one in found[:10])
                raise Refusal(409, record_codes.CUSTOMER_NOT_ONE, f"{record[:64]} is in {named}.")
            (one,) = found
            page = await rows.page(link, one, _zoned(since), _begins(after), limit + 1)
            survivor = await merged_into(link, *one)
            its = await memberships(link, one.connection, one.entity, [RecordId(one.record)])
        last = page[limit - 1] if len(page) > limit else None
        more = (last.at.isoformat(), str(last.event_id)) if last else None
        return CustomerActivity(one, its.get(one.record, []), page[:limit], more, survivor)


def _zoned(since: datetime | None) -> datetime | None:
    """A time without an offset is UTC."""
    return since.replace(tzinfo=UTC) if since is not None and since.tzinfo is None else since


def _begins(after: tuple[str, ...] | None) -> tuple[datetime, str] | None:
    if after is None:
        return None
    try:
        at = datetime.fromisoformat(after[0])
    except ValueError as wrong:
        raise Refusal(422, codes.CURSOR_INVALID) from wrong
    if at.tzinfo is None:
        raise Refusal(422, codes.CURSOR_INVALID)
    return at, after[1]
