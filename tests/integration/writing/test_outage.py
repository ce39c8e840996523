"""What is nobody's fault: a vendor that is away, and an account or an audience that is refused. A gate closes, and no record pays."""

import asyncio
from collections import Counter
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId
from common.http.outage import Outage
from common.state.configuration import ConfigurationReader
from common.state.pool import connection
from tests.support.writing import LIST, STRICT, World
from vendors.mailchimp.limits import HORIZON

DISABLED = '{"type": "x", "title": "User Disabled", "status": 403, "detail": "This account has been disabled.", "instance": "i"}'
AWAY: dict[str, dict[str, Any]] = {
    "connections break": {"kind": "reset_before"},
    "a gateway answers": {"kind": "status", "status": 503, "body": "<html>Service Unavailable</html>"},
}


async def gates(world: World) -> list[tuple[str, str]]:
    return [(row["reason"], row["place"]) for row in await world.rows("select reason, place from core.gate order by 1")]


async def attempts(world: World) -> Counter[int]:
    return Counter(row["attempts"] for row in await world.rows("select attempts from flow.work_item"))


class TestVendorAway:
    @pytest.mark.parametrize("how", AWAY)
    async def test_for_two_hours_under_load_costs_no_attempt_and_few_probes(self, world: World, how: str) -> None:
        await world.want("before", "before@ex.org")
        async with world.running(executors=2):
            await world.quiet()
            calls_before = len(world.calls())
            world.fault(route="*", **AWAY[how])
            for n in range(20):
                await world.want(f"a{n}", f"a{n}@ex.org", FNAME="A")
            await world.until(lambda: closed(world), "the gate is closed")
            # Those who met it at the same moment: a call each, and a ping.
            met = len(world.calls()) - calls_before
            probes = []
            for minute in range(120):
                if minute < 40:
                    await world.want(f"b{minute}", f"b{minute}@ex.org", FNAME="B")
                world.advance(60)
                await asyncio.sleep(0.12)
                probes.append(len(world.calls()) - calls_before - met)
            # 5 s, 10 s, 20 s ... 5 min, with up to a quarter of jitter: never more than that in two hours, and it goes on to the end.
            assert 10 <= probes[-1] <= 7 + (7200 - 315) / 225 + 1
            assert max(later - one for one, later in pairwise(probes[10:])) <= 1
            assert set(await attempts(world)) == {0}
            assert not await world.rows("select from flow.work_item where state in ('dead', 'parked')")
            world.sandbox.delete("faults")
            for _ in range(40):
                world.advance(60)
                await asyncio.sleep(0.1)
                if not await gates(world):
                    break
            await world.quiet(within=40)
        assert set(await attempts(world)) == {0}
        assert {row["state"] for row in await world.rows("select state from flow.work_item")} == {"done"}
        assert len(world.audience()) == 61
        assert await world.told() == world.applied()
        (told,) = await world.rows("select * from core.notification where kind = 'gate.vendor_away'")
        assert told["resolved_at"] is not None

    async def test_a_gate_that_another_process_has_opened_is_open_for_rows_on_hold_too(self, world: World) -> None:
        async with world.running():
            await world.want("before", "before@ex.org")
            await world.quiet()
            world.fault(route="*", **AWAY["connections break"])
            await world.want("1", "ana@ex.org")
            await world.until(lambda: closed(world), "the gate is closed")
            await world.quiet("hold")
            world.sandbox.delete("faults")
            await world.execute("delete from flow.vendor_probe")
            await world.execute("delete from core.gate")
            world.advance(HORIZON.total_seconds() + 1)
            await world.quiet()
        assert world.status("ana@ex.org") == "subscribed"

    async def test_what_waited_drains_in_its_order(self, world: World) -> None:
        world.fault(route="*", **AWAY["connections break"])
        async with world.running():
            await world.want("first", "first@ex.org")
            await world.until(lambda: closed(world), "the gate is closed")
            for n in range(5):
                await world.want(f"later{n}", f"later{n}@ex.org")
            world.sandbox.delete("faults")
            for _ in range(12):
                world.advance(40)
                await asyncio.sleep(0.2)
            await world.quiet()
        rows = await world.rows("select record from flow.journal where step = 'applied' order by id")
        order = [row["record"] for row in rows if row["record"].startswith("later")]
        assert order == sorted(order)

    async def test_one_connection_that_breaks_is_a_blip_as_long_as_the_ping_is_answered(self, world: World) -> None:
        world.fault("reset_before", "POST /lists/{id}", count=1)
        await world.want("1", "ana@ex.org")
        async with world.running():
            await world.until(lambda: world_state(world, "hold"), "its outcome is unknown")
            assert await gates(world) == []
            assert "GET /ping" in world.routes()

    async def test_a_probes_turn_is_one_replicas(self, world: World) -> None:
        door = world.door()
        one = await chimp(world)
        outages = [Outage(world.pool, world.clock, world.vendor.ping) for _ in range(4)]
        world.fault(route="*", kind="reset_before")
        await world.execute(
            "insert into flow.vendor_probe values ('chimp', 'mailchimp', 0, now() - interval '1 minute')"
        )
        await world.execute("select core.set_gate('chimp', 'vendor_away', null, now(), '', '', '')")
        open_api = partial(door.open, world.vendor.profile)
        asked = await asyncio.gather(*(outage.probe([one], open_api) for outage in outages))
        calls = [call for call in world.calls() if call["route"] == "GET /ping"]
        assert (sum(asked), len(calls)) == (1, 1)
        await door.aclose()


class TestRefused:
    async def test_a_disabled_account_waits_for_a_person_and_costs_no_attempt(self, world: World) -> None:
        world.fault("status", "*", status=403, body=DISABLED)
        await world.store(*(world.command(str(n), f"m{n}@ex.org") for n in range(30)))
        async with world.running():
            await world.until(lambda: closed(world), "the gate is closed")
            calls = len(world.calls())
            world.advance(3600)
            await asyncio.sleep(0.8)
            assert len(world.calls()) == calls <= 3
            assert await gates(world) == [("refused", "")]
            assert set(await attempts(world)) == {0}
            (told,) = await world.rows("select * from core.notification")
            assert "connection resume" in told["message"] and "has been disabled" in told["message"]
            world.sandbox.delete("faults")
            await world.execute("delete from core.gate")
            await world.quiet()
        assert len(world.audience()) == 30

    async def test_an_audience_that_is_gone_holds_back_its_own_records_and_no_others(self, world: World) -> None:
        world.call("DELETE", f"/lists/{STRICT}")
        await world.store(
            *(world.command(f"s{n}", f"s{n}@ex.org", sync="strict", place=STRICT) for n in range(3)),
            *(world.command(f"m{n}", f"m{n}@ex.org") for n in range(3)),
        )
        async with world.running():
            await world.until(lambda: closed(world), "the gate is closed")
            await world.until(lambda: done(world, 3), "the others are written")
            calls = len(world.calls())
            world.advance(60)
            await asyncio.sleep(0.8)
            assert len(world.calls()) == calls
        assert await gates(world) == [("refused", STRICT)]
        assert set(await attempts(world)) == {0}
        assert set(world.audience(LIST)) == {f"m{n}@ex.org" for n in range(3)}


async def closed(world: World) -> bool:
    return bool(await gates(world))


async def done(world: World, count: int) -> bool:
    return len(await world.rows("select from flow.work_item where state = 'done'")) == count


async def world_state(world: World, state: str) -> bool:
    return bool(await world.rows("select from flow.work_item where state = $1", state))


async def chimp(world: World) -> Connection:
    async with connection(world.pool) as link:
        return (await ConfigurationReader().read(link)).connections[ConnectionId("chimp")]
