"""Reading an audience: paged, filtered, sorted, and in windows of time (sheet, section 3.5)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter

from sandbox.mailchimp import paging
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.call import Call, Reply
from sandbox.mailchimp.member import STATUSES, Member
from sandbox.mailchimp.member_view import links, view
from sandbox.mailchimp.problems import FieldError, bad_request, invalid_fields

SORTED_BY = {"timestamp_opt": "opt_at", "timestamp_signup": "signup_at", "last_changed": "changed_at"}
WINDOWS = (("last_changed", "changed_at"), ("timestamp_opt", "opt_at"))
FOR_EVER = 1 << 62


def page(call: Call) -> Reply:
    """The members that fit the filters."""
    audience = call.audience
    found = chosen(audience, call.query)
    members = paging.page(found, call.query, everything=call.in_batch)
    document = {
        "members": [view(audience, member, call.api_root) for member in members],
        "list_id": audience.id,
        "total_items": len(found),
        "_links": links(f"{call.api_root}/lists", f"{audience.id}/members")[:1],
    }
    return call.shown(document)


def chosen(audience: Audience, query: dict[str, str]) -> Sequence[Member]:
    """Members in order; a window on the field they are sorted by is cut out of the order, not searched."""
    by = _order(query)
    found: Sequence[Member] = audience.ordered(by)
    for name, attribute in WINDOWS:
        found = _windowed(
            found, by, attribute, paging.since(query, f"since_{name}"), paging.since(query, f"before_{name}")
        )
    for keep in _filters(query):
        found = [member for member in found if keep(member)]
    return found[::-1] if paging.descending(query) else found


def _order(query: dict[str, str]) -> str:
    field = query.get("sort_field", "")
    if field and field not in SORTED_BY:
        raise invalid_fields([FieldError("sort_field", f"Value must be one of: {', '.join(SORTED_BY)}.")])
    return SORTED_BY.get(field, "web_id")


def _windowed(
    found: Sequence[Member], by: str, attribute: str, after: int | None, before: int | None
) -> Sequence[Member]:
    """Those after the one time and before the other, both excluded, as the description words it."""
    if after is None and before is None:
        return found
    low, high = after if after is not None else 0, before if before is not None else FOR_EVER
    key = attrgetter(attribute)
    if by == attribute:
        return found[bisect_right(found, low, key=key) : bisect_left(found, high, key=key)]
    return [member for member in found if low < key(member) < high]


def _filters(query: dict[str, str]) -> list[Callable[[Member], bool]]:
    filters: list[Callable[[Member], bool]] = []
    status = query.get("status", "")
    if status:
        if status not in STATUSES:
            raise invalid_fields([FieldError("status", f"Value must be one of: {', '.join(STATUSES)}.")])
        filters.append(lambda member: member.status == status)
    unsubscribed_since = paging.since(query, "unsubscribed_since")
    if unsubscribed_since is not None:
        if status != "unsubscribed":
            raise bad_request("unsubscribed_since can only be used with the status unsubscribed.")
        filters.append(lambda member: member.unsubscribed_at > unsubscribed_since)
    if query.get("email_type"):
        filters.append(lambda member: member.email_type == query["email_type"])
    if query.get("unique_email_id"):
        filters.append(lambda member: member.unique_email_id == query["unique_email_id"])
    if query.get("vip_only", "").lower() in ("true", "1"):
        filters.append(lambda member: member.vip)
    return filters
