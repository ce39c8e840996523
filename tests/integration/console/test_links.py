"""Links as people see, make, carry elsewhere and take apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from common.api.refusal import Refusal
from console.state.links import LinkRow
from console.use_cases.links import Links
from tests.support.database import Database
from tests.support.judged import Judged, judged_world

ANA = LinkRow(
    line=1, left_account="books", left_place="", left_entity="customer", left_id="1", left_key="", right_account="chimp", right_place="list",
    right_entity="member", right_id="", right_key="ana@ex.org", state="linked", rule="by hand", since=None,
)  # fmt: skip
HEAD = "left_account,left_entity,left_id,right_account,right_place,right_entity,right_key,state\n"


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Judged]:
    async with judged_world(database) as one:
        await one.execute("truncate flow.pair, flow.pair_question, flow.journal")
        yield one


async def stored(world: Judged) -> list[tuple[Any, ...]]:
    rows = await world.rows("select left_id, right_key, state, rule from flow.pair order by id")
    return [tuple(row) for row in rows]


class TestLinks:
    async def test_by_hand_are_told_in_the_record_s_journal(self, world: Judged) -> None:
        links = Links(world.pool, world.clock)
        assert (await links.add(ANA, "eva", "same person", dry_run=True)).added == 1
        assert await stored(world) == []
        assert (await links.add(ANA, "eva", "same person", dry_run=False)).added == 1
        assert await stored(world) == [("1", "ana@ex.org", "linked", "by hand")]
        (row,) = await world.rows("select * from flow.journal where record = '1'")
        assert (row["step"], row["who"], row["words"], row["target_key"], row["connection"]) == (
            "linked", "eva", "same person", "ana@ex.org", "books",
        )  # fmt: skip
        planned = await links.add(ANA, "eva", "", dry_run=False)
        assert (planned.added, planned.again, planned.unchanged) == (0, 0, 1)

    async def test_of_a_record_that_has_another_counterpart_are_refused(self, world: Judged) -> None:
        links = Links(world.pool, world.clock)
        await links.add(ANA, "eva", "", dry_run=False)
        with pytest.raises(Refusal, match="LINK_TAKEN"):
            await links.add(replace(ANA, right_key="bo@ex.org"), "eva", "", dry_run=False)

    async def test_are_taken_apart_and_their_history_stays(self, world: Judged) -> None:
        links = Links(world.pool, world.clock)
        await links.add(ANA, "eva", "", dry_run=False)
        ((one,), _) = await links.list("", "", "", None, 10)
        assert (await links.remove(one["id"], "eva", "two persons", dry_run=True))["state"] == "linked"
        assert (await links.remove(one["id"], "eva", "two persons", dry_run=False))["state"] == "unlinked"
        assert (await links.list("", "", "", None, 10))[0] == []
        shown = await links.show(one["id"])
        assert [row["what"] for row in shown["history"]] == ["linked", "unlinked"]
        assert shown["history"][-1]["why"] == "two persons"
        (told,) = await world.rows("select * from flow.journal where step = 'unlinked'")
        assert (told["who"], told["words"], told["record"]) == ("eva", "two persons", "1")
        assert (await links.add(ANA, "eva", "", dry_run=False)).again == 1

    async def test_that_are_being_made_are_left_alone(self, world: Judged) -> None:
        links = Links(world.pool, world.clock)
        await links.add(replace(ANA, state="reserved"), "eva", "", dry_run=False)
        ((one,), _) = await links.list("", "reserved", "", None, 10)
        with pytest.raises(Refusal, match="LINK_BUSY"):
            await links.remove(one["id"], "eva", "", dry_run=False)

    async def test_of_no_such_number(self, world: Judged) -> None:
        with pytest.raises(Refusal, match="LINK_UNKNOWN"):
            await Links(world.pool, world.clock).show(99)


class TestFound:
    @pytest.mark.parametrize("text", ["1", "cust-1", "m1", "ana@ex.org"])
    async def test_by_the_id_or_the_key_of_either_end(self, world: Judged, text: str) -> None:
        links = Links(world.pool, world.clock)
        await links.add(replace(ANA, left_key="cust-1", right_id="m1"), "eva", "", dry_run=False)
        await links.add(replace(ANA, left_id="2", right_key="bo@ex.org"), "eva", "", dry_run=False)
        assert [one["left_id"] for one in (await links.list(text, "", "", None, 10))[0]] == ["1"]

    @pytest.mark.parametrize(("account", "found"), [("books", 2), ("chimp", 2), ("Bücher", 2), ("nobody", 0)])
    async def test_by_an_account_or_the_name_of_its_connection(self, world: Judged, account: str, found: int) -> None:
        links = Links(world.pool, world.clock)
        await world.execute("update core.connection set name = 'Bücher' where id = 'books'")
        await links.add(ANA, "eva", "", dry_run=False)
        await links.add(replace(ANA, left_id="2", right_key="bo@ex.org", state="ended_right"), "eva", "", dry_run=False)
        listed, _ = await links.list("", "", account, None, 10)
        assert [one["left_id"] for one in listed] == ["1", "2"][:found]
        if found:
            assert (listed[0]["left_name"], listed[0]["left_account"]) == ("Bücher", "books")
            assert [one["left_id"] for one in (await links.list("", "ended_right", account, None, 10))[0]] == ["2"]


class TestImport:
    async def test_is_all_or_nothing(self, world: Judged) -> None:
        links = Links(world.pool, world.clock)
        good = HEAD + "books,customer,1,chimp,list,member,ana@ex.org,\n"
        with pytest.raises(Refusal) as refused:
            await links.import_file(
                f"{good}nobody,customer,2,chimp,list,member,b@ex.org,\n,,,,,,,\n", "eva", "", dry_run=False
            )
        listed: Any = refused.value.more["problems"]
        assert [(one["row"], one["field"]) for one in listed][:2] == [(3, "left_account"), (4, "left_account")]
        assert refused.value.code.name == "LINKS_INVALID"
        assert await stored(world) == []
        assert (await links.import_file(good, "eva", "", dry_run=False)).added == 1

    async def test_again_changes_nothing_and_brings_back_what_ended(self, world: Judged) -> None:
        links = Links(world.pool, world.clock)
        text = HEAD + "books,customer,1,chimp,list,member,ana@ex.org,ended_right\n"
        assert (await links.import_file(text, "eva", "", dry_run=False)).added == 1
        assert (await links.import_file(text, "eva", "", dry_run=False)).unchanged == 1
        assert await stored(world) == [("1", "ana@ex.org", "ended_right", "imported")]

    async def test_of_very_many_pages_through_them_in_their_order(self, world: Judged) -> None:
        links = Links(world.pool, world.clock)
        lines = "".join(f"books,customer,{n},chimp,list,member,p{n}@ex.org,\n" for n in range(12_000))
        assert (await links.import_file(HEAD + lines, "eva", "", dry_run=False)).added == 12_000
        found, after = await links.list("", "", "", None, 1000)
        assert ([one["left_id"] for one in found[:3]], len(found)) == (["0", "1", "2"], 1000)
        more, _ = await links.list("", "", "", after, 1000)
        assert more[0]["left_id"] == "1000"
        by_key, _ = await links.list("p77@ex.org", "", "books", None, 10)
        assert [one["left_id"] for one in by_key] == ["77"]
