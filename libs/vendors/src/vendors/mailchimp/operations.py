"""Changes of existing members by the vendor's asynchronous operations (sheet, section 5).

Only changes without a status go this way: each is a PATCH, so it makes nobody and leaves whoever has left meanwhile as they are. Nobody
knows when it runs, so nothing that copies, withdraws or restores a consent may wait here (decision 40).

One hand-in is up to five hundred operations; the vendor runs one hand-in of an account at a time. That it has ended says nothing about
success: each operation has its own status in an archive, which lies with a store of files at an address that is good for ten minutes.
An operation is known by its id, which begins with the name of our call: so a hand-in whose answer was lost is recognised by its results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from common.failures import Failure, Unknown
from common.http.call import Api, Call, VendorAnswer
from vendors.acts import Act, Answered, Sending, Verdict
from vendors.mailchimp import archive, errors, verdicts, wire
from vendors.mailchimp.errors import MC_NOT_TOLD
from vendors.mailchimp.members import subscriber_hash
from vendors.mailchimp.memory import STANDING

BATCHES, BATCH = "/batches", "/batches/{batch_id}"
# As many hand-ins as one page shows: more than may be pending and are kept of a week's.
LISTED = 1000
# How far the vendor's clock may be from ours.
SKEW = timedelta(minutes=2)


class Operations:
    """Hands changes in, and reads what came of them."""

    least, most = 200, 500
    # The vendor names no time, and works on other hand-ins of the account first. Beyond an hour looks tell more than waiting does.
    longest = timedelta(hours=1)

    def takes(self, act: Act) -> bool:
        """A change that carries no status; those that may share a synchronous call are better off there."""
        return act.action == "update" and not act.batch and STANDING not in act.values

    async def hand_in(self, place: str, name: str, acts: Sequence[Act], api: Api, sending: Sending) -> str:
        body = {"operations": [_operation(place, name, act) for act in acts]}
        call = Call(
            "POST", BATCHES, "batches.create", json=body, writes=True, priority=sending.priority, before_send=sending.before_send
        )  # fmt: skip
        answer = await api.call(call)
        with wire.reading(answer.body):
            return str(wire.document(answer.body)["id"])

    async def find(self, name: str, size: int, since: datetime, api: Api) -> str | None:
        """Listings show no operations: one of our size and time that has ended tells by its results whether it is the one."""
        query = {"count": str(LISTED), "exclude_fields": "_links,batches._links"}
        answer = await api.call(Call("GET", BATCHES, "batches.list", query=query))
        told = wire.document(answer.body)
        with wire.reading(answer.body):
            likely = [one for one in told["batches"] if _may_be(one, size, since)]
            sure = int(told["total_items"]) <= LISTED
        for one in likely:
            if one["status"] != "finished":
                sure = False
            elif any(id.startswith(f"{name}.") for id in await _results(one, api)):
                return str(one["id"])
        return "" if sure else None

    async def results(self, place: str, handle: str, name: str, acts: Sequence[Act], api: Api) -> Answered | None:
        answer = await api.call(_of(handle, "GET", "batches.read"))
        told = wire.document(answer.body)
        with wire.reading(answer.body):
            if told["status"] != "finished":
                return None
        rows = await _results(told, api)
        return Answered([_verdict(rows.get(_id(name, act)), answer) for act in acts], answer)

    async def call_off(self, handle: str, api: Api) -> None:
        try:
            await api.call(_of(handle, "DELETE", "batches.delete"))
        except Failure as failure:
            if failure.vendor_status != 404:
                raise


def _of(handle: str, method: str, operation: str) -> Call:
    query = {"exclude_fields": "_links"} if method == "GET" else {}
    return Call(method, BATCH, operation, path={"batch_id": handle}, query=query, writes=method != "GET")


def _operation(place: str, name: str, act: Act) -> dict[str, Any]:
    """A body is a text of JSON: an object in its place is taken, and fails only when it runs."""
    return {
        "method": "PATCH",
        "path": f"/lists/{place}/members/{subscriber_hash(act.key)}",
        "operation_id": _id(name, act),
        "params": {"exclude_fields": "_links"},
        "body": orjson.dumps(wire.change("", act.values)).decode(),
    }


def _id(name: str, act: Act) -> str:
    return f"{name}.{subscriber_hash(act.key)}"


def _may_be(one: Mapping[str, Any], size: int, since: datetime) -> bool:
    at = datetime.fromisoformat(str(one["submitted_at"]))
    return int(one["total_operations"]) == size and at >= since - SKEW


async def _results(told: Mapping[str, Any], api: Api) -> Mapping[str, archive.Result]:
    call = Call("GET", f"{BATCH}/results", "batches.results", file=str(told.get("response_body_url") or ""))
    if not call.file:
        raise errors.unreadable(b"")
    return archive.results((await api.call(call)).body)


def _verdict(row: archive.Result | None, answer: VendorAnswer) -> Verdict:
    """By the same table as a whole answer; what has no row may have run or not."""
    if row is None:
        return Unknown(MC_NOT_TOLD.name, MC_NOT_TOLD.meaning, complete=True)
    failure = errors.translate(row.status, {}, row.body, answer.date)
    if failure is not None:
        return verdicts.of_one(failure)
    try:
        return verdicts.shown(row.body)
    except Failure as odd:
        return odd
