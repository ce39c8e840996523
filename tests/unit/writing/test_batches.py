"""Which acts share a call."""

from datetime import UTC, datetime
from uuid import uuid4

from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import Lane
from vendors.acts import Act
from writing.calls import batches
from writing.claimed import Claimed
from writing.items import Item, ItemKey
from writing.owners import Ownership


def row(place: str = "list") -> Claimed:
    key = ItemKey(SyncId("s"), Entity("customer"), RecordId("1"))
    item = Item(key, ConnectionId("b"), "b", Entity("customer"), ConnectionId("c"), "c", place, Entity("member"), 1, "present", "", {}, 1, "k", Lane.LIVE, "", "", datetime(2026, 1, 1, tzinfo=UTC), "", 0, "", uuid4())  # fmt: skip
    return Claimed(item, Ownership(), {})


class TestBatches:
    def test_hold_as_many_as_the_call_takes(self) -> None:
        acts = [(row(), Act("create", str(n), {}, batch="create", most=500)) for n in range(1201)]
        assert [len(batch) for batch in batches(acts)] == [500, 500, 201]

    def test_never_mix_places_or_kinds_and_leave_the_rest_alone(self) -> None:
        acts = [
            (row("a"), Act("create", "1", {}, batch="create", most=500)),
            (row("b"), Act("create", "2", {}, batch="create", most=500)),
            (row("a"), Act("give:x", "3", {}, batch="tag:x", most=500)),
            (row("a"), Act("take:x", "4", {}, batch="tag:x", most=500)),
            (row("a"), Act("update", "5", {})),
            (row("a"), Act("update", "6", {})),
        ]
        assert sorted([act.key for _, act in batch] for batch in batches(acts)) == [
            ["1"],
            ["2"],
            ["3", "4"],
            ["5"],
            ["6"],
        ]
