"""One odd answer, one odd document, one connection's trouble: nobody else notices."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from common.failures import Failure
from common.http.call import Api
from tests.support.legs import ONE_LEG
from tests.support.writing import World
from vendors import mailchimp
from vendors.acts import Act, Answered, Attempt, Done, Sending, Step, Work
from vendors.mailchimp.limits import HORIZON
from vendors.mailchimp.target import MailchimpTarget
from vendors.target_record import TargetRecord

H = HORIZON.total_seconds()


class Brittle(MailchimpTarget):
    """Our own code with a fault in it: whoever is called Odd breaks one of its functions."""

    def __init__(self, where: str) -> None:
        self.where = where

    def plan(self, work: Work, facts: object | None) -> Step:
        self._break("plan", work.document)
        return super().plan(work, facts)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        self._break("landed", attempt.act.values)
        return super().landed(attempt, seen)

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        for key in keys:
            self._break("look", {"merge.FNAME": key[:3].title()})
        return await super().look(place, keys, api)

    async def apply(self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending) -> Answered:  # fmt: skip
        for act in acts:
            self._break("before sending", act.values)
        answered = await super().apply(place, acts, facts, api, sending)
        for act in acts:
            self._break("after the answer", act.values)
        return answered

    def _break(self, where: str, values: Mapping[str, Any]) -> None:
        if where == self.where and values.get("merge.FNAME") == "Odd":
            raise KeyError("merge_fields")


async def wish(world: World) -> None:
    names = ["Ana", "Odd", "Bob", "Eve"]
    await world.store(*(world.command(str(n), f"{name.lower()}@ex.org", FNAME=name) for n, name in enumerate(names)))


async def all_but_one_are_done(world: World, *states: str) -> bool:
    rows = await world.rows("select record, state from flow.work_item")
    return all(row["state"] == "done" if row["record"] != "1" else row["state"] in states for row in rows)


class TestBrokenVendorCode:
    @pytest.mark.parametrize("where", ["plan", "before sending"])
    async def test_is_a_bug_of_the_one_row_where_nothing_was_sent(self, world: World, where: str) -> None:
        world.vendor = replace(mailchimp.VENDOR, targets={mailchimp.MEMBER: Brittle(where)})
        await wish(world)
        await world.settled()
        item = await world.item("1")
        assert (item["state"], item["kind"], item["code"]) == ("dead", "BUG", "VENDOR_CODE_FAILED")
        assert "KeyError at test_isolation.py" in item["message"]
        assert await all_but_one_are_done(world, "dead")

    async def test_is_an_unknown_outcome_once_something_was_sent(self, world: World) -> None:
        world.vendor = replace(mailchimp.VENDOR, targets={mailchimp.MEMBER: Brittle("after the answer")})
        await wish(world)
        async with world.running():
            await world.until(lambda: _held(world, 4), "nobody knows what became of the call")
            world.advance(H + 1)
            await world.quiet()
        # All were written by that call, and the look has found them.
        assert await all_but_one_are_done(world, "done")
        assert await world.told() == world.applied()

    @pytest.mark.parametrize("where", ["landed", "look"])
    async def test_in_a_look_ends_the_row_where_people_see_it(self, world: World, where: str) -> None:
        world.vendor = replace(mailchimp.VENDOR, targets={mailchimp.MEMBER: Brittle(where)})
        world.fault("half_commit", "POST /lists/{id}", count=1)
        await wish(world)
        async with world.running():
            await world.until(lambda: _held(world, 4), "nobody knows what became of the call")
            world.advance(H + 1)
            await world.quiet()
        item = await world.item("1")
        assert (item["state"], item["kind"]) == ("dead", "BUG")
        assert await all_but_one_are_done(world, "dead")
        assert await world.rows("select from flow.target_lease") == []
        assert await world.rows("select from flow.write_intent where state = 'sent'") == []
        (row,) = await world.rows("select doubtful from flow.target_record where key = 'odd@ex.org'")
        assert row["doubtful"], "whoever opens it again looks first"


class TestOddAnswers:
    @pytest.mark.parametrize(
        "body",
        ["<html><body>Scheduled <b>maintenance</b></body></html>", "[]", '{"new_members": [{"id": "x"}]}', '{"new_members": 7}', "{", ""],
        ids=["a page", "a list", "keys missing", "another form", "half", "nothing"],
    )  # fmt: skip
    async def test_under_a_200_are_unknown_outcomes_and_end_nobody(self, world: World, body: str) -> None:
        world.fault("status", "POST /lists/{id}", count=1, status=200, body=body)
        await wish(world)
        async with world.running():
            await world.until(lambda: _held(world, 4), "nobody knows what became of the call")
            item = await world.item("1")
            assert (item["kind"], item["code"]) == ("UNKNOWN", "VENDOR_ANSWER_UNREADABLE")
            if "maintenance" in body:
                assert item["vendor_words"] == "Scheduled maintenance"
            for _ in range(6):
                world.advance(H + 1)
                await asyncio.sleep(0.5)
            await world.quiet()
        assert await all_but_one_are_done(world, "done")
        assert await world.told() == world.applied()

    async def test_to_a_read_are_asked_for_again(self, world: World) -> None:
        world.fault("status", "GET /lists/{id}", count=1, status=200, body="<html>busy</html>")
        await wish(world)
        async with world.running():
            for _ in range(20):
                world.advance(3)
                await asyncio.sleep(0.15)
            await world.quiet()
        assert await all_but_one_are_done(world, "done")


class TestConnections:
    async def test_one_that_leads_nowhere_waits_behind_its_gate_and_the_others_go_on(self, world: World) -> None:
        await _second(world, details={"dc": "no data centre!"})
        await world.store(
            *(world.command(f"x{n}", f"x{n}@ex.org", sync="other", target="other") for n in range(3)),
            *(world.command(f"m{n}", f"m{n}@ex.org") for n in range(3)),
        )
        async with world.running():
            await world.until(lambda: _done(world, 3), "the others are written")
            await world.until(lambda: _gated(world, "other"), "the gate is closed")
        assert not await world.rows("select from flow.work_item where state in ('dead', 'parked') or attempts > 0")

    async def test_a_thousand_idle_ones_cost_a_turn_no_more_than_one(self, world: World) -> None:
        await world.execute(
            """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
               select 'c' || n, 'mailchimp', 'c' || n, 'active', '{"dc": "us6"}', 'c' || n, now(), now() from generate_series(1, 1000) n"""
        )
        await world.execute(
            """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
               select 's' || n || 'x', 's' || n || 'x', 't', 'books', 'c' || n, 'active', now(), now()
                 from generate_series(1, 1000) n"""
        )
        await world.execute(ONE_LEG, "l")
        async with world.running_as_in_production():
            await asyncio.sleep(1.0)
            before = await _transactions(world)
            await asyncio.sleep(5.0)
            spent = await _transactions(world) - before
            await world.want("1", "ana@ex.org")
            await world.quiet()
        # Ten idle turns of three statements, and three sweeps; it was two transactions for each connection in each turn.
        assert spent < 200


async def _second(world: World, details: dict[str, str]) -> None:
    await world.execute(
        """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
           values ('other', 'mailchimp', 'other', 'active', $1, 'other', now(), now())""",
        details,
    )
    await world.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
           values ('other', 'other', 't', 'books', 'other', 'active', now(), now())"""
    )
    await world.execute(ONE_LEG, "l")


async def _transactions(world: World) -> int:
    await world.execute("select pg_stat_clear_snapshot()")
    (row,) = await world.rows(
        "select xact_commit + xact_rollback as n from pg_stat_database where datname = current_database()"
    )
    return int(row["n"])


async def _held(world: World, count: int) -> bool:
    return len(await world.rows("select from flow.work_item where state = 'hold'")) == count


async def _done(world: World, count: int) -> bool:
    return len(await world.rows("select from flow.work_item where state = 'done'")) == count


async def _gated(world: World, connection: str) -> bool:
    return bool(await world.rows("select from core.gate where connection = $1 and reason = 'refused'", connection))
