"""Whole accounts that are joined: firms with their persons, and hundreds of records with traps among them (decision 69).

Nobody is written here: what the mapper decides is held against what each record is. MATCHED says how many records a side has.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.contracts.messages import ChangeEvent, Version
from tests.support.database import Database
from tests.support.ledger.both import Both, both, mapping
from tests.support.ledger.process import LedgerProcess
from tests.support.ledger.vendor.client import NAME

RECORDS = int(os.environ.get("MATCHED", "100"))
BATCH = 500
ADDRESS = {"left": "email", "right": "email", "unique": True}
OF_ITS_PERSONS = ADDRESS | {"through": {"entity": "contact", "by": "firm"}}


def told(side: str, entity: str, id: str, **fields: str) -> ChangeEvent:
    """As a list tells it."""
    now = datetime.now(UTC)
    ids, version = (
        (ConnectionId(side), Entity(entity), RecordId(id)),
        Version(stamp=now - timedelta(minutes=1), settled=True),
    )
    return ChangeEvent(
        id=ChangeEvent.derive_id(*ids, version, "list", fields), connection=ids[0], vendor=NAME, entity=ids[1], record=ids[2], kind="changed",
        version=version, coverage="list", fields=fields, observed_at=now, via="poll",
    )  # fmt: skip


def party(side: str, id: str, email: str = "", name: str = "n") -> ChangeEvent:
    return told(side, "party", id, email=email, name=name, city="Graz")


def person(side: str, id: str, firm: str, email: str) -> ChangeEvent:
    return told(side, "contact", id, email=email, name=email, firm=firm)


async def hear(world: Both, events: Iterable[ChangeEvent]) -> None:
    listed = list(events)
    for at in range(0, len(listed), BATCH):
        await world.hear(*listed[at : at + BATCH])


async def settle(world: Both) -> None:
    """Until the mapper has nothing more to judge."""

    async def busy() -> bool:
        (row,) = await world.world.rows(
            "select exists (select from flow.match_again) or exists (select from flow.pair where owed) as busy"
        )
        return bool(row["busy"])

    while await busy():
        await world.settling.step()


async def linked(world: Both, entity: str = "party") -> set[tuple[str, str]]:
    rows = await world.world.rows(
        f"select left_id, right_id from flow.pair where state = 'linked' and left_entity = '{entity}'"
    )
    return {tuple(row) for row in rows}


async def asked(world: Both) -> dict[str, str]:
    """By record, the kind."""
    rows = await world.world.rows(
        "select p.left_id || p.right_id as id, q.kind from flow.pair_question q join flow.pair p on p.id = q.pair where q.winner = ''"
    )
    return {row["id"]: row["kind"] for row in rows}


def wanted(world: Both) -> set[str]:
    """Whose copy is to be made."""
    return {one.record for one in world.commands if one.wish == "present"}


async def read_both(world: Both) -> None:
    await world.world.execute(
        "insert into flow.feeding (connection, entity, place, wanted_at, ready_at) select c, 'contact', '', now(), now() "
        "from unnest(array['left', 'right']) as c on conflict do nothing"
    )
    await world.both_read()
    await settle(world)


@pytest.fixture
async def firms(database: Database, ledger: LedgerProcess) -> AsyncIterator[Both]:
    async with both(database, ledger, match=(ADDRESS, OF_ITS_PERSONS)) as world:
        persons = mapping(match=(ADDRESS,))
        persons["rows"] = [one for one in persons["rows"] if one["target"] != "city"]
        persons["options"] |= {"parent": {"leg": "there", "by": "firm"}}
        for at, (name, direction, source, target) in enumerate(
            (("persons", "forward", "left", "right"), ("persons-back", "back", "right", "left")), start=1
        ):
            await world.world.execute(
                """insert into core.leg (sync, name, direction, source_connection, source_entity, target_connection, target_entity,
                                         target_place, position) values ('s1', $1, $2, $3, 'contact', $4, 'contact', $4, $5)""",
                name, direction, source, target, at,
            )  # fmt: skip
            await world.world.execute(
                "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', $1, 1, $2, now())",
                name, persons,
            )  # fmt: skip
        await world.world.execute("update core.leg set mapping_version = 1")
        yield world


class TestFirms:
    async def test_are_known_by_their_persons_who_follow_them(self, firms: Both) -> None:
        await hear(
            firms,
            [party("left", "L1"), person("left", "l1", "L1", "ana@ex.org"), person("left", "l2", "L1", "bo@ex.org")],
        )
        await hear(
            firms,
            [party("right", "R1"), person("right", "r1", "R1", "ana@ex.org"), person("right", "r2", "R1", "bo@ex.org")],
        )
        await read_both(firms)
        assert await linked(firms) == {("L1", "R1")}
        assert await linked(firms, "contact") == {("l1", "r1"), ("l2", "r2")}
        assert (wanted(firms), await asked(firms)) == (set(), {})

    async def test_whose_persons_are_those_of_two_are_asked_about(self, firms: Both) -> None:
        await hear(
            firms,
            [party("left", "L1"), person("left", "l1", "L1", "ana@ex.org"), person("left", "l2", "L1", "bo@ex.org")],
        )
        await hear(firms, [party("right", "R1"), person("right", "r1", "R1", "ana@ex.org")])
        await hear(firms, [party("right", "R2"), person("right", "r2", "R2", "bo@ex.org")])
        await read_both(firms)
        assert await asked(firms) == {"L1": "match", "R1": "match", "R2": "match"}
        assert (await linked(firms), wanted(firms)) == (set(), set())

    async def test_that_are_linked_by_a_person_take_theirs_along(self, firms: Both) -> None:
        await hear(firms, [party("left", "L1"), party("right", "R1")])
        await read_both(firms)
        await hear(firms, [person("left", "l1", "L1", "ana@ex.org")])
        assert await asked(firms) == {"L1": "unmatched", "R1": "unmatched"}
        told = await firms.world.rows("select reason from flow.run_record where entity = 'persons'")
        assert {row["reason"] for row in told} == {"parent_awaited"}
        found, _ = await firms.reviews.list("", "", None, 10)
        await firms.reviews.decide(found[0]["id"], "link:R1", "eva", "")
        await settle(firms)
        assert (await linked(firms), await asked(firms)) == ({("L1", "R1")}, {})
        assert wanted(firms) == {"l1"}, "nobody there is like it"
        await hear(firms, [person("right", "r1", "R1", "ana@ex.org")])
        assert await linked(firms, "contact") == {("l1", "r1")}

    async def test_a_person_of_another_firm_is_nobodys_counterpart(self, firms: Both) -> None:
        await hear(
            firms,
            [
                party("left", "L1", "a@ex.org"),
                party("left", "L2", "b@ex.org"),
                person("left", "l1", "L1", "ana@ex.org"),
            ],
        )
        await hear(
            firms,
            [
                party("right", "R1", "a@ex.org"),
                party("right", "R2", "b@ex.org"),
                person("right", "r2", "R2", "ana@ex.org"),
            ],
        )
        await read_both(firms)
        assert await linked(firms) == {("L1", "R1"), ("L2", "R2")}
        assert (await linked(firms, "contact"), await asked(firms)) == (set(), {})
        assert wanted(firms) == {"l1", "r2"}


def _traps(count: int) -> tuple[list[ChangeEvent], list[ChangeEvent]]:
    """A shared address, one address twice on one side, a name without an address, two persons of one firm; in turns."""
    left, right = list[ChangeEvent](), list[ChangeEvent]()
    for at in range(count):
        own = f"t{at}@ex.org"
        match at % 4:
            case 0:
                left += [party("left", f"TL{at}a", own), party("left", f"TL{at}b", own)]
                right += [party("right", f"TR{at}", own)]
            case 1:
                right += [party("right", f"TR{at}a", own), party("right", f"TR{at}b", own)]
            case 2:
                left += [party("left", f"TL{at}", "", "Ana Maier")]
                right += [party("right", f"TR{at}", "", "Ana Maier")]
            case _:
                left += [party("left", f"TL{at}", own)]
                right += [party("right", f"TR{at}a", own.upper()), party("right", f"TR{at}b", own)]
    return left, right


class TestTwoAccounts:
    async def test_are_joined_without_a_double_and_every_trap_is_asked_about(
        self, database: Database, ledger: LedgerProcess
    ) -> None:
        left, right = _traps(max(8, RECORDS * 60 // 500))
        traps = {one.record for one in (*left, *right)}
        left += [party("left", f"L{at}", f"p{at}@ex.org") for at in range(RECORDS)]
        right += [party("right", f"R{at}", f"P{at}@ex.org " if at % 2 else f"p{at}@ex.org") for at in range(RECORDS)]
        async with both(database, ledger, match=(ADDRESS,)) as world:
            await hear(world, left)
            await hear(world, right)
            assert world.commands == []
            await world.both_read()
            await settle(world)
            # What is alike is not written; of an address the spelling is.
            spelt = {f"L{at}" for at in range(1, RECORDS, 2)}
            pairs = {(f"L{at}", f"R{at}") for at in range(RECORDS)}
            assert await linked(world) == pairs
            assert set(await asked(world)) == traps
            assert wanted(world) == spelt
            world.commands.clear()
            await self._told_anew(world, left, right)
            assert await linked(world) == pairs
            assert set(await asked(world)) == traps
            assert wanted(world) == spelt, "links are there, and nobody is made again"

    async def _told_anew(self, world: Both, left: Sequence[ChangeEvent], right: Sequence[ChangeEvent]) -> None:
        """As by connections made anew: nothing is known of any record but its links, and everything is read."""
        await world.world.execute(
            """truncate flow.record_state, flow.wanted, flow.work_item, flow.remap, flow.feeding, flow.match_value, flow.match_fill, flow.match_ready
               cascade"""
        )
        await hear(world, [*right, *left])
        await world.both_read()
        await settle(world)
