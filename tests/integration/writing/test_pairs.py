"""Which record is which, kept as pairs that outlive syncs, connections and the records themselves (R22)."""

from __future__ import annotations

from typing import Any

from tests.support.writing import LIST, World
from vendors import mailchimp, zoho_books


async def pairs(world: World) -> list[tuple[str, str, str]]:
    rows = await world.rows("select left_id, right_key, state from flow.pair order by left_id, right_key")
    return [tuple(row) for row in rows]


async def history(world: World, record: str = "1") -> list[str]:
    (row,) = await world.rows("select history from flow.pair where left_id = $1", record)
    return [one["what"] for one in row["history"]]


def creates(world: World) -> list[Any]:
    return [one for one in world.applied() if one[1].endswith("create")]


async def had_two(world: World) -> None:
    """A record that has left one key for good, and lives under another."""
    await world.want("1", "one@ex.org")
    await world.settled()
    await world.want("1", how="archive")
    await world.settled()
    await world.want("1", "two@ex.org")
    await world.settled()
    assert await pairs(world) == [("1", "one@ex.org", "ended_left"), ("1", "two@ex.org", "linked")]


class TestAPair:
    async def test_goes_along_to_the_record_s_new_key(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("1", "ana@new.org")
        await world.settled()
        assert await pairs(world) == [("1", "ana@new.org", "linked")]
        assert await history(world) == ["reserved", "linked", "moved", "linked"]

    async def test_is_each_record_s_own_where_two_share_a_target(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("2", "ana@ex.org")
        await world.settled()
        assert await pairs(world) == [("1", "ana@ex.org", "linked")], "the other does not write"
        await world.want("1", how="archive")
        await world.settled()
        assert await pairs(world) == [("1", "ana@ex.org", "ended_left"), ("2", "ana@ex.org", "linked")]

    async def test_of_a_record_that_comes_back_is_the_same_pair(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("1", how="archive")
        await world.settled()
        await world.want("1", "ana@ex.org")
        await world.settled()
        assert await pairs(world) == [("1", "ana@ex.org", "linked")]
        assert await history(world) == ["reserved", "linked", "ended_left", "reserved", "linked"]

    async def test_ends_with_the_key_that_is_left_for_one_that_was_had_before(self, world: World) -> None:
        await had_two(world)
        await world.want("1", "one@ex.org")
        await world.settled()
        assert await pairs(world) == [("1", "one@ex.org", "linked"), ("1", "two@ex.org", "ended_left")]

    async def test_goes_along_where_two_keys_are_left_at_once(self, world: World) -> None:
        """The second move was overtaken by a third: the record has not come to its key, and has it to leave all the same."""
        await had_two(world)
        world.fault("status", "PATCH *", status=429, count=1)
        await world.want("1", "one@ex.org")
        await world.settled("waiting")
        assert [key for _, key, state in await pairs(world) if state in ("reserved", "linked")] == [
            "one@ex.org",
            "two@ex.org",
        ]
        await world.want("1", "three@ex.org")
        world.advance(60)
        await world.settled()
        assert (await world.item("1"))["state"] == "done"
        assert await pairs(world) == [("1", "one@ex.org", "ended_left"), ("1", "three@ex.org", "linked")]
        assert [world.status(f"{key}@ex.org") for key in ("one", "two", "three")] == [
            "archived",
            "archived",
            "subscribed",
        ]

    async def test_stays_linked_while_another_sync_keeps_the_record_there(self, world: World) -> None:
        for sync in ("s1", "s2"):
            await world.want("1", "ana@ex.org", sync=sync)
            await world.settled()
        await world.want("1", how="archive", sync="s1")
        await world.settled()
        assert (await pairs(world), world.status("ana@ex.org")) == ([("1", "ana@ex.org", "linked")], "subscribed")
        await world.want("1", how="archive", sync="s2")
        await world.settled()
        assert (await pairs(world), world.status("ana@ex.org")) == ([("1", "ana@ex.org", "ended_left")], "archived")

    async def test_says_that_its_target_is_gone(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        world.person("upemail", "ana@ex.org", new_email="ana@new.org")
        await world.execute("update flow.target_record set doubtful = true")
        await world.want("1", "ana@ex.org", FNAME="Anna")
        await world.settled()
        assert await pairs(world) == [("1", "ana@ex.org", "ended_right")]
        assert len(creates(world)) == 1


class TestSurvives:
    async def test_a_sync_that_is_switched_off_and_another_in_its_place(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.execute("update core.sync set state = 'disabled' where id = 's1'")
        made = creates(world)
        await world.want("1", "ana@ex.org", sync="s2")
        await world.settled()
        assert (await pairs(world), creates(world)) == ([("1", "ana@ex.org", "linked")], made)

    async def test_connections_that_are_made_anew_under_other_ids(self, world: World) -> None:
        await world.execute("update core.connection set account = 'mailchimp:8d3a' where id = 'chimp'")
        await world.execute("update core.connection set account = 'zoho-books:7' where id = 'books'")
        await world.want("1", "ana@ex.org")
        await world.want("2", "bo@ex.org")
        await world.settled()
        made, before = creates(world), await pairs(world)
        await world.execute("update core.sync set state = 'disabled'")
        await world.execute("update core.connection set state = 'deleted'")
        await world.connect("chimp-again", mailchimp.VENDOR, account_id="8d3a")
        await world.connect("books-again", zoho_books.VENDOR, organization_id="7")
        await world.join("s9", source="books-again", target="chimp-again")
        for record, email in (("1", "ana@ex.org"), ("2", "bo@ex.org")):
            await world.want(record, email, sync="s9", source="books-again", target="chimp-again", place=LIST)
        await world.settled()
        assert (await pairs(world), creates(world)) == (before, made)
        assert before == [("1", "ana@ex.org", "linked"), ("2", "bo@ex.org", "linked")]


class TestWhatWasThereAlready:
    async def test_is_a_pair_though_nothing_was_made(self, world: World) -> None:
        world.call("POST", f"/lists/{LIST}/members", json={"email_address": "ana@ex.org", "status": "subscribed"})
        await world.want("1", "ana@ex.org")
        await world.settled()
        assert (creates(world), (await world.item("1"))["outcome"]) == ([], "unchanged")
        assert await pairs(world) == [("1", "ana@ex.org", "linked")]
