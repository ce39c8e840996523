"""Every route of the API, by method and template."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sandbox.mailchimp import (
    audiences,
    batch_subscribe,
    batches,
    events,
    feed,
    member_list,
    members,
    merge_fields,
    notes,
    root,
    segments,
    stores,
    tags,
    webhooks,
)
from sandbox.mailchimp.call import Call, Reply
from sandbox.mailchimp.problems import TRIGGERED, Problem, not_found

Handler = Callable[[Call], Reply]
LIST = "/lists/{list_id}"
MEMBER = LIST + "/members/{subscriber_hash}"
NOTE = MEMBER + "/notes/{note_id}"
FIELD = LIST + "/merge-fields/{merge_id}"
SEGMENT = LIST + "/segments/{segment_id}"
HOOK = LIST + "/webhooks/{webhook_id}"
BATCH = "/batches/{batch_id}"
BATCH_HOOK = "/batch-webhooks/{batch_webhook_id}"
STORE = "/ecommerce/stores/{store_id}"
CUSTOMER = STORE + "/customers/{customer_id}"

ROUTES: dict[str, Handler] = {
    "GET /": root.get,
    "GET /ping": root.ping,
    "GET /lists": audiences.page,
    "POST /lists": audiences.create,
    f"GET {LIST}": audiences.get,
    f"PATCH {LIST}": audiences.change,
    f"DELETE {LIST}": audiences.delete,
    f"POST {LIST}": batch_subscribe.post,
    f"GET {LIST}/members": member_list.page,
    f"POST {LIST}/members": members.post,
    f"GET {MEMBER}": members.get,
    f"PUT {MEMBER}": members.put,
    f"PATCH {MEMBER}": members.patch,
    f"DELETE {MEMBER}": members.archive,
    f"POST {MEMBER}/actions/delete-permanent": members.delete_permanent,
    f"GET {MEMBER}/tags": tags.get,
    f"POST {MEMBER}/tags": tags.post,
    f"GET {MEMBER}/events": events.page,
    f"POST {MEMBER}/events": events.create,
    f"GET {MEMBER}/notes": notes.page,
    f"POST {MEMBER}/notes": notes.create,
    f"GET {NOTE}": notes.get,
    f"PATCH {NOTE}": notes.change,
    f"DELETE {NOTE}": notes.delete,
    f"GET {MEMBER}/activity-feed": feed.get,
    f"GET {LIST}/tag-search": tags.search,
    f"GET {LIST}/merge-fields": merge_fields.page,
    f"POST {LIST}/merge-fields": merge_fields.create,
    f"GET {FIELD}": merge_fields.get,
    f"PATCH {FIELD}": merge_fields.change,
    f"DELETE {FIELD}": merge_fields.delete,
    f"GET {LIST}/segments": segments.page,
    f"POST {LIST}/segments": segments.create,
    f"GET {SEGMENT}": segments.get,
    f"PATCH {SEGMENT}": segments.rename,
    f"POST {SEGMENT}": segments.change_members,
    f"DELETE {SEGMENT}": segments.delete,
    f"GET {SEGMENT}/members": segments.members,
    f"POST {SEGMENT}/members": segments.add_member,
    f"DELETE {SEGMENT}/members/{{subscriber_hash}}": segments.remove_member,
    f"GET {LIST}/webhooks": webhooks.page,
    f"POST {LIST}/webhooks": webhooks.create,
    f"GET {HOOK}": webhooks.get,
    f"PATCH {HOOK}": webhooks.change,
    f"DELETE {HOOK}": webhooks.delete,
    "GET /batches": batches.page,
    "POST /batches": batches.create,
    f"GET {BATCH}": batches.get,
    f"DELETE {BATCH}": batches.delete,
    "GET /batch-webhooks": batches.hooks,
    "POST /batch-webhooks": batches.create_hook,
    f"GET {BATCH_HOOK}": batches.get_hook,
    f"PATCH {BATCH_HOOK}": batches.change_hook,
    f"DELETE {BATCH_HOOK}": batches.delete_hook,
    "GET /ecommerce/stores": stores.stores,
    "POST /ecommerce/stores": stores.create_store,
    f"GET {STORE}": stores.get_store,
    f"DELETE {STORE}": stores.delete_store,
    f"GET {STORE}/customers": stores.page,
    f"POST {STORE}/customers": stores.post,
    f"GET {CUSTOMER}": stores.get,
    f"PUT {CUSTOMER}": stores.put,
    f"PATCH {CUSTOMER}": stores.patch,
    f"DELETE {CUSTOMER}": stores.delete,
}
DEEPEST = 12


class Found(NamedTuple):
    """The route of a call and what its template took out of the path."""

    route: str
    params: dict[str, str]


Branch = dict[str, "Branch | str"]


def _grown() -> Branch:
    """The templates as a tree: fixed names before placeholders, the methods as leaves."""
    root_branch: Branch = {}
    for route in ROUTES:
        method, _, template = route.partition(" ")
        branch = root_branch
        for part in filter(None, template.split("/")):
            below = branch.setdefault("{}" if part.startswith("{") else part, {})
            assert isinstance(below, dict)
            branch = below
        branch[" " + method] = route
    return root_branch


class Router:
    """Finds the route of a path; refuses paths that lead nowhere and methods that nobody answers."""

    def __init__(self) -> None:
        self._root = _grown()

    def find(self, method: str, segments: tuple[str, ...]) -> Found:
        if len(segments) > DEEPEST:
            raise TRIGGERED["ResourceNestingTooDeep"]
        branch, values = self._root, []
        for part in segments:
            # What stands for placeholders and methods in the tree is no name a caller could ask for.
            below = None if part == "{}" or part.startswith(" ") else branch.get(part)
            if below is None:
                below = branch.get("{}")
                values.append(part)
            if not isinstance(below, dict):
                raise not_found()
            branch = below
        route = branch.get(" " + method)
        if not isinstance(route, str):
            raise self._no_route(branch)
        names = [part[1:-1] for part in route.split("/") if part.startswith("{")]
        return Found(route, dict(zip(names, values, strict=True)))

    @staticmethod
    def _no_route(branch: Branch) -> Problem:
        if any(name.startswith(" ") for name in branch):
            return Problem(
                405, "Method Not Allowed", "The requested method and resource are not compatible. See the Allow header."
            )
        return not_found()
