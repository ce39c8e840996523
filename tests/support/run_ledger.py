"""The run ledger as tests look at it: letting changes in as the mapper does, and what it should say by another count.

The other count goes by the journal and the sandbox's own log, and knows nothing of lines, rounds and slots.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from common.contracts.messages import WriteCommand
from common.state import runs
from common.state.pool import transaction
from common.state.runs import Entering, LineKey, Run
from tests.support.writing import World


async def let_in(world: World, *commands: WriteCommand) -> None:
    """As the mapper does when it raises these revisions."""
    now = world.clock.now()
    run = {one.sync: runs.live_run(one.sync, now) for one in commands}
    lines = [
        Entering(run[c.sync], LineKey(c.sync, c.entity, c.record, c.revision), otherwise=run[c.sync]) for c in commands
    ]
    async with transaction(world.pool) as tx:
        await runs.enter(tx, lines, now, runs=[Run(id, sync, "live", "webhook") for sync, id in run.items()])


async def counts(world: World, sync: str = "s1", kind: str = "live") -> dict[str, int]:
    """Of all runs of a kind; their books close, and the counts are those of the lines."""
    rows = await world.rows(
        """select c.outcome, sum(c.records)::int as n from flow.run_count c join flow.run r on r.id = c.run
            where r.sync = $1 and r.kind = $2 group by 1 having sum(c.records) <> 0""",
        sync, kind,
    )  # fmt: skip
    found = {row["outcome"]: row["n"] for row in rows}
    assert found.get("entered", 0) == sum(n for outcome, n in found.items() if outcome != "entered"), found
    lines = await world.rows("select run, outcome, count(*)::int as n from flow.run_record group by 1, 2")
    counted = await world.rows(
        """select run, outcome, sum(records)::int as n from flow.run_count where outcome <> 'entered'
            group by 1, 2 having sum(records) <> 0"""
    )
    assert {tuple(row)[:2]: row["n"] for row in lines} == {tuple(row)[:2]: row["n"] for row in counted}
    return found


def wished(command: WriteCommand) -> str:
    """What becomes of the record: it is there, or is archived, marked, left or kept."""
    return str(command.document.get("how", command.wish)) if command.wish == "absent" else command.wish


async def disagreements(world: World, wishes: dict[tuple[str, str, int], str]) -> dict[tuple[str, str, int], Any]:
    """Of the revisions that were let in with these wishes: what the ledger says, and what the journal does, where they differ.

    The journal is silent about what was passed over while somebody worked on the record, and about a wish that the write of an older one
    had fulfilled already: the newest wish of a record cannot be the first.
    """
    rows = await world.rows("select sync, record, revision, outcome from flow.run_record where round = 0")
    said = {(row["sync"], row["record"], row["revision"]): row["outcome"] for row in rows}
    told: dict[tuple[str, str, int], list[Any]] = defaultdict(list)
    for row in await world.rows(
        "select sync, record, revision, step, details from flow.journal where sync <> '' order by id"
    ):
        told[row["sync"], row["record"], row["revision"]].append(row)
    newest = {(sync, record): revision for sync, record, revision in sorted(wishes)}
    found: dict[tuple[str, str, int], Any] = {}
    for key, wish in wishes.items():
        end = _end(told[key], wish)
        silent = {"unchanged"} if newest[key[:2]] == key[2] else {"unchanged", "superseded"}
        if said.get(key) not in ({end} if end else silent):
            found[key] = (said.get(key), end, [row["step"] for row in told[key]])
    return found


def _end(rows: list[Any], wish: str) -> str:
    actions = {row["details"]["action"] for row in rows if row["step"] == "applied"}
    last = next(
        (row["step"] for row in reversed(rows) if row["step"] in ("skipped", "unchanged", "dead", "parked")), ""
    )
    if last in ("dead", "parked"):
        return "failed"
    if "create" in actions:
        return "added"
    if actions:
        return "removed" if actions == {"archive"} and wish == "archive" else "updated"
    steps = {row["step"] for row in rows}
    return last or ("superseded" if "superseded" in steps else "")


def created(world: World) -> int:
    """How many members the vendor has made for us, by its own log."""
    return sum(count for (_, what), count in world.applied().items() if what == "member create")
