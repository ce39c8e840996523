"""After years: hundreds of thousands of pairs and thousands of questions, listed by people within 50 ms and written by index alone; old runs leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.state import awaiting, pairs
from common.state.awaiting import LinkMade
from common.state.pool import DbConnection, Pool, connection, transaction
from common.state.retention import KEEPERS, Keeper
from console.state import links, questions
from console.state.links import STATES, LinkRow
from tests.support.big import NOW
from tests.support.database import Database
from tests.support.explained import Explained
from tests.support.years import MOST_MS, hold, pool_of
from writing import links as written
from writing import needs
from writing.items import ACCOUNTS, Item, item_of
from writing.links import Reserving


@pytest.fixture
async def console(filled: Database) -> Any:
    async with pool_of(filled, "console") as pool:
        yield pool


@pytest.fixture
async def service(filled: Database) -> Any:
    async with pool_of(filled, "service") as pool:
        yield pool


class TestLinks:
    @pytest.mark.parametrize(
        ("text", "states", "account", "found"),
        [
            ("", STATES, "", 201), ("", ("ended_left",), "", 201), ("", ("reserved",), "", 0), ("", STATES, "a0", 201), ("", STATES, "b17", 201),
            ("", ("ended_left",), "a0", 201), ("", STATES, "nobody", 0), ("p77777@ex.org", STATES, "", 1), ("r77777", STATES, "", 1),
            ("r77777", STATES, "a0", 0), ("f5cbf0d1e9ccd3eb7f13a27bd2d5a6b5", STATES, "", None), ("nothing", STATES, "", 0),
        ],
        ids=str,
    )  # fmt: skip
    async def test_a_page_from_either_end_of_the_list(
        self, console: Pool, text: str, states: Sequence[str], account: str, found: int | None
    ) -> None:
        async with connection(console) as link:
            explained: Any = Explained(link)
            page = await links.page(explained, text, states, account, 0, 201)
            assert len(page) == (len(page) if found is None else found)
            await links.page(explained, text, states, account, 990_000, 201)
            hold(explained.seen)

    async def test_a_file_is_looked_up_line_by_line(self, console: Pool) -> None:
        ends = [(n, f"p{n}@ex.org") for n in range(2, 1002, 2)] + [(2, "p4@ex.org"), (1_000_002, "new@ex.org")]
        wanted = [_row(line, *end) for line, end in enumerate(ends)]
        async with transaction(console) as tx:
            explained: Any = Explained(tx)
            told = await links.check(explained, wanted)
            hold(explained.seen, 5 * MOST_MS)
        assert [(one.same is None, one.other is None) for one in (told[0], *told[-2:])] == [
            (False, True), (True, False), (True, True),
        ]  # fmt: skip

    async def test_questions(self, console: Pool) -> None:
        async with connection(console) as link:
            explained: Any = Explained(link)
            first = await questions.open_ones(explained, None, 201)
            last = first[-1]
            place = (last["asked_at"].isoformat(), str(last["pair"]), last["field"])
            more = await questions.open_ones(explained, place, 201)
            assert (len(first), len(more)) == (201, 201)
            hold(explained.seen)


class TestWrites:
    async def test_pairs_of_many_records(self, service: Pool) -> None:
        async with transaction(service) as tx:
            items = await _items(tx)
            explained: Any = Explained(tx)
            await written.reserve(explained, [Reserving(item, "email", ("former@ex.org",)) for item in items], NOW)
            await written.adopt(explained, [(item, "email") for item in items], NOW)
            await written.lost(explained, items[:125], NOW)
            await written.link(explained, [(item, f"id{at}") for at, item in enumerate(items)], NOW)
            await written.end(explained, items, NOW)
            parent = [(item, RecordRef(entity=Entity("customer"), record=RecordId(item.key.record))) for item in items]
            await needs.linked(explained, parent)
            hold(explained.seen, 5 * MOST_MS)

    async def test_what_both_sides_edit_is_locked_from_either_end(self, service: Pool) -> None:
        async with transaction(service) as tx:
            left = [pairs.PairEnd("a0", "", "customer", f"r{n}") for n in range(2, 502, 2)]
            right = [pairs.PairEnd("b0", "list", "member", f"m{n}") for n in range(250)]
            explained: Any = Explained(tx)
            await pairs.lock(explained, left + right)
            await awaiting.release(explained, [LinkMade(one.account, one.entity, one.id, "b0") for one in left], NOW)
            hold(explained.seen)


class TestRetention:
    @pytest.mark.parametrize(
        "keeper", [one for one in KEEPERS if one.table.startswith("flow.run")], ids=lambda one: one.table
    )
    async def test_of_old_runs(self, service: Pool, keeper: Keeper) -> None:
        async with connection(service) as link:
            outer = link.transaction()
            await outer.start()
            explained: Any = Explained(link)
            gone = await explained.fetchval(keeper.statement, NOW - timedelta(days=89), 1000)
            await outer.rollback()
        assert gone == (1000 if keeper.table == "flow.run_record" else 0)
        hold(explained.seen)


def _row(line: int, left: int, right: str) -> LinkRow:
    return LinkRow(
        line=line, left_account="a0", left_place="", left_entity="customer", left_id=f"r{left}", left_key="", right_account="b0",
        right_place="list", right_entity="member", right_id="", right_key=right, state="linked", rule="by hand", since=None,
    )  # fmt: skip


async def _items(tx: DbConnection) -> list[Item]:
    rows = await tx.fetch(
        f"select w.*, {ACCOUNTS} from flow.work_item w where w.sync = 's0' and w.state = 'done' limit 250"
    )
    return [item_of(row) for row in rows]
