"""What a person last allowed outlives every ownership: whatever becomes of the record, it is the ceiling for what comes later."""

from datetime import timedelta

import pytest

from tests.integration.writing.test_consent import hear, told
from tests.support.writing import STRICT, World
from vendors import mailchimp, zoho_books


async def left(world: World, email: str = "old@ex.org", record: str = "1", **more: str) -> None:
    """A customer who was a member and has left."""
    await world.want(record, email, **more)
    await world.settled()
    world.person("unsubscribe", email)


class TestARecord:
    @pytest.mark.parametrize(
        "gone",
        [
            {"how": "archive", "skip": "no_email"}, {"how": "archive", "skip": "filtered"}, {"how": "archive"},
            {"how": "tag", "skip": "filtered"}, {"how": "leave"}, {"keep": "invalid_email"},
        ],
        ids=["cleared", "filtered", "deleted", "tagged", "left", "mistyped"],
    )  # fmt: skip
    async def test_comes_back_with_another_address_as_what_its_person_allowed(self, world: World, gone: dict[str, str]) -> None:  # fmt: skip
        await left(world)
        await world.want("1", **gone)
        await world.settled()
        await world.want("1", "new@ex.org")
        await world.settled()
        assert world.status("new@ex.org") == "unsubscribed"
        assert await world.told() == world.applied()

    async def test_of_a_second_sync_has_the_same_past(self, world: World) -> None:
        await left(world)
        await world.want("1", how="archive")
        await world.settled()
        await world.want("1", "new@ex.org", sync="s2")
        await world.settled()
        assert world.status("new@ex.org") == "unsubscribed"

    @pytest.mark.parametrize(("entity", "status"), [("customer", "unsubscribed"), ("lead", "subscribed")])
    async def test_is_of_its_source_s_entity_whatever_the_leg_is_called(
        self, world: World, entity: str, status: str
    ) -> None:
        """A lead of the same id is somebody else."""
        await world.execute("update core.leg set name = 'vips', source_entity = $1 where sync = 's2'", entity)
        await left(world)
        await world.want("1", how="archive")
        await world.settled()
        await world.want("1", "new@ex.org", sync="s2", leg="vips")
        await world.settled()
        assert world.status("new@ex.org") == status

    async def test_of_a_connection_made_anew_has_the_same_past(self, world: World) -> None:
        for name in ("a", "b"):
            await world.connect(f"books-{name}", zoho_books.VENDOR, organization_id="7")
            await world.connect(f"chimp-{name}", mailchimp.VENDOR, account_id="8d3a")
            await world.join(f"by-{name}", source=f"books-{name}", target=f"chimp-{name}")
        await left(world, sync="by-a", source="books-a", target="chimp-a")
        await world.want("1", how="archive", sync="by-a", source="books-a", target="chimp-a")
        await world.settled()
        await world.execute("update core.connection set state = 'deleted' where id in ('books-a', 'chimp-a')")
        await world.want("1", "new@ex.org", sync="by-b", source="books-b", target="chimp-b")
        await world.settled()
        assert world.status("new@ex.org") == "unsubscribed"

    async def test_is_not_subscribed_again_by_moving_to_another_audience(self, world: World) -> None:
        await left(world)
        await world.want("1", "new@ex.org", sync="strict", place=STRICT, CUSTNO="7")
        await world.settled()
        assert (await world.item("1", "strict"))["outcome"] == "added"
        # The audience had not heard of it; the look at the old address that shows it is made there where it lives.
        assert world.status("new@ex.org", STRICT) == "pending"
        await world.want("1", how="archive")
        await world.settled()
        await world.want("2", "old@ex.org", sync="strict", place=STRICT, CUSTNO="8")
        await world.want("1", "third@ex.org", sync="s2", CUSTNO="7")
        await world.settled()
        assert (world.status("old@ex.org", STRICT), world.status("third@ex.org")) == ("unsubscribed", "unsubscribed")

    async def test_is_subscribed_once_the_person_has_come_back(self, world: World) -> None:
        await left(world)
        await hear(world, told(world, "old@ex.org", status="unsubscribed"))
        world.advance(60)
        world.person("subscribe", "old@ex.org")
        await hear(world, told(world, "old@ex.org", status="subscribed"))
        await world.want("1", how="archive", skip="no_email")
        await world.settled()
        await world.want("1", "new@ex.org")
        await world.settled()
        assert world.status("new@ex.org") == "subscribed"

    async def test_goes_where_the_person_has_moved_and_left(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        world.person("upemail", "ana@ex.org", new_email="queen@ex.org")
        await hear(world, told(world, "queen@ex.org", previous_email="ana@ex.org"))
        world.advance(60)
        world.person("unsubscribe", "queen@ex.org")
        await hear(world, told(world, "queen@ex.org", status="unsubscribed"))
        await world.want("1", "third@ex.org")
        await world.settled()
        assert world.status("third@ex.org") == "unsubscribed"

    async def test_follows_whoever_leaves_at_an_address_it_has_left(self, world: World) -> None:
        await world.want("2", "old@ex.org")
        await world.want("1", "old@ex.org")
        await world.settled()
        await world.want("1", "new@ex.org")
        await world.settled()
        assert (world.status("old@ex.org"), world.status("new@ex.org")) == ("subscribed", "subscribed")
        world.advance(60)
        world.person("unsubscribe", "old@ex.org")
        await hear(world, told(world, "old@ex.org", at=world.clock.now() + timedelta(seconds=1), status="unsubscribed"))
        await world.settled()
        assert world.status("new@ex.org") == "unsubscribed"


class TestAnAddress:
    async def test_keeps_what_was_said_there_whoever_comes(self, world: World) -> None:
        await left(world)
        await world.want("1", how="archive")
        await world.settled()
        await world.want("2", "old@ex.org", sync="s2", FNAME="Two")
        await world.settled()
        assert world.status("old@ex.org") == "unsubscribed"


class TestWhatStays:
    """A record that is marked or left when it goes still lives there, until it really leaves."""

    @pytest.mark.parametrize("how", ["tag", "leave"])
    async def test_is_archived_when_the_record_is_deleted(self, world: World, how: str) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("1", how=how, skip="filtered")
        await world.settled()
        assert world.status("ana@ex.org") == "subscribed"
        await world.want("1", how="archive")
        await world.settled()
        assert world.status("ana@ex.org") == "archived"
        assert await world.told() == world.applied()

    async def test_is_not_archived_by_another_of_that_address(self, world: World) -> None:
        for record in ("1", "2"):
            await world.want(record, "ana@ex.org")
        await world.settled()
        await world.want("1", how="leave")
        await world.want("2", how="archive")
        await world.settled()
        assert world.status("ana@ex.org") == "subscribed"
        await world.want("1", how="archive")
        await world.settled()
        assert world.status("ana@ex.org") == "archived"

    async def test_leaves_the_member_to_another_who_shares_it(self, world: World) -> None:
        await world.store(world.command("1", "ana@ex.org", FNAME="One"), world.command("2", "ana@ex.org", FNAME="Two"))
        await world.settled()
        await world.want("1", how="tag")
        await world.settled()
        assert (world.member("ana@ex.org")["merge_fields"]["FNAME"], world.tags("ana@ex.org")) == ("Two", [])
        await world.want("2", how="tag")
        await world.settled()
        assert world.tags("ana@ex.org") == ["inactive"]

    async def test_two_of_them_do_not_wake_each_other(self, world: World) -> None:
        for record in ("1", "2", "3"):
            await world.want(record, "ana@ex.org")
        await world.settled()
        for record in ("1", "2"):
            await world.want(record, how="tag")
        await world.want("3", how="archive")
        await world.settled()
        assert world.tags("ana@ex.org") == ["inactive"]
        assert len(await world.rows("select from flow.journal")) < 40


class TestAble:
    """R13: able is who could write now."""

    async def test_who_lacks_a_required_field_silences_nobody(self, world: World) -> None:
        more = {"sync": "strict", "place": STRICT}
        await world.store(
            world.command("1", "ana@ex.org", **more), world.command("2", "ana@ex.org", **more, CUSTNO="7", FNAME="Two")
        )
        await world.settled()
        assert world.member("ana@ex.org", STRICT)["merge_fields"]["FNAME"] == "Two"
        reasons = [(await world.item(record, "strict"))["reason"] for record in ("1", "2")]
        assert reasons == ["required_field_missing", ""]

    async def test_who_waits_for_a_person_silences_nobody(self, world: World) -> None:
        for name in ("one", "two"):
            await world.connect(name, mailchimp.VENDOR, account_id="8d3a")
            await world.join(f"by-{name}", target=name)
        await world.want("1", "ana@ex.org", sync="by-one", target="one", FNAME="One")
        await world.settled()
        await world.execute("select core.set_gate('one', 'needs_reauth', null, now(), 'X', 'x')")
        await world.want("1", "ana@ex.org", sync="by-two", target="two", FNAME="Two")
        await world.settled()
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "Two"

    async def test_several_who_cannot_write_do_not_wake_each_other(self, world: World) -> None:
        more = {"sync": "strict", "place": STRICT}
        await world.store(*(world.command(record, "ana@ex.org", **more) for record in "1234"))
        await world.settled()
        skips = await world.rows("select record, count(*) as times from flow.journal where step = 'skipped' group by 1")
        # The first is judged, then each of the others once silently and once by itself.
        assert all(row["times"] <= 4 for row in skips), [tuple(row) for row in skips]
        journal = len(await world.rows("select from flow.journal"))
        async with world.running():
            for _ in range(10):
                await world.quiet()
        assert len(await world.rows("select from flow.journal")) == journal

    async def test_who_can_write_again_writes_again(self, world: World) -> None:
        more = {"sync": "strict", "place": STRICT}
        await world.store(
            world.command("1", "ana@ex.org", **more), world.command("2", "ana@ex.org", **more, CUSTNO="7", FNAME="Two")
        )
        await world.settled()
        await world.want("1", "ana@ex.org", **more, CUSTNO="6", FNAME="One")
        await world.settled()
        assert world.member("ana@ex.org", STRICT)["merge_fields"]["FNAME"] == "One"
        await world.want("1", keep="required_field_missing", **more)
        await world.settled()
        assert world.member("ana@ex.org", STRICT)["merge_fields"]["FNAME"] == "Two"


class TestAWithdrawalAtAnAddressThatWasLeft:
    """The person left at the old address after the record had moved to a new one, where we had copied what they allowed then."""

    @pytest.mark.parametrize("state", ["done", "leased", "hold"])
    async def test_reaches_the_new_one_whoever_works_on_the_record(self, world: World, state: str) -> None:
        await world.want("1", "old@ex.org")
        await world.settled()
        await world.want("1", "new@ex.org")
        await world.settled()
        assert world.member("new@ex.org")["status"] == "subscribed"
        world.advance(60)
        await world.execute(
            "update flow.work_item set state = $1, token = gen_random_uuid(), lease_until = now() + interval '1 hour', hold_until = now() + interval '1 hour'",
            state,
        )
        await hear(world, told(world, "old@ex.org", status="unsubscribed", reason="manual"))
        # Whoever worked on it ends, and has known nothing of it.
        await world.execute(
            "update flow.work_item set state = 'done', token = null, lease_until = null, hold_until = null"
        )
        await world.settled()
        assert world.member("new@ex.org")["status"] == "unsubscribed"
