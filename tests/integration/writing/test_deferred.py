"""Many changes of members that exist go by the vendor's asynchronous operations: threshold, calls, verdicts, people, ends, lost answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.writing.test_echoes import profile, reasons
from tests.support.writing import LIST, World
from vendors.mailchimp.limits import HORIZON
from vendors.mailchimp.operations import Operations
from writing.collector import TRIES
from writing.lines import ONE_BY_ONE

H, LONGEST = HORIZON.total_seconds(), Operations.longest.total_seconds()
LEAST, MOST = Operations.least, Operations.most
HAND_IN, MEMBER = "POST /batches", "/lists/{list_id}/members/{subscriber_hash}"
CHANGE, RAN = f"PATCH {MEMBER}", f"BATCH PATCH {MEMBER}"
OPERATIONS = f"BATCH PATCH /lists/{LIST}/members/*"
INVALID = '{"type":"t","title":"Invalid Resource","status":400,"detail":"Your merge fields were invalid."}'
FAULT = '{"type":"t","title":"Internal Server Error","status":500,"detail":"An error has occurred."}'


@dataclass
class Many:
    """Members that we have made, and what was called since."""

    world: World
    count: int
    since: int = 0

    async def make(self) -> None:
        await self.want("A")
        await self.world.settled(within=90)
        self.since = len(self.world.calls())

    async def want(self, name: str) -> None:
        world = self.world
        for at in range(0, self.count, 500):
            some = range(at, min(at + 500, self.count))
            await world.store(*(world.command(str(n), f"m{n}@ex.org", FNAME=name) for n in some))

    def routes(self) -> Counter[str]:
        return Counter(self.world.routes()[self.since :])

    def writes(self) -> Counter[str]:
        calls = self.world.calls()[self.since :]
        return Counter(call["route"] for call in calls if call["method"] != "GET")

    def names(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for at in range(0, self.count, 1000):
            listed = self.world.call("GET", f"/lists/{LIST}/members?count=1000&offset={at}").json()["members"]
            found.update(one["merge_fields"]["FNAME"] for one in listed)
        return found

    async def outcomes(self) -> Counter[tuple[str, str]]:
        rows = await self.world.rows("select state, outcome from flow.work_item")
        return Counter((row["state"], row["outcome"]) for row in rows)

    async def all_is_told(self) -> None:
        """Every write is in the journal, nothing is in flight, and nothing is kept of any call."""
        world = self.world
        assert await world.told() == world.applied()
        assert await world.rows("select from flow.write_intent where state = 'sent'") == []
        assert await world.rows("select from flow.target_lease") == []
        assert await world.rows("select from flow.deferred_call") == []

    async def rests(self) -> bool:
        """All of them are with the vendor."""
        held = await self.world.rows("select from flow.work_item where state = 'hold' and token is null")
        return len(held) == self.count

    async def taken(self) -> bool:
        """The vendor's handle is stored."""
        return bool(await self.world.rows("select from flow.deferred_call where handle <> ''")) and await self.rests()


async def many(world: World, count: int = LEAST) -> Many:
    made = Many(world, count)
    await made.make()
    return made


def slow(world: World, seconds: float) -> None:
    world.sandbox.post("limits", {"vendor": "mailchimp", "batch_seconds": seconds})


@pytest.fixture
async def world(world: World) -> Any:
    yield world
    slow(world, 2.0)


class TestThreshold:
    async def test_so_many_go_together_and_fewer_one_by_one(self, world: World) -> None:
        its = await many(world)
        await its.want("B")
        await world.settled(within=60)
        assert its.names() == {"B": LEAST}
        assert its.writes() == {HAND_IN: 1, RAN: LEAST}
        assert await its.outcomes() == {("done", "updated"): LEAST}
        await its.all_is_told()

    async def test_one_less_goes_one_by_one(self, world: World) -> None:
        its = await many(world, LEAST - 1)
        await its.want("B")
        await world.settled(within=60)
        assert its.writes() == {CHANGE: LEAST - 1}
        await its.all_is_told()

    async def test_two_thousand_cost_four_and_their_results(self, world: World) -> None:
        its = await many(world, 2000)
        await its.want("B")
        await world.settled(within=120)
        assert its.names() == {"B": 2000}
        assert its.writes() == {HAND_IN: 4, RAN: 2000}
        routes = its.routes()
        assert routes["GET /results/{batch}"] == 4
        # Asked ever more rarely; an operation takes two seconds here.
        assert routes["GET /batches/{batch_id}"] <= 5 * 4
        assert await its.outcomes() == {("done", "updated"): 2000}
        await its.all_is_told()

    async def test_what_comes_drop_by_drop_gathers_behind_the_first(self, world: World) -> None:
        """Fifty go by themselves; behind them the others become many."""
        its = await many(world, 600)
        world.holds("PATCH *")

        async def want(since: int, until: int) -> None:
            await world.store(*(world.command(str(n), f"m{n}@ex.org", FNAME="B") for n in range(since, until)))

        async with world.running():
            for at in range(0, ONE_BY_ONE, 10):
                await want(at, at + 10)
                await world.until(lambda at=at: self._leased(world, at + 10), "they are taken")  # type: ignore[misc]
            for at in range(ONE_BY_ONE, 600, 10):
                await want(at, at + 10)
            assert await self._leased(world, ONE_BY_ONE)
            world.answers()
            await world.quiet(within=90)
        assert its.names() == {"B": 600}
        writes = its.writes()
        # The first fifty, and at most what was too few to be handed in.
        assert writes[HAND_IN] in (1, 2) and ONE_BY_ONE <= writes[CHANGE] < ONE_BY_ONE + LEAST
        assert writes[CHANGE] + writes[RAN] == 600
        await its.all_is_told()

    @staticmethod
    async def _leased(world: World, count: int) -> bool:
        return len(await world.rows("select from flow.work_item where state = 'leased'")) == count

    async def test_what_was_written_so_is_not_written_again(self, world: World) -> None:
        its = await many(world)
        for _ in range(2):
            await its.want("B")
            await world.settled(within=60)
        assert its.writes() == {HAND_IN: 1, RAN: LEAST}


class TestVerdicts:
    async def test_each_row_has_its_own(self, world: World) -> None:
        """One is refused, one fails by the vendor's word, one fails after it was applied, and two are not told of."""
        its = await many(world)
        await world.store(world.command("0", "m0@ex.org", FNAME="POISON"))
        for n, kind, more in (
            (1, "status", {"status": 500, "body": FAULT}), (2, "half_commit", {"status": 500, "body": FAULT}),
            (3, "reset_before", {}), (4, "reset_after", {}),
        ):  # fmt: skip
            await world.store(world.command(str(n), f"m{n}@ex.org", FNAME=f"F{n}"))
            world.fault(kind, OPERATIONS, contains=f'"F{n}"', count=1, **more)
        world.fault("status", OPERATIONS, contains="POISON", status=400, body=INVALID)
        rest = [world.command(str(n), f"m{n}@ex.org", FNAME="B") for n in range(5, LEAST)]
        await world.store(*rest)
        async with world.running():
            await world.until(lambda: self._told(world), "the results are there", within=60)
            world.advance(60)
            await world.quiet(within=60)
        assert its.writes()[HAND_IN] == 1
        assert (await world.item("0"))["state"] == "dead"
        assert (await world.item("0"))["code"] == "MC_INVALID"
        assert await its.outcomes() == {("done", "updated"): LEAST - 1, ("dead", "failed"): 1}
        assert its.names() == {"A": 1, "B": LEAST - 5, **{f"F{n}": 1 for n in (1, 2, 3, 4)}}
        # What had landed is recognised, what had not is sent again, by itself.
        assert its.writes()[CHANGE] == 2
        reasons = {n: [row["reason"] for row in await world.journal(str(n), "settled")] for n in (1, 2, 3, 4)}
        assert reasons == {1: ["not_seen"], 2: ["applied"], 3: ["not_seen"], 4: ["applied"]}
        await its.all_is_told()

    @staticmethod
    async def _told(world: World) -> bool:
        return bool(await world.rows("select from flow.work_item where outcome = 'updated' and state = 'done'"))

    async def test_what_was_wished_meanwhile_is_written_next(self, world: World) -> None:
        slow(world, 600)
        its = await many(world)
        await its.want("B")
        async with world.running():
            await world.until(its.taken, "all of it is handed in")
            await world.want("7", "m7@ex.org", FNAME="C")
            assert (await world.item("7"))["state"] == "hold"
            world.advance(601)
            await world.quiet(within=60)
        assert its.names() == {"B": LEAST - 1, "C": 1}
        assert its.writes() == {HAND_IN: 1, RAN: LEAST, CHANGE: 1}
        await its.all_is_told()


class TestPeople:
    async def test_the_echo_of_one_that_ran_late_is_nobodys_edit(self, world: World) -> None:
        slow(world, LONGEST - 60)
        its = await many(world)
        await its.want("B")
        async with world.running():
            await world.until(its.taken, "all of it is handed in")
            world.advance(LONGEST - 59)
            await world.quiet(within=60)
        await profile(world, "m1@ex.org")
        assert await reasons(world) == [("echo", "")]
        world.person("profile", "m2@ex.org", merge_fields={"FNAME": "Queen"})
        await profile(world, "m2@ex.org")
        assert (await reasons(world))[1:] == [("received", "edited")]

    async def test_who_leaves_before_it_runs_stays_out(self, world: World) -> None:
        slow(world, 600)
        its = await many(world)
        await its.want("B")
        async with world.running():
            await world.until(its.taken, "all of it is handed in")
            world.person("unsubscribe", "m1@ex.org")
            world.call("DELETE", f"/lists/{LIST}/members/{_hash('m2@ex.org')}")
            world.call("POST", f"/lists/{LIST}/members/{_hash('m3@ex.org')}/actions/delete-permanent")
            world.advance(601)
            await world.quiet(within=60)
        assert [world.status(f"m{n}@ex.org") for n in range(5)] == [
            "subscribed", "unsubscribed", "archived", "none", "subscribed",
        ]  # fmt: skip
        assert (await world.item("3"))["outcome"] == "skipped"
        assert await world.told() == world.applied()


class TestEnds:
    async def test_one_that_never_ends_is_called_off_looked_at_and_sent_again(self, world: World) -> None:
        slow(world, 10 * LONGEST)
        its = await many(world)
        await its.want("B")
        async with world.running():
            await world.until(its.taken, "all of it is handed in")
            world.advance(LONGEST + 1)
            await world.until(lambda: self._gone(world), "it is called off")
            assert (await its.outcomes())["hold", ""] == LEAST
            slow(world, 2)
            world.advance(H + 1)
            await world.quiet(within=120)
        assert its.names() == {"B": LEAST}
        assert its.writes()["DELETE /batches/{batch_id}"] == 1
        await its.all_is_told()

    @staticmethod
    async def _gone(world: World) -> bool:
        return not await world.rows("select from flow.deferred_call")

    @pytest.mark.parametrize(("kind", "more"), [
        ("truncated_body", {}), ("reset_before", {}), ("status", {"status": 404}), ("status", {"status": 403}),
    ], ids=["cut", "lost", "late", "expired"])  # fmt: skip
    async def test_results_that_are_late_or_cut_are_fetched_again(
        self, world: World, kind: str, more: dict[str, Any]
    ) -> None:
        its = await many(world)
        world.fault(kind, "GET /mailchimp/results/*", count=2, **more)
        await its.want("B")
        await world.settled(within=60)
        assert its.writes() == {HAND_IN: 1, RAN: LEAST}
        assert its.routes()["GET /results/{batch}"] == 3
        await its.all_is_told()

    async def test_results_that_nobody_can_read_are_looked_for_at_the_members(self, world: World) -> None:
        its = await many(world)
        world.fault("status", "GET /mailchimp/results/*", status=200, body="<html>nothing</html>")
        await its.want("B")
        async with world.running():
            await world.until(its.taken, "all of it is handed in")
            for _ in range(60):
                world.advance(61)
                if await self._gone(world):
                    break
                await world.until(lambda: self._idle(world), "it is asked again")
            world.advance(H + 1)
            await world.quiet(within=120)
        assert its.routes()["GET /results/{batch}"] == TRIES
        assert its.routes()[f"GET {MEMBER}"] == LEAST
        assert its.writes() == {HAND_IN: 1, RAN: LEAST}
        await its.all_is_told()

    @staticmethod
    async def _idle(world: World) -> bool:
        return not await world.rows("select from flow.deferred_call where lease_until is not null")


class TestRefusals:
    async def test_a_call_that_is_refused_goes_one_by_one(self, world: World) -> None:
        its = await many(world)
        world.fault("status", HAND_IN, status=400, body=INVALID)
        await its.want("B")
        await world.settled(within=60)
        assert its.names() == {"B": LEAST}
        assert its.writes() == {HAND_IN: 1, CHANGE: LEAST}
        await its.all_is_told()

    async def test_nobody_waits_for_the_operations_of_others(self, world: World) -> None:
        """The account has as many hand-ins pending as it may have."""
        its = await many(world)
        world.fault("status", HAND_IN, status=429, body=INVALID.replace("400", "429"))
        await its.want("B")
        await world.settled(within=60)
        assert its.writes() == {HAND_IN: 1, CHANGE: LEAST}
        await its.all_is_told()


class TestLostAnswers:
    async def test_one_that_was_taken_is_found_by_its_name(self, world: World) -> None:
        its = await many(world)
        world.fault("reset_after", HAND_IN, count=1)
        await its.want("B")
        async with world.running():
            await world.until(its.rests, "all of it rests")
            # Another of the same size, which is not ours.
            body = {"operations": [{"method": "GET", "path": "/ping", "operation_id": str(n)} for n in range(LEAST)]}
            world.call("POST", "/batches", json=body)
            world.advance(H + 1)
            await world.quiet(within=60)
        assert its.writes() == {HAND_IN: 1, RAN: LEAST}
        assert its.routes()[f"GET {MEMBER}"] == 0
        await its.all_is_told()

    async def test_one_that_never_came_is_looked_at_and_sent_again(self, world: World) -> None:
        its = await many(world)
        world.fault("reset_before", HAND_IN, count=1)
        await its.want("B")
        async with world.running():
            await world.until(its.rests, "all of it rests")
            world.advance(H + 1)
            await world.until(lambda: TestEnds._gone(world), "the vendor has none")
            world.advance(H + 1)
            await world.quiet(within=120)
        assert its.names() == {"B": LEAST}
        assert its.routes()[f"GET {MEMBER}"] == LEAST
        await its.all_is_told()


def _hash(email: str) -> str:
    import hashlib

    return hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()
