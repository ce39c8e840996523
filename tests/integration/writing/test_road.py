"""From a command to the member: new, changed, unchanged, archived, several at once."""

from tests.support.writing import LIST, STRICT, TRACE, World


class TestNewMember:
    async def test_is_made_by_a_batch_that_cannot_update(self, world: World) -> None:
        await world.want("1", "Ana@ex.org", FNAME="Ana", tags=["vip"])
        await world.settled()
        member = world.member("ana@ex.org")
        assert (member["email_address"], member["status"], member["merge_fields"]["FNAME"]) == ("Ana@ex.org", "subscribed", "Ana")  # fmt: skip
        assert world.tags("ana@ex.org") == ["vip"]
        assert world.writes() == ["POST /lists/{list_id}"]
        assert await world.steps("1") == ["attempt", "applied", "linked"]

    async def test_journal_names_the_attempt_the_states_and_the_trace(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        (row,) = await world.journal("1", "applied")
        assert (row["before"], row["after"]) == (
            {},
            {"email": "ana@ex.org", "merge.FNAME": "Ana", "standing": "subscribed"},
        )
        assert {one["path"] for one in row["patch"]} == {"/email", "/merge.FNAME", "/standing"}
        assert (row["trace_id"], row["revision"], row["target_key"]) == (TRACE[3:35], 1, "ana@ex.org")
        (attempt,) = await world.journal("1", "attempt")
        assert (attempt["attempt"], attempt["vendor_status"]) == (row["attempt"], 200)
        assert attempt["vendor_request_id"]

    async def test_of_a_double_opt_in_audience_is_asked_to_confirm(self, world: World) -> None:
        await world.want("1", "ana@ex.org", sync="strict", place=STRICT, CUSTNO="7")
        await world.settled()
        assert world.status("ana@ex.org", STRICT) == "pending"

    async def test_without_a_required_field_is_skipped_without_a_write(self, world: World) -> None:
        await world.want("1", "ana@ex.org", sync="strict", place=STRICT)
        await world.settled()
        item = await world.item("1", "strict")
        assert (item["state"], item["outcome"], item["reason"]) == ("done", "skipped", "required_field_missing")
        assert "CUSTNO" in (await world.journal("1", "skipped"))[0]["words"]
        assert world.writes() == []

    async def test_five_hundred_are_one_call(self, world: World) -> None:
        await world.store(*(world.command(str(n), f"m{n}@ex.org", FNAME=f"N{n}") for n in range(500)))
        await world.settled(within=60)
        assert world.writes() == ["POST /lists/{list_id}"]
        assert len(world.audience()) == 500
        assert await world.told() == world.applied()

    async def test_a_bad_row_leaves_its_neighbours_alone(self, world: World) -> None:
        await world.store(
            world.command("1", "ana@ex.org"), world.command("2", "no address"), world.command("3", "bob@ex.org")
        )
        await world.settled()
        assert [(await world.item(n))["state"] for n in "123"] == ["done", "dead", "done"]
        dead = await world.item("2")
        assert (dead["code"], dead["kind"], dead["vendor_status"]) == ("MC_INVALID", "REJECTED", 400)
        assert "valid email" in dead["vendor_words"]
        assert await world.told() == world.applied()


class TestExistingMember:
    async def test_is_found_out_and_changed_without_a_status(self, world: World) -> None:
        world.call("POST", f"/lists/{LIST}/members", json={"email_address": "ana@ex.org", "status": "unsubscribed", "merge_fields": {"FNAME": "A"}})  # fmt: skip
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        assert (world.status("ana@ex.org"), world.member("ana@ex.org")["merge_fields"]["FNAME"]) == (
            "unsubscribed",
            "Ana",
        )
        assert world.writes() == ["POST /lists/{list_id}", "PATCH /lists/{list_id}/members/{subscriber_hash}"]
        assert await world.told() == world.applied()

    async def test_a_change_sends_what_differs_and_no_more(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana", LNAME="Lee")
        await world.settled()
        await world.want("1", "ana@ex.org", FNAME="Anna", LNAME="Lee")
        await world.settled()
        applied = (await world.journal("1", "applied"))[-1]
        assert (applied["before"], applied["after"]) == ({"merge.FNAME": "Ana"}, {"merge.FNAME": "Anna"})
        assert applied["patch"] == [{"op": "replace", "path": "/merge.FNAME", "value": "Anna"}]
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "Anna"

    async def test_unchanged_costs_no_call(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana", tags=["a", "b"])
        await world.settled()
        before = len(world.calls())
        await world.want("1", "ana@ex.org", FNAME="Ana", tags=["a", "b"])
        await world.settled()
        assert len(world.calls()) == before
        assert (await world.steps("1"))[-1] == "unchanged"

    async def test_an_emptied_field_is_emptied_and_an_untold_one_left(self, world: World) -> None:
        address = {"street": "1 St", "street2": None, "city": "Ulm", "state": "BW", "zip": "89073", "country": "DE"}
        await world.want("1", "ana@ex.org", FNAME="Ana", LNAME="Lee", ADDRESS=address)
        await world.settled()
        assert world.member("ana@ex.org")["merge_fields"]["ADDRESS"]["addr1"] == "1 St"
        await world.want("1", "ana@ex.org", FNAME=None, ADDRESS=None)
        await world.settled()
        merge = world.member("ana@ex.org")["merge_fields"]
        assert (merge["FNAME"], merge["LNAME"], merge["ADDRESS"]) == ("", "Lee", "")


class TestTags:
    async def test_change_together_through_the_segment(self, world: World) -> None:
        await world.store(*(world.command(str(n), f"m{n}@ex.org", tags=["old"]) for n in range(20)))
        await world.settled()
        before = len(world.writes())
        await world.store(*(world.command(str(n), f"m{n}@ex.org", tags=["new"]) for n in range(20)))
        await world.settled()
        assert {tuple(world.tags(f"m{n}@ex.org")) for n in range(20)} == {("new",)}
        # One member makes the tag and loses the old one, one call gives the tag to all others, one takes the old one from them.
        assert len(world.writes()) - before == 4
        assert await world.told() == world.applied()

    async def test_that_people_set_are_never_touched(self, world: World) -> None:
        await world.want("1", "ana@ex.org", tags=["ours"])
        await world.settled()
        digest = world.member("ana@ex.org")["id"]
        world.call("POST", f"/lists/{LIST}/members/{digest}/tags", json={"tags": [{"name": "theirs", "status": "active"}, {"name": "both", "status": "active"}]})  # fmt: skip
        await world.want("1", "ana@ex.org", tags=["both", "ours"], FNAME="x")
        await world.settled()
        await world.want("1", "ana@ex.org", tags=[])
        await world.settled()
        assert world.tags("ana@ex.org") == ["both", "theirs"]


class TestAbsence:
    async def test_archives(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("1", how="archive")
        await world.settled()
        assert world.status("ana@ex.org") == "archived"
        assert await world.told() == world.applied()
        (row,) = await world.rows("select * from flow.target_owner")
        assert (row["key"], row["standing"]) == ("ana@ex.org", "left")

    async def test_marks_where_the_sync_says_so(self, world: World) -> None:
        await world.want("1", "ana@ex.org", tags=["a"])
        await world.settled()
        await world.want("1", how="tag", tag="inactive")
        await world.settled()
        assert (world.status("ana@ex.org"), world.tags("ana@ex.org")) == ("subscribed", ["a", "inactive"])

    async def test_leaves_alone_where_the_sync_says_so(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await world.want("1", how="leave", skip="filtered")
        await world.settled()
        assert (world.status("ana@ex.org"), (await world.item("1"))["reason"]) == ("subscribed", "filtered")
        assert len(world.writes()) == 1

    async def test_of_what_was_never_there_costs_no_call(self, world: World) -> None:
        await world.want("1", how="archive", skip="no_email")
        await world.settled()
        assert (world.calls(), (await world.item("1"))["reason"]) == ([], "no_email")


class TestStop:
    async def test_gives_back_what_it_has_not_begun(self, world: World) -> None:
        await world.store(*(world.command(str(n), f"m{n}@ex.org", FNAME="A") for n in range(40)))
        await world.settled()
        world.fault("latency", "PATCH *", seconds=0.3)
        await world.store(*(world.command(str(n), f"m{n}@ex.org", FNAME="B") for n in range(40)))
        async with world.running():
            await world.until(lambda: _some_are_written(world), "some are written")
        left = await world.rows("select from flow.work_item where state = 'ready'")
        assert 0 < len(left) < 40
        assert await world.rows("select from flow.work_item where state not in ('ready', 'done')") == []
        world.sandbox.delete("faults")
        await world.settled()
        assert {one["merge_fields"]["FNAME"] for one in world.audience().values()} == {"B"}
        assert await world.told() == world.applied()


class TestCapability:
    async def test_existing_members_share_a_call_where_a_row_keeps_its_status(self, world: World) -> None:
        world.sandbox.post("limits", {"vendor": "mailchimp", "batch_row_without_status": "keep"})
        await world.execute(
            "update core.connection set capabilities = $1 where id = 'chimp'", ["row_without_status_keeps"]
        )
        await world.store(*(world.command(str(n), f"m{n}@ex.org", FNAME="A") for n in range(20)))
        await world.settled()
        world.person("unsubscribe", "m7@ex.org")
        before = len(world.writes())
        await world.store(*(world.command(str(n), f"m{n}@ex.org", FNAME="B") for n in range(20)))
        await world.settled()
        assert len(world.writes()) == before + 1
        assert (world.status("m7@ex.org"), world.member("m7@ex.org")["merge_fields"]["FNAME"]) == ("unsubscribed", "B")
        assert await world.told() == world.applied()


async def _some_are_written(world: World) -> bool:
    return bool(await world.rows("select from flow.journal where step = 'applied' and revision = 2"))
