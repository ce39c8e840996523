"""Orders that a webhook has told of, but for their transactions: one question asks the rest of many (decision 57).

An answer of the webhook's own version completes it to what a read of the whole order tells; an order that has changed since is read as a whole.
The rest of an order costs some twenty points, the whole of a small one seventy, after five hundred that have to be in the bucket.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from common.contracts.messages import Version
from common.failures import Bug, Failure, Rejected
from common.http.call import Api, VendorAnswer
from vendors.shopify import queries, wire
from vendors.shopify.client import asked, told
from vendors.shopify.orders import rest
from vendors.vendor import State, Subject

# One second of resolution and one between the write and what a read by id shows.
SETTLES_AFTER = timedelta(seconds=2)
# Of one question.
MOST = 20
Answers = Sequence[State | Failure]


async def read(
    subjects: Sequence[Subject], api: Api, whole: Callable[[Sequence[Subject]], Awaitable[Answers]]
) -> Answers:
    """One answer a subject, in their order; `whole` reads those of which the rest is not enough."""
    heard = [at for at, one in enumerate(subjects) if one.heard is not None]
    found: dict[int, State | Failure] = {}
    for first in range(0, len(heard), MOST):
        some = heard[first : first + MOST]
        rests = zip(some, await _rests([subjects[at] for at in some], api), strict=True)
        found |= {at: answer for at, answer in rests if answer is not None}
    left = [at for at in range(len(subjects)) if at not in found]
    found |= dict(zip(left, await whole([subjects[at] for at in left]) if left else (), strict=True))
    return [found[at] for at in range(len(subjects))]


async def _rests(subjects: Sequence[Subject], api: Api) -> Sequence[State | Failure | None]:
    """None where the order is another one by now, is gone, or spoils the question of all."""
    ids = {f"o{at}": wire.gid("Order", one.record) for at, one in enumerate(subjects)}
    try:
        answer = await api.call(asked(queries.rests(len(subjects)), "orders.rests", **ids))
        found = told(answer)
    except (Rejected, Bug):
        return [None] * len(subjects)
    except Failure as failure:
        return [failure] * len(subjects)
    return [_completed(one, found.get(f"o{at}"), answer) for at, one in enumerate(subjects)]


def _completed(subject: Subject, found: Any, answer: VendorAnswer) -> State | None:
    heard, moment = subject.heard, wire.stamp(found) if isinstance(found, Mapping) else None
    if heard is None or moment is None or moment != heard.version.stamp:
        return None
    try:
        fields = {**heard.fields, **wire.fields(subject.entity, found, rest)}
    except wire.UnreadableBody:
        return None
    version = Version(stamp=moment, settled=answer.date >= moment + SETTLES_AFTER)
    return State(subject.entity, subject.record, "changed", version, "detail", fields, answer.date)
