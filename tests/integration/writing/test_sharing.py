"""Several customers with one address, and customers who change theirs (R13, R14)."""

import pytest

from tests.support.writing import LIST, World
from vendors.mailchimp.limits import HORIZON

H = HORIZON.total_seconds()


async def living(world: World) -> list[tuple[str, str, str]]:
    rows = await world.rows(
        "select key, record, standing from flow.target_owner where standing <> 'left' order by key, record"
    )
    return [(row["key"], row["record"], row["standing"]) for row in rows]


def present(world: World) -> dict[str, str]:
    """Who is in the audience, by first name; the archived are not."""
    shown = world.audience().items()
    return {email: one["merge_fields"]["FNAME"] for email, one in shown if one["status"] != "archived"}


class TestR13:
    async def test_the_smallest_writes_and_the_others_are_skipped(self, world: World) -> None:
        await world.store(world.command("2", "ana@ex.org", FNAME="Two"), world.command("1", "ana@ex.org", FNAME="One"))
        await world.settled()
        assert present(world) == {"ana@ex.org": "One"}
        assert ((await world.item("2"))["outcome"], (await world.item("2"))["reason"]) == ("skipped", "shares_target")

    async def test_a_smaller_one_that_comes_later_takes_over(self, world: World) -> None:
        await world.want("2", "ana@ex.org", FNAME="Two")
        await world.settled()
        await world.want("1", "ana@ex.org", FNAME="One")
        await world.settled()
        assert present(world) == {"ana@ex.org": "One"}

    async def test_of_the_lowest_rank_the_smallest_writes(self, world: World) -> None:
        ranks = {"1": 2, "2": 1, "3": 0, "4": 0}
        await world.store(*(world.command(n, "ana@ex.org", FNAME=n, rank=rank) for n, rank in ranks.items()))
        await world.settled()
        assert present(world) == {"ana@ex.org": "3"}
        await world.store(*(world.command(n, how="archive") for n in ("3", "4")))
        await world.settled()
        assert present(world) == {"ana@ex.org": "2"}

    async def test_who_gets_another_rank_makes_room_or_takes_over(self, world: World) -> None:
        await world.store(
            world.command("1", "ana@ex.org", FNAME="One", rank=1), world.command("2", "ana@ex.org", FNAME="Two", rank=2)
        )
        await world.settled()
        await world.want("1", "ana@ex.org", FNAME="One", rank=3)
        await world.settled()
        assert present(world) == {"ana@ex.org": "Two"}
        assert (await world.item("1"))["reason"] == "shares_target"
        await world.want("1", "ana@ex.org", FNAME="Uno", rank=0)
        await world.settled()
        assert present(world) == {"ana@ex.org": "Uno"}

    async def test_two_are_never_written_at_once(self, world: World) -> None:
        world.fault("latency", "*", seconds=0.15)
        await world.store(*(world.command(str(n), "ana@ex.org", FNAME=str(n)) for n in range(4)))
        async with world.running(executors=2):
            await world.quiet()
        assert present(world) == {"ana@ex.org": "0"}
        spans = [(c["route"], c["at"]) for c in world.calls() if c["method"] != "GET"]
        assert len(spans) == len(await world.rows("select from flow.journal where step = 'applied'"))

    async def test_when_the_writer_leaves_the_survivor_writes(self, world: World) -> None:
        await world.store(world.command("1", "ana@ex.org", FNAME="One"), world.command("2", "ana@ex.org", FNAME="Two"))
        await world.settled()
        await world.want("1", how="archive")
        await world.settled()
        assert present(world) == {"ana@ex.org": "Two"}
        assert await living(world) == [("ana@ex.org", "2", "live")]

    async def test_only_the_last_one_archives(self, world: World) -> None:
        await world.store(world.command("1", "ana@ex.org"), world.command("2", "ana@ex.org"))
        await world.settled()
        await world.want("2", how="archive")
        await world.settled()
        assert world.status("ana@ex.org") == "subscribed"
        await world.want("1", how="archive")
        await world.settled()
        assert world.status("ana@ex.org") == "archived"
        assert await living(world) == []

    async def test_a_writer_that_cannot_write_makes_room(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="One")
        await world.settled()
        world.fault(
            "status", "PATCH *", count=1, status=400, body='{"title": "Invalid Resource", "status": 400, "detail": "x"}'
        )
        await world.want("2", "ana@ex.org", FNAME="Two")
        await world.want("1", "ana@ex.org", FNAME="Bad")
        await world.settled()
        assert ((await world.item("1"))["state"], present(world)) == ("dead", {"ana@ex.org": "Two"})

    async def test_across_two_syncs_too(self, world: World) -> None:
        await world.want("9", "ana@ex.org", sync="s1", FNAME="One")
        await world.want("1", "ana@ex.org", sync="s2", FNAME="Two")
        await world.settled()
        assert present(world) == {"ana@ex.org": "One"}
        assert (await world.item("1", "s2"))["reason"] == "shares_target"

    async def test_replaying_everything_writes_nothing(self, world: World) -> None:
        await world.store(world.command("1", "ana@ex.org", FNAME="A"), world.command("2", "ana@ex.org", FNAME="B"), world.command("3", "bob@ex.org"))  # fmt: skip
        await world.settled()
        writes = world.writes()
        for _ in range(3):
            await world.store(*(world.command(n, e, revision=1, FNAME=f) for n, e, f in (("1", "ana@ex.org", "A"), ("2", "ana@ex.org", "B"))))  # fmt: skip
            await world.settled()
        assert world.writes() == writes


class TestR14:
    async def test_a_new_address_is_a_new_member_and_the_old_one_is_archived(self, world: World) -> None:
        await world.want("1", "old@ex.org", FNAME="Ana", tags=["a"])
        await world.settled()
        await world.want("1", "new@ex.org", FNAME="Ana", tags=["a"])
        await world.settled()
        assert (world.status("old@ex.org"), world.status("new@ex.org"), world.tags("new@ex.org")) == ("archived", "subscribed", ["a"])  # fmt: skip
        assert await living(world) == [("new@ex.org", "1", "live")]
        assert await world.told() == world.applied()
        assert [row["details"]["action"] for row in await world.journal("1", "applied")] == [
            "create",
            "create",
            "archive",
        ]

    async def test_the_ownership_of_the_new_key_is_there_before_the_call(self, world: World) -> None:
        world.fault("reset_before", "POST /lists/{id}", count=1)
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.until(lambda: held(world), "the row is held")
        assert await living(world) == [("ana@ex.org", "1", "live")]

    async def test_an_address_that_changed_twice_meanwhile_leaves_nothing_behind(self, world: World) -> None:
        await world.want("1", "a@ex.org")
        await world.settled()
        world.fault("reset_after", "POST /lists/{id}", count=1)
        await world.want("1", "b@ex.org")
        async with world.running():
            await world.until(lambda: held(world), "the row is held")
            await world.want("1", "c@ex.org")
            world.advance(H + 1)
            await world.quiet()
        assert [world.status(f"{one}@ex.org") for one in "abc"] == ["archived", "archived", "subscribed"]
        assert await living(world) == [("c@ex.org", "1", "live")]
        assert await world.told() == world.applied()

    async def test_there_and_back_again(self, world: World) -> None:
        for email in ("a@ex.org", "b@ex.org", "a@ex.org"):
            await world.want("1", email, FNAME="Ana")
            await world.settled()
        assert (world.status("a@ex.org"), world.status("b@ex.org")) == ("subscribed", "archived")
        assert await world.told() == world.applied()

    async def test_two_swap_their_addresses(self, world: World) -> None:
        await world.store(world.command("1", "a@ex.org", FNAME="One"), world.command("2", "b@ex.org", FNAME="Two"))
        await world.settled()
        await world.store(world.command("1", "b@ex.org", FNAME="One"), world.command("2", "a@ex.org", FNAME="Two"))
        await world.settled(executors=2)
        assert present(world) == {"a@ex.org": "Two", "b@ex.org": "One"}
        assert await world.told() == world.applied()

    async def test_one_joins_an_address_while_another_leaves_it(self, world: World) -> None:
        await world.store(world.command("1", "a@ex.org", FNAME="One"), world.command("2", "b@ex.org", FNAME="Two"))
        await world.settled()
        await world.store(world.command("1", "b@ex.org", FNAME="One"), world.command("2", "a@ex.org", FNAME="Two"))
        await world.want("2", how="archive")
        await world.settled(executors=2)
        assert present(world) == {"b@ex.org": "One"}

    async def test_deleted_and_made_again_under_a_new_id(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        await world.want("1", how="archive")
        await world.settled()
        await world.want("2", "ana@ex.org", FNAME="Anna")
        await world.settled()
        assert (world.status("ana@ex.org"), present(world)) == ("subscribed", {"ana@ex.org": "Anna"})
        assert await world.told() == world.applied()


class TestLinks:
    async def test_say_which_member_a_record_is(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        (row,) = await world.rows("select * from flow.pair")
        assert (row["right_key"], row["state"], row["right_place"], row["rule"]) == (
            "ana@ex.org",
            "linked",
            LIST,
            "email",
        )
        assert (row["left_account"], row["left_entity"], row["left_id"]) == ("books", "customer", "1")
        assert [one["what"] for one in row["history"]] == ["reserved", "linked"]
        assert row["right_id"] == world.member("ana@ex.org")["contact_id"]

    @pytest.mark.parametrize("how", ["archive", "tag", "leave"])
    async def test_end_when_the_record_goes_and_are_remembered(self, world: World, how: str) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("1", how=how)
        await world.settled()
        assert await world.rows("select * from flow.pair where state in ('reserved', 'linked')") == []
        (row,) = await world.rows("select * from flow.pair")
        assert (row["right_key"], row["state"]) == ("ana@ex.org", "ended_left")


async def held(world: World) -> bool:
    return bool(await world.rows("select from flow.work_item where state = 'hold'"))
