"""What a person asks of reconciliations and is told of them, on a real database and as the console's own role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from common.api.refusal import Refusal
from common.metrics import Metrics
from common.state.drift import Drift
from console.api.sync_documents import SyncDetail, sync_detail, sync_document
from console.use_cases.drafting import Drafting
from console.use_cases.hooks import Hooks
from console.use_cases.reconciling import AskedReconciliations
from console.use_cases.syncs import Syncs
from tests.support.database import Database
from tests.support.judged import NOON, Judged, judged_world

RESULT = {
    "records": 200, "moved": 1, "calls": 1, "fields": {"merge.FNAME": 5, "tags": 1}, "cap": 2, "drifted": 5, "missing": 1, "superfluous": 0,
}  # fmt: skip


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Judged]:
    async with judged_world(database) as made:
        yield made


def syncs_of(world: Judged) -> Syncs:
    return Syncs(world.pool, cast("Drafting", None), cast("Hooks", None), world.clock)


async def asked(world: Judged, *, repair: bool = False) -> SyncDetail:
    asking = AskedReconciliations(world.pool, syncs_of(world), world.clock)
    return sync_detail(await asking.ask("s1", "ada", repair=repair))


async def question(world: Judged) -> None:
    await world.execute(
        "insert into flow.reconciliation (sync, entity, due_at, state, began_at, began_by, ended_at, result)"
        " values ('s1', 'customer', $1::timestamptz + interval '9 hours', 'asked', $1, 'schedule', $1, $2)", NOON, RESULT,
    )  # fmt: skip


async def row(world: Judged) -> Any:
    (found,) = await world.rows("select * from flow.reconciliation")
    return found


class TestAsking:
    async def test_has_both_sides_compared_now(self, world: Judged) -> None:
        (told,) = (await asked(world)).reconciliations
        assert (told.leg, told.state, told.ended_at, told.drifted) == ("customer", "wanted", None, 0)
        found = await row(world)
        assert (found["asked_by"], found["due_at"], found["over_cap"]) == ("ada", NOON, False)

    async def test_to_repair_says_so_beforehand(self, world: Judged) -> None:
        await asked(world, repair=True)
        assert (await row(world))["over_cap"]

    async def test_of_a_sync_that_rests_is_refused(self, world: Judged) -> None:
        await world.execute("update core.sync set state = 'paused'")
        with pytest.raises(Refusal, match="SYNC_STATE"):
            await asked(world)

    async def test_of_what_cannot_be_listed_is_refused(self, world: Judged) -> None:
        await world.execute("update core.leg set target_entity = 'note'")
        with pytest.raises(Refusal, match="SYNC_NOT_COMPARED"):
            await asked(world)

    async def test_of_a_stranger_is_refused(self, world: Judged) -> None:
        with pytest.raises(Refusal, match="SYNC_UNKNOWN"):
            await AskedReconciliations(world.pool, syncs_of(world), world.clock).ask("no", "ada", repair=False)


class TestAQuestion:
    async def test_needs_attention_and_says_what_differs(self, world: Judged) -> None:
        await question(world)
        shown = await syncs_of(world).show("s1")
        assert (shown.standing, sync_document(shown).drifted) == ("Needs attention", 6)
        (told,) = sync_detail(shown).reconciliations
        assert (told.state, told.drifted, told.missing, told.cap) == ("asked", 5, 1, 2)
        assert told.fields == {"merge.FNAME": 5, "tags": 1}

    async def test_is_answered_by_repairing(self, world: Judged) -> None:
        await question(world)
        (told,) = (await asked(world, repair=True)).reconciliations
        found = await row(world)
        assert (told.state, found["due_at"], found["over_cap"], found["asked_by"]) == ("repairing", NOON, True, "")

    async def test_stands_until_both_sides_were_compared_again(self, world: Judged) -> None:
        await question(world)
        (told,) = (await asked(world)).reconciliations
        assert (told.state, (await row(world))["state"]) == ("wanted", "asked")


class TestTheMetrics:
    async def test_tell_the_drift_of_a_sync_by_kind_and_by_field(self, world: Judged) -> None:
        await question(world)
        metrics = Metrics()
        await Drift(world.pool, metrics).tell()
        assert drift(metrics) == {
            'records{kind="drifted",sync="s1"}': 5.0,
            'records{kind="missing",sync="s1"}': 1.0,
            'records{kind="superfluous",sync="s1"}': 0.0,
            'fields{field="merge.FNAME",sync="s1"}': 5.0,
            'fields{field="tags",sync="s1"}': 1.0,
        }

    async def test_tell_a_field_that_drifts_no_more_no_more(self, world: Judged) -> None:
        await question(world)
        metrics = Metrics()
        told = Drift(world.pool, metrics)
        await told.tell()
        await world.execute(
            "update flow.reconciliation set result = $1", RESULT | {"fields": {}, "drifted": 0, "missing": 0}
        )
        await told.tell()
        assert set(drift(metrics).values()) == {0.0} and len(drift(metrics)) == 3

    async def test_tell_nothing_of_a_sync_that_was_never_compared(self, world: Judged) -> None:
        await asked(world)
        metrics = Metrics()
        await Drift(world.pool, metrics).tell()
        assert drift(metrics) == {}


def drift(metrics: Metrics) -> dict[str, float]:
    shown = (line.rpartition(" ") for line in metrics.exposition()[0].decode().splitlines())
    start = "millrace_drift_"
    return {name.removeprefix(start): float(value) for name, _, value in shown if name.startswith(start)}
